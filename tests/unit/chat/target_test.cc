#include "chat/target.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

struct Case {
  std::string_view text;
  TargetKind kind;
  std::string_view name;
};

TEST(Target, IsWhatTheAddressNamesSeenFromThisServer) {
  const Case kCases[] = {
      {"bob", TargetKind::kUser, "bob"},
      {"bob@a.example", TargetKind::kUser, "bob"},
      {"bob@A.EXAMPLE", TargetKind::kUser, "bob"},
      {"bob@b.example", TargetKind::kOtherServer, "bob"},
      {"bob@a.example.org", TargetKind::kOtherServer, "bob"},
      {"#ops", TargetKind::kChannel, "#ops"},
      {"#ops@a.example", TargetKind::kChannel, "#ops"},
      {"#ops@b.example", TargetKind::kOtherServer, "#ops"},
      {"server", TargetKind::kService, "server"},
      {"server@A.example", TargetKind::kService, "server"},
      {"server@b.example", TargetKind::kOtherServer, "server"},
      {"#server", TargetKind::kChannel, "#server"},
      {"Server", TargetKind::kUser, "Server"},  // case matters in names
  };
  for (const Case& one : kCases) {
    const Target target = ParseTarget(one.text, "a.example");
    EXPECT_EQ(target.kind, one.kind) << one.text;
    EXPECT_EQ(target.name, one.name) << one.text;
  }
}

TEST(Target, IsInvalidIfTheAddressIs) {
  for (const std::string_view text :
       {"", "@", "bob@", "@a.example", "#", "a b", "\xFF", "bob@b@c"}) {
    const Target target = ParseTarget(text, "a.example");
    EXPECT_EQ(target.kind, TargetKind::kInvalid) << text;
    EXPECT_TRUE(target.name.empty());
  }
}

}  // namespace
}  // namespace solec
