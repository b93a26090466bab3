#include "proto/constants.h"

namespace solec {

std::string_view ErrorText(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "done";
    case ErrorCode::kUserAuthFailed:
      return "invalid username or password";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kServerAuthFailed:
      return "unknown server name";
    case ErrorCode::kMalformed:
      return "malformed payload";
    case ErrorCode::kNotAllowed:
      return "payload not allowed here";
    case ErrorCode::kOverLimit:
      return "over a limit";
    case ErrorCode::kUnavailable:
      return "temporarily unavailable";
    case ErrorCode::kShuttingDown:
      return "the server is shutting down";
    case ErrorCode::kTooSlow:
      return "this session reads too slowly";
  }
  return "unknown error";
}

}  // namespace solec
