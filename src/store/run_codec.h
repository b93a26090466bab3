// Runs as values: whole Message frames packed into fewer bytes, and back to the same bytes. Pure;
// any thread. docs/storage.md has the format.
//
// Of 64-byte messages of one user to another more than half of each frame is who writes to whom,
// over and over; what a message costs the store is mostly the bytes that it writes (and rewrites,
// when tables are merged). So source and target stand once, and of a time only what has passed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/layout.h"

namespace solec {

// `frames`: exactly `count` whole Message frames. What is returned lies in `buffer`, which keeps
// its memory from one run to the next and grows to what the largest needs. Frames that are not made
// as this project's encoder makes them (none such come from a shard) are kept as they are.
std::string_view PackRun(Bytes frames, uint64_t count, std::string* buffer);

struct RunValue {
  uint64_t count = 0;  // of frames; the first has position (that of the key) - count + 1
  Bytes frames;        // exactly `count` whole frames of type Message: that was checked
};

// The frames lie in `value` or in `buffer`, whose content is replaced. Nothing of what is damaged
// is returned. However damaged it is: at most kRunFramesMax bytes are unpacked.
inline constexpr size_t kRunFramesMax = 16 << 20;
std::optional<RunValue> ParseRun(std::string_view value, std::string* buffer);

// The run that an inbox or a spool holds itself, if it is as long as the entry says.
std::optional<RunValue> RunOf(const InboxValue& entry, std::string* buffer);
std::optional<RunValue> RunOf(const SpoolValue& row, std::string* buffer);

}  // namespace solec
