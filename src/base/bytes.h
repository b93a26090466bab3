// Byte views and big-endian loads and stores. Pure, header only, any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace solec {

// A view of bytes that somebody else owns. It never outlives the call that it was passed to,
// unless the function that takes it says otherwise.
using Bytes = std::span<const uint8_t>;

// Reads an unsigned integer in network order. `from` needs sizeof(T) readable bytes, any alignment.
template <class T>
[[gnu::always_inline]] inline T LoadBig(const uint8_t* from) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  return value;
}

// Writes an unsigned integer in network order. `to` needs sizeof(T) writable bytes, any alignment.
template <class T>
[[gnu::always_inline]] inline void StoreBig(uint8_t* to, T value) {
  static_assert(std::is_unsigned_v<T>);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(T));
}

static_assert(std::endian::native == std::endian::little, "the loads above swap unconditionally");

inline std::string_view AsString(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace solec
