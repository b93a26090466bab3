// What a fuzzer's bytes are turned into. A target that finds something wrong calls SOLEC_ASSERT,
// which aborts: libFuzzer then keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"

namespace solec {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : bytes_(data, size) {}

  bool empty() const { return bytes_.empty(); }
  // The next byte; 0 when there are no more.
  uint8_t TakeByte() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  // Up to `size` bytes.
  Bytes Take(size_t size) {
    const Bytes taken = bytes_.first(size < bytes_.size() ? size : bytes_.size());
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  Bytes rest() const { return bytes_; }
  std::string_view text() const { return AsString(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace solec
