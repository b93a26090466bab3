// Encoder and decoder of payloads, generated from their lists of fields. Pure functions over bytes:
// nothing is allocated, no clock is read, any thread may call.
#pragma once

#include <cstring>
#include <type_traits>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "proto/payloads.h"

namespace solec {

enum class DecodeError : uint8_t {
  kNone,
  kTooShort,    // a field, or the count of a string, runs past the payload
  kBytesLeft,   // bytes after the last field
  kBadUtf8,     // a string that is not valid UTF-8
};

namespace codec_internal {

template <class P>
constexpr bool MayGrow() {
  if constexpr (requires { P::kMayGrow; }) return P::kMayGrow;
  return false;
}

// What a field looks like on the wire, by its C++ type.
template <class T>
struct Wire {  // unsigned integers, and enums over them
  static constexpr auto Raw(T value) {
    if constexpr (std::is_enum_v<T>) return static_cast<std::underlying_type_t<T>>(value);
    else return value;
  }
  static size_t Size(T) { return sizeof(T); }
  static uint8_t* Put(uint8_t* to, T value) {
    StoreBig(to, Raw(value));
    return to + sizeof(T);
  }
  static DecodeError Take(Bytes* from, T* value) {
    if (from->size() < sizeof(T)) return DecodeError::kTooShort;
    *value = static_cast<T>(LoadBig<decltype(Raw(T{}))>(from->data()));
    *from = from->subspan(sizeof(T));
    return DecodeError::kNone;
  }
};

template <>
struct Wire<Timestamp> {
  static size_t Size(Timestamp) { return 8; }
  static uint8_t* Put(uint8_t* to, Timestamp value) {
    return Wire<uint64_t>::Put(to, value.seconds);
  }
  static DecodeError Take(Bytes* from, Timestamp* value) {
    return Wire<uint64_t>::Take(from, &value->seconds);
  }
};

template <>
struct Wire<Bytes> {
  static size_t Size(Bytes value) { return 2 + value.size(); }
  static uint8_t* Put(uint8_t* to, Bytes value) {
    StoreBig(to, static_cast<uint16_t>(value.size()));
    if (!value.empty()) std::memcpy(to + 2, value.data(), value.size());
    return to + 2 + value.size();
  }
  static DecodeError Take(Bytes* from, Bytes* value) {
    if (from->size() < 2) return DecodeError::kTooShort;
    const size_t size = LoadBig<uint16_t>(from->data());
    if (from->size() - 2 < size) return DecodeError::kTooShort;
    *value = from->subspan(2, size);
    *from = from->subspan(2 + size);
    return DecodeError::kNone;
  }
};

template <>
struct Wire<std::string_view> {
  static size_t Size(std::string_view value) { return 2 + value.size(); }
  static uint8_t* Put(uint8_t* to, std::string_view value) {
    return Wire<Bytes>::Put(to, AsBytes(value));
  }
  static DecodeError Take(Bytes* from, std::string_view* value) {
    Bytes bytes;
    const DecodeError error = Wire<Bytes>::Take(from, &bytes);
    if (error != DecodeError::kNone) return error;
    *value = AsString(bytes);
    return IsValidUtf8(*value) ? DecodeError::kNone : DecodeError::kBadUtf8;
  }
};

// Absent only at the very end of a payload; a part of it is malformed.
template <class T>
struct Wire<std::optional<T>> {
  static size_t Size(const std::optional<T>& value) { return value ? sizeof(T) : 0; }
  static uint8_t* Put(uint8_t* to, const std::optional<T>& value) {
    return value ? Wire<T>::Put(to, *value) : to;
  }
  static DecodeError Take(Bytes* from, std::optional<T>* value) {
    value->reset();
    if (from->empty()) return DecodeError::kNone;
    return Wire<T>::Take(from, &value->emplace());
  }
};

}  // namespace codec_internal

// Calls `visit(name, value)` for each field of `payload` in wire order.
template <class P, class Visit>
void ForEachField(const P& payload, Visit&& visit) {
  std::apply([&](const auto&... field) { (visit(field.name, payload.*(field.member)), ...); },
             P::Fields());
}

// Reads `payload` (the bytes after the frame's 3-byte header). On kNone every field of `out` is set
// and its views point into `payload`; otherwise `out` holds some of them and is to be forgotten.
template <class P>
DecodeError Decode(Bytes payload, P* out) {
  DecodeError error = DecodeError::kNone;
  auto take = [&](const auto& field) {
    auto& value = out->*(field.member);
    error = codec_internal::Wire<std::remove_reference_t<decltype(value)>>::Take(&payload, &value);
    return error == DecodeError::kNone;
  };
  const bool complete =
      std::apply([&](const auto&... field) { return (take(field) && ...); }, P::Fields());
  if (!complete) return error;
  if (!payload.empty() && !codec_internal::MayGrow<P>()) return DecodeError::kBytesLeft;
  return DecodeError::kNone;
}

// Bytes of `payload` on the wire without the frame's header. May exceed kPayloadBytesMax: a caller
// that fills fields from outside checks before it encodes.
template <class P>
size_t PayloadSize(const P& payload) {
  size_t size = 0;
  ForEachField(payload, [&](std::string_view, const auto& value) {
    size += codec_internal::Wire<std::remove_cvref_t<decltype(value)>>::Size(value);
  });
  return size;
}

// Bytes of the whole frame, header included.
template <class P>
size_t FrameSize(const P& payload) {
  return kFrameHeaderSize + PayloadSize(payload);
}

// Writes the whole frame to `to`, which has room for FrameSize(payload) bytes; returns that size.
template <class P>
size_t Encode(const P& payload, uint8_t* to) {
  const size_t size = PayloadSize(payload);
  SOLEC_ASSERT(size <= kPayloadBytesMax);
  to[0] = static_cast<uint8_t>(P::kType);
  StoreBig(to + 1, static_cast<uint16_t>(size));
  uint8_t* end = to + kFrameHeaderSize;
  ForEachField(payload, [&](std::string_view, const auto& value) {
    end = codec_internal::Wire<std::remove_cvref_t<decltype(value)>>::Put(end, value);
  });
  return kFrameHeaderSize + size;
}

// Appends the whole frame to a std::string, a std::vector<uint8_t> or the like: for places where
// allocating is fine (tools, tests, answers that are off the message path).
template <class P, class Container>
void AppendFrame(const P& payload, Container* to) {
  const size_t old_size = to->size();
  to->resize(old_size + FrameSize(payload));
  Encode(payload, reinterpret_cast<uint8_t*>(to->data()) + old_size);
}

}  // namespace solec
