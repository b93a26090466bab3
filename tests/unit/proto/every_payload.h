// What the tests and fuzzers of proto do with every payload there is, written once over the lists
// of fields: call something for each type, compare two payloads, make a random one.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>

#include "proto/codec.h"

namespace solec {

// Calls visit(P()) for each payload P.
template <class Visit>
void ForEachPayload(Visit&& visit) {
  std::apply([&](auto... payload) { (visit(payload), ...); }, AllPayloads{});
}

// Calls visit(P()) for the payload of `type`; false if there is none.
template <class Visit>
bool WithPayload(PayloadType type, Visit&& visit) {
  bool found = false;
  ForEachPayload([&](auto payload) {
    if (payload.kType != type) return;
    found = true;
    visit(payload);
  });
  return found;
}

template <class T>
bool SameValue(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Bytes>)
    return std::ranges::equal(a, b);
  else
    return a == b;
}

template <class P>
bool SamePayload(const P& a, const P& b) {
  bool same = true;
  std::apply(
      [&](const auto&... field) {
        ((same = same && SameValue(a.*(field.member), b.*(field.member))), ...);
      },
      P::Fields());
  return same;
}

// Makes payloads whose text lives in here, until Clear.
class RandomPayloads {
 public:
  explicit RandomPayloads(uint64_t seed) : random_(seed) {}

  std::mt19937_64& random() { return random_; }
  void Clear() { texts_.clear(); }

  template <class P>
  P Make() {
    P payload;
    room_ = kPayloadBytesMax;
    std::apply([&](const auto&... field) { (Fill(&(payload.*(field.member))), ...); }, P::Fields());
    return payload;
  }

  // Valid UTF-8 of at most `size_max` bytes: often short or empty, now and then as long as may be.
  std::string_view Text(size_t size_max) {
    const size_t size = Size(size_max);
    std::string text;
    while (text.size() < size) {
      const size_t left = size - text.size();
      AppendCharacter(std::min<size_t>(1 + random_() % 4, left), &text);
    }
    return texts_.emplace_back(std::move(text));
  }

 private:
  size_t Size(size_t size_max) {
    const uint64_t kind = random_() % 16;
    const size_t most = kind == 0 ? size_max : kind < 4 ? 2'000 : 40;
    return std::min<size_t>(size_max, kind == 1 ? most : random_() % (most + 1));
  }

  void AppendCharacter(size_t size, std::string* text) {
    const uint32_t from[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint32_t to[] = {0, 0x80, 0x800, 0xD800, 0x110000};
    uint32_t code = from[size] + static_cast<uint32_t>(random_() % (to[size] - from[size]));
    char bytes[4];
    for (size_t i = size - 1; i > 0; --i) {
      bytes[i] = static_cast<char>(0x80 | (code & 0x3F));
      code >>= 6;
    }
    const uint32_t mark[] = {0, 0, 0xC0, 0xE0, 0xF0};
    bytes[0] = static_cast<char>(mark[size] | code);
    text->append(bytes, size);
  }

  template <class T>
  void Fill(T* value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      *value = Text(room_ / 4);
      room_ -= value->size() + 2;
    } else if constexpr (std::is_same_v<T, Bytes>) {
      std::string bytes(Size(room_ / 4), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random_());
      room_ -= bytes.size() + 2;
      *value = AsBytes(texts_.emplace_back(std::move(bytes)));
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      Fill(&value->seconds);
    } else if constexpr (std::is_same_v<T, std::optional<uint32_t>>) {
      value->reset();
      if (random_() % 2 == 0) Fill(&value->emplace());
    } else {  // all ones and all zeros too
      const uint64_t kind = random_() % 8;
      *value = static_cast<T>(kind == 0 ? 0 : kind == 1 ? UINT64_MAX : random_());
    }
  }

  std::mt19937_64 random_;
  std::deque<std::string> texts_;  // a deque: what is in it stays where it is
  size_t room_ = 0;
};

}  // namespace solec
