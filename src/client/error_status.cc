#include "client/error_status.h"

#include <string>

namespace solec {
namespace {

absl::StatusCode CodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return absl::StatusCode::kOk;
    case ErrorCode::kUserAuthFailed:
    case ErrorCode::kServerAuthFailed:
      return absl::StatusCode::kPermissionDenied;
    case ErrorCode::kNotFound:
      return absl::StatusCode::kNotFound;
    case ErrorCode::kOverLimit:
      return absl::StatusCode::kResourceExhausted;
    case ErrorCode::kUnavailable:
      return absl::StatusCode::kAborted;
    case ErrorCode::kShuttingDown:
    case ErrorCode::kTooSlow:
      return absl::StatusCode::kUnavailable;
    case ErrorCode::kMalformed:
    case ErrorCode::kNotAllowed:
      break;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

std::string_view ErrorAdvice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "done";
    case ErrorCode::kUserAuthFailed:
      return "wrong user name or password";
    case ErrorCode::kNotFound:
      return "cannot be reached: it does not exist, or you two are not in each other's contacts, "
             "or you have not joined the channel";
    case ErrorCode::kServerAuthFailed:
      return "the server name is not known there";
    case ErrorCode::kMalformed:
      return "the server could not read what was sent (malformed payload)";
    case ErrorCode::kNotAllowed:
      return "the server does not allow that payload at this point";
    case ErrorCode::kOverLimit:
      return "over one of the server's limits (size, rate or count)";
    case ErrorCode::kUnavailable:
      return "temporarily unavailable; try again later";
    case ErrorCode::kShuttingDown:
      return "the server is shutting down; try again later";
    case ErrorCode::kTooSlow:
      return "this session read too slowly and the server ended it; nothing that was accepted is "
             "lost";
  }
  return "an error code that this program does not know";
}

absl::Status StatusOfError(ErrorCode code, std::string_view what) {
  if (code == ErrorCode::kNone) return absl::OkStatus();
  std::string text(what);
  text += ": ";
  text += ErrorAdvice(code);
  return absl::Status(CodeFor(code), text);
}

}  // namespace solec
