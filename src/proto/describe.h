// Payloads as people read them, generated from their lists of fields. For tools and logs:
// allocates. Text from outside comes out quoted, with control characters and broken UTF-8 as \x
// escapes.
#pragma once

#include <string>

#include "proto/frame.h"

namespace solec {

// "Message", or "" for a type that is not known.
std::string_view PayloadName(PayloadType type);

// One line without its end: `Error code=0x02 (not found)`; what is malformed says why.
std::string DescribeFrame(const Frame& frame);
// One JSON object: {"type":"Error","code":2}.
std::string DescribeFrameJson(const Frame& frame);
// A line for each frame of any bytes, and one for what is left over at the end.
std::string DescribeStream(Bytes stream, bool json);

// The table of all payloads: type, name, sender, fields.
std::string PayloadTableMarkdown();

}  // namespace solec
