// Section 8: what a server may say over a link.

#include "link/link_message.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

LinkMessageKind Kind(std::string_view source, std::string_view target) {
  return ClassifyLinkMessage(source, target, "a.example", "b.example").kind;
}

TEST(LinkMessage, APeersUsersWriteToUsersAndChannelsOfThisServer) {
  EXPECT_EQ(Kind("bob@b.example", "alice@a.example"), LinkMessageKind::kToUser);
  EXPECT_EQ(Kind("bob@B.Example", "alice@A.EXAMPLE"), LinkMessageKind::kToUser);
  EXPECT_EQ(Kind("bob@b.example", "#room@a.example"), LinkMessageKind::kToChannel);
  const LinkMessage message =
      ClassifyLinkMessage("bob@b.example", "#room@a.example", "a.example", "b.example");
  EXPECT_EQ(message.source.name, "bob");
  EXPECT_EQ(message.target.name, "#room");
}

TEST(LinkMessage, APeersChannelBringsCopiesOfWhateverSource) {
  for (const char* source : {"bob@b.example", "alice@a.example", "carol@c.example"}) {
    EXPECT_EQ(Kind(source, "#room@b.example"), LinkMessageKind::kCopy);
  }
}

TEST(LinkMessage, RefusesForgedSources) {
  for (const char* source : {"alice@a.example", "carol@c.example", "bob@b.example.org"}) {
    EXPECT_EQ(Kind(source, "alice@a.example"), LinkMessageKind::kForgedSource);
    EXPECT_EQ(Kind(source, "#room@a.example"), LinkMessageKind::kForgedSource);
  }
}

TEST(LinkMessage, RefusesForeignChannelsAndTransit) {
  for (const char* source : {"bob@b.example", "alice@a.example", "carol@c.example"}) {
    EXPECT_EQ(Kind(source, "#room@c.example"), LinkMessageKind::kForeignChannel);
    EXPECT_EQ(Kind(source, "carol@c.example"), LinkMessageKind::kTransit);
    EXPECT_EQ(Kind(source, "bob@b.example"), LinkMessageKind::kTransit);
  }
}

TEST(LinkMessage, RefusesWhatIsNotTwoFullAddresses) {
  EXPECT_EQ(Kind("", "alice@a.example"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("bob", "alice@a.example"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("bob@b.example", "alice"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("bob@b.example", "#room"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("#room@b.example", "alice@a.example"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("b b@b.example", "alice@a.example"), LinkMessageKind::kInvalid);
  EXPECT_EQ(Kind("\xFF@b.example", "alice@a.example"), LinkMessageKind::kInvalid);
}

}  // namespace
}  // namespace solec
