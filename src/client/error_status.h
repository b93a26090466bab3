// The protocol's error codes as absl::Status with a text for people: what failed, and what to do.
// Pure; allocates.
//
// Which code of absl stands for what is what programs may rely on:
//   kUnavailable         the server cannot be reached, the connection broke, or it is shutting down
//   kPermissionDenied    wrong name or password
//   kNotFound            error 0x02
//   kResourceExhausted   error 0x42, or a bound of this library
//   kAborted             error 0x43: temporary, try again later
//   kDeadlineExceeded    no answer in time
//   kUnimplemented       the server did not agree to the feature that is needed
//   kInvalidArgument     what was asked cannot be put into a payload
//   kInternal            one side broke the protocol
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "proto/constants.h"

namespace solec {

// OK for kNone. `what` is what was tried: "join #room".
absl::Status StatusOfError(ErrorCode code, std::string_view what);

// What the code means to the person who tried, and what to do: a clause without capital or stop.
std::string_view ErrorAdvice(ErrorCode code);

}  // namespace solec
