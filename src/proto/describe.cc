#include "proto/describe.h"

#include <cstdio>

#include "base/utf8.h"
#include "proto/codec.h"

namespace solec {
namespace {

std::string Hex(uint64_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "0x%0*llX", digits, static_cast<unsigned long long>(value));
  return text;
}

std::string HexBytes(Bytes bytes) {
  std::string text;
  char digits[3];
  for (const uint8_t byte : bytes) {
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

// Text of any bytes, so that it cannot end the line or talk to the terminal. U+0080 to U+009F (C2
// 80 to C2 9F) are control characters too.
std::string Quote(std::string_view text, bool json) {
  const bool valid = IsValidUtf8(text);
  std::string quoted = "\"";
  char escape[16];
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const auto next = static_cast<uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte == '"' || byte == '\\') {
      quoted += {'\\', text[i]};
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !valid)) {
      std::snprintf(escape, sizeof(escape), json ? "\\u%04x" : "\\x%02x", byte);
      quoted += escape;
    } else if (byte == 0xC2 && next < 0xA0) {
      std::snprintf(escape, sizeof(escape), json ? "\\u%04x" : "\\xc2\\x%02x", next);
      quoted += escape;
      ++i;
    } else {
      quoted += text[i];
    }
  }
  return quoted + "\"";
}

// --- values ---

std::string Hex(Bytes bytes, bool json) {
  return json ? Quote(HexBytes(bytes), true) : HexBytes(bytes);
}

template <class T>
std::string Value(const T& value, bool json) {
  if constexpr (std::is_same_v<T, std::string_view>) return Quote(value, json);
  else if constexpr (std::is_same_v<T, Bytes>) return Hex(value, json);
  else if constexpr (std::is_same_v<T, Timestamp>) return std::to_string(value.seconds);
  else if constexpr (std::is_same_v<T, std::optional<uint32_t>>) {
    return json ? std::to_string(value.value_or(0)) : Hex(value.value_or(0), 8);
  } else if constexpr (std::is_same_v<T, ErrorCode>) {
    const auto code = static_cast<uint8_t>(value);
    return json ? std::to_string(code) : Hex(code, 2) + " (" + std::string(ErrorText(value)) + ")";
  } else {
    return std::to_string(static_cast<uint64_t>(value));
  }
}

template <class T>
bool Present(const T&) { return true; }
bool Present(const std::optional<uint32_t>& value) { return value.has_value(); }

template <class T>
constexpr std::string_view TypeName() {
  if constexpr (std::is_same_v<T, std::string_view>) return "string";
  else if constexpr (std::is_same_v<T, Bytes>) return "binary";
  else if constexpr (std::is_same_v<T, Timestamp>) return "timestamp";
  else if constexpr (std::is_same_v<T, std::optional<uint32_t>>) return "uint32 (may be absent)";
  else if constexpr (sizeof(T) == 1) return "uint8";
  else if constexpr (sizeof(T) == 2) return "uint16";
  else if constexpr (sizeof(T) == 4) return "uint32";
  else return "uint64";
}

// Calls visit(P{}) for the payload of that type; false if there is none.
template <class Visit>
bool VisitPayload(PayloadType type, Visit&& visit) {
  return std::apply(
      [&](auto... payload) {
        return ((decltype(payload)::kType == type && (visit(payload), true)) || ...);
      },
      AllPayloads{});
}

std::string_view ErrorName(DecodeError error) {
  switch (error) {
    case DecodeError::kTooShort:
      return "a field runs past the payload";
    case DecodeError::kBytesLeft:
      return "bytes after the last field";
    case DecodeError::kBadUtf8:
      return "text that is not UTF-8";
    case DecodeError::kNone:
      break;
  }
  return "well formed";
}

std::string Describe(const Frame& frame, bool json) {
  const auto type = static_cast<uint8_t>(frame.type);
  std::string text;
  auto member = [&](std::string_view name, const std::string& value) {
    if (json) text += ",\"" + std::string(name) + "\":" + value;
    else text += " " + std::string(name) + "=" + value;
  };
  const bool known = VisitPayload(frame.type, [&](auto payload) {
    text = json ? "{\"type\":\"" + std::string(payload.kName) + "\"" : std::string(payload.kName);
    const DecodeError error = Decode(frame.payload, &payload);
    if (error != DecodeError::kNone) {
      if (json) member("malformed", Quote(ErrorName(error), true));
      else text += " malformed: " + std::string(ErrorName(error));
      member("bytes", Hex(frame.payload, json));
      return;
    }
    ForEachField(payload, [&](std::string_view name, const auto& value) {
      if (Present(value)) member(name, Value(value, json));
    });
  });
  if (!known) {
    text = json ? "{\"type\":" + std::to_string(type) : "Unknown type=" + Hex(type, 2);
    member("bytes", Hex(frame.payload, json));
  }
  return json ? text + "}" : text;
}

}  // namespace

std::string_view PayloadName(PayloadType type) {
  std::string_view name;
  VisitPayload(type, [&](auto payload) { name = payload.kName; });
  return name;
}

std::string DescribeFrame(const Frame& frame) { return Describe(frame, false); }
std::string DescribeFrameJson(const Frame& frame) { return Describe(frame, true); }

std::string DescribeStream(Bytes stream, bool json) {
  std::string text;
  for (Frame frame; TakeFrame(&stream, &frame);) text += Describe(frame, json) + "\n";
  if (stream.empty()) return text;
  if (json) {
    return text + "{\"incomplete\":\"" + HexBytes(stream) + "\",\"wanted\":" +
           std::to_string(FrameSizeAt(stream)) + "}\n";
  }
  return text + "Incomplete frame: " + std::to_string(stream.size()) + " of " +
         (FrameSizeAt(stream) == 0 ? std::string("at least 3")
                                   : std::to_string(FrameSizeAt(stream))) +
         " bytes: " + HexBytes(stream) + "\n";
}

std::string PayloadTableMarkdown() {
  std::string text = "| type | name | sender | fields |\n|---|---|---|---|\n";
  std::apply(
      [&](auto... payload) {
        auto row = [&](auto one) {
          std::string fields;
          ForEachField(one, [&](std::string_view name, const auto& value) {
            if (!fields.empty()) fields += ", ";
            fields += std::string(TypeName<std::remove_cvref_t<decltype(value)>>()) + " " +
                      std::string(name);
          });
          if (fields.empty()) fields = "none";
          text += "| " + Hex(static_cast<uint8_t>(one.kType), 2) + " | " + std::string(one.kName) +
                  " | " + std::string(one.kSender) + " | " + fields + " |\n";
        };
        (row(payload), ...);
      },
      AllPayloads{});
  return text;
}

}  // namespace solec
