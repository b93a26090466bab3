#include "tests/unit/proto/vectors.h"

#include <gtest/gtest.h>

#include "proto/describe.h"
#include "tests/unit/proto/every_payload.h"

namespace solec {
namespace {

template <class T>
nlohmann::json JsonOf(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>)
    return std::string(value);
  else if constexpr (std::is_same_v<T, Timestamp>)
    return value.seconds;
  else if constexpr (std::is_same_v<T, Bytes>) {
    std::string hex;
    char digits[3];
    for (const uint8_t byte : value) {
      std::snprintf(digits, sizeof(digits), "%02x", byte);
      hex += digits;
    }
    return hex;
  } else {
    return static_cast<uint64_t>(value);
  }
}

template <class P>
nlohmann::json FieldsOf(const P& payload) {
  nlohmann::json fields = nlohmann::json::object();
  ForEachField(payload, [&](std::string_view name, const auto& value) {
    if constexpr (std::is_same_v<decltype(value), const std::optional<uint32_t>&>) {
      if (value) fields[std::string(name)] = *value;
    } else {
      fields[std::string(name)] = JsonOf(value);
    }
  });
  return fields;
}

class Vectors : public testing::Test {
 protected:
  const std::vector<Vector> vectors_ = ReadVectors();
};

TEST_F(Vectors, AreThereAndEachIsOneWholeFrame) {
  EXPECT_GE(vectors_.size(), 26u);
  for (const Vector& vector : vectors_) {
    EXPECT_EQ(FrameSizeAt(AsBytes(vector.bytes)), vector.bytes.size()) << vector.name;
    EXPECT_NE(PayloadName(vector.frame().type), "") << vector.name;
  }
}

TEST_F(Vectors, DecodeToTheirFields) {
  for (const Vector& vector : vectors_) {
    const Frame frame = vector.frame();
    ASSERT_TRUE(WithPayload(frame.type, [&](auto payload) {
      const DecodeError error = Decode(frame.payload, &payload);
      ASSERT_EQ(error == DecodeError::kNone, !vector.malformed()) << vector.name;
      if (!vector.malformed()) {
        EXPECT_EQ(FieldsOf(payload), vector.fields) << vector.name;
      }
    }));
  }
}

TEST_F(Vectors, EncodeToTheirBytes) {
  int encoded = 0;
  for (const Vector& vector : vectors_) {
    if (!vector.encode) continue;
    const Frame frame = vector.frame();
    WithPayload(frame.type, [&](auto payload) {
      ASSERT_EQ(Decode(frame.payload, &payload), DecodeError::kNone);
      std::string bytes = "before";
      AppendFrame(payload, &bytes);
      EXPECT_EQ(bytes, "before" + vector.bytes) << vector.name;
      EXPECT_EQ(FrameSize(payload), vector.bytes.size()) << vector.name;
      ++encoded;
    });
  }
  EXPECT_GE(encoded, 16);
}

// Only a Handshake comes in more than one size: without features, with them, and anything longer.
bool IsSizeOfHandshake(size_t size) {
  return size == 2 || size >= 6;
}

TEST_F(Vectors, CutAtEveryByteAreRefused) {
  for (const Vector& vector : vectors_) {
    if (vector.malformed()) continue;
    const Frame frame = vector.frame();
    WithPayload(frame.type, [&](auto payload) {
      for (size_t cut = 0; cut < frame.payload.size(); ++cut) {
        const bool valid = frame.type == PayloadType::kHandshake && IsSizeOfHandshake(cut);
        EXPECT_EQ(Decode(frame.payload.first(cut), &payload) == DecodeError::kNone, valid)
            << vector.name << " cut to " << cut;
      }
    });
  }
}

TEST_F(Vectors, WithAByteTooManyAreRefused) {
  for (const Vector& vector : vectors_) {
    if (vector.malformed()) continue;
    const Frame frame = vector.frame();
    for (const char more : {'\0', 'x', '\xFF'}) {
      const std::string longer = std::string(AsString(frame.payload)) + more;
      WithPayload(frame.type, [&](auto payload) {
        const bool valid =
            frame.type == PayloadType::kHandshake && IsSizeOfHandshake(longer.size());
        EXPECT_EQ(Decode(AsBytes(longer), &payload) == DecodeError::kNone, valid) << vector.name;
      });
    }
  }
}

TEST_F(Vectors, InOneStreamCutAnywhereAreTheSameFrames) {
  std::string stream;
  for (const Vector& vector : vectors_) stream += vector.bytes;
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    std::vector<std::string> frames;
    std::string buffer;
    for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
      buffer += part;
      Bytes rest = AsBytes(buffer);
      for (Frame frame; TakeFrame(&rest, &frame);) frames.emplace_back(frame.text());
      buffer = AsString(rest);
    }
    ASSERT_EQ(frames.size(), vectors_.size()) << "cut at " << cut;
    EXPECT_TRUE(buffer.empty());
    for (size_t i = 0; i < frames.size(); ++i) ASSERT_EQ(frames[i], vectors_[i].bytes) << cut;
  }
}

TEST_F(Vectors, DescribedAsJsonAreTheirFields) {
  for (const Vector& vector : vectors_) {
    const Frame frame = vector.frame();
    nlohmann::json described = nlohmann::json::parse(DescribeFrameJson(frame));
    EXPECT_EQ(described.at("type"), std::string(PayloadName(frame.type))) << vector.name;
    EXPECT_EQ(described.contains("malformed"), vector.malformed()) << vector.name;
    if (vector.malformed()) {
      EXPECT_EQ(described.at("bytes"), JsonOf(frame.payload)) << vector.name;
    } else {
      described.erase("type");
      EXPECT_EQ(described, vector.fields) << vector.name;
    }
  }
}

TEST_F(Vectors, DescribedAsTextAreOneLineThatNamesThem) {
  for (const Vector& vector : vectors_) {
    const std::string line = DescribeFrame(vector.frame());
    EXPECT_TRUE(line.starts_with(PayloadName(vector.frame().type))) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    EXPECT_EQ(line.find(" malformed: ") != std::string::npos, vector.malformed()) << line;
    for (const auto& [name, value] : vector.fields.items()) {
      EXPECT_NE(line.find(" " + name + "="), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace solec
