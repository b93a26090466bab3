#include "client/error_status.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace solec {
namespace {

TEST(StatusOfError, TellsProgramsApartWhatTheyCanDoSomethingAbout) {
  const std::pair<ErrorCode, absl::StatusCode> kCases[] = {
      {ErrorCode::kNone, absl::StatusCode::kOk},
      {ErrorCode::kUserAuthFailed, absl::StatusCode::kPermissionDenied},
      {ErrorCode::kNotFound, absl::StatusCode::kNotFound},
      {ErrorCode::kServerAuthFailed, absl::StatusCode::kPermissionDenied},
      {ErrorCode::kMalformed, absl::StatusCode::kInternal},
      {ErrorCode::kNotAllowed, absl::StatusCode::kInternal},
      {ErrorCode::kOverLimit, absl::StatusCode::kResourceExhausted},
      {ErrorCode::kUnavailable, absl::StatusCode::kAborted},
      {ErrorCode::kShuttingDown, absl::StatusCode::kUnavailable},
      {ErrorCode::kTooSlow, absl::StatusCode::kUnavailable},
      {ErrorCode{0x99}, absl::StatusCode::kInternal},
  };
  std::set<std::string_view> advice;
  for (const auto& [code, expected] : kCases) {
    const absl::Status status = StatusOfError(code, "to bob");
    EXPECT_EQ(status.code(), expected) << static_cast<int>(code);
    EXPECT_TRUE(advice.insert(ErrorAdvice(code)).second) << ErrorAdvice(code);
    if (!status.ok()) {
      EXPECT_EQ(std::string(status.message()), "to bob: " + std::string(ErrorAdvice(code)));
    }
  }
}

}  // namespace
}  // namespace solec
