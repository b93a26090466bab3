#include "store/layout.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "store/run_codec.h"
#include "tests/unit/base/seed.h"
#include "tests/unit/store/store_driver.h"

namespace solec {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;

std::string MessageFrame(size_t payload_size) {
  std::string frame = "\x05"sv.data();
  frame.push_back(static_cast<char>(payload_size >> 8));
  frame.push_back(static_cast<char>(payload_size));
  return frame + std::string(payload_size, 'p');
}

std::string Inbox(const InboxValue& inbox, std::string_view frames = "") {
  std::string value;
  PutInboxHead(&value, inbox);
  return value.append(frames);
}

TEST(StoreLayout, NumbersComeBackAndHaveOneForm) {
  for (uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{16'383},
                          uint64_t{1} << 32, uint64_t{1} << 63, UINT64_MAX}) {
    std::string text;
    PutNumber(&text, number);
    text += "rest";
    std::string_view from = text;
    uint64_t value = 1;
    ASSERT_TRUE(TakeNumber(&from, &value)) << number;
    EXPECT_EQ(value, number);
    EXPECT_EQ(from, "rest");
  }
  for (std::string_view bad :
       {""sv, "\x80"sv, "\xff\xff"sv, "\x80\x00"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,
        "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv}) {
    uint64_t value = 0;
    EXPECT_FALSE(TakeNumber(&bad, &value));
  }
}

TEST(StoreLayout, RowsOfAnOwnerLieTogetherAndOwnersInOrder) {
  const std::vector<std::string> in_order = {
      std::string(RowKey("al", kRowAccount).view()),
      std::string(RowKey("al", kRowContact, "a").view()),
      std::string(RowKey("al", kRowContact, "b@x").view()),
      std::string(RowKey("al", kRowDelivered).view()),
      std::string(RowKey("al", kRowJoined, "#room").view()),
      std::string(OwnerEnd("al").view()),
      std::string(RowKey("al.b", kRowAccount).view()),
      std::string(RowKey("alice", kRowAccount).view()),
  };
  for (size_t i = 1; i < in_order.size(); ++i) EXPECT_LT(in_order[i - 1], in_order[i]) << i;
  EXPECT_LT(OwnerBegin("al").view(), in_order[0]);

  const std::optional<RowName> row = ParseRowKey(in_order[2]);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->owner, "al");
  EXPECT_EQ(row->kind, kRowContact);
  EXPECT_EQ(row->rest, "b@x");
  for (std::string_view bad : {""sv, "al"sv, "al\0"sv, "\0a"sv}) EXPECT_FALSE(ParseRowKey(bad));
}

TEST(StoreLayout, AChatIsTheSameWhoeverIsNamedFirstAndItsRunsAreInOrder) {
  EXPECT_EQ(ChatBegin("bob", "alice@x").view(), ChatBegin("alice@x", "bob").view());
  EXPECT_EQ(ChatBegin("bob", "bob").view(), "bob\0bob\0"sv);
  const StoreKey begin = ChatBegin("bob", "alice");
  uint64_t last = 0;
  for (uint64_t position : {uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{1} << 40}) {
    EXPECT_LT(RunKey(begin, last).view(), RunKey(begin, position).view());
    EXPECT_LT(RunKey(begin, position).view(), ChatEnd("alice", "bob").view());
    last = position;
  }
  const StoreKey key = RunKey(begin, 77);
  EXPECT_EQ(PositionOfKey(key.view()), 77u);
  const std::optional<ChatName> chat = ParseChatKey(key.view());
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->lower, "alice");
  EXPECT_EQ(chat->higher, "bob");
}

TEST(StoreLayout, PositionsMayHoldZeroBytesAndOnes) {
  for (uint64_t position : {uint64_t{0}, uint64_t{1}, uint64_t{0x0100010001000100}}) {
    EXPECT_EQ(ParseChatKey(RunKey(ChatBegin("a", "b"), position).view())->higher, "b");
    EXPECT_EQ(ParseOwnerOfRun(RunKey(OwnerBegin("#room"), position).view()), "#room");
  }
}

TEST(StoreLayout, KeysOfRunsThatAreNoneAreRefused) {
  EXPECT_FALSE(PositionOfKey("1234567"));
  for (std::string_view bad :
       {""sv, "1234567"sv, "12345678"sv, "a12345678"sv, "a\0b12345678"sv, "\0b\00012345678"sv,
        "a\0\00012345678"sv, "b\0a\00012345678"sv, "a\0b\0c\00012345678"sv}) {
    EXPECT_FALSE(ParseChatKey(bad));
  }
  for (std::string_view bad :
       {""sv, "12345678"sv, "\00012345678"sv, "a12345678"sv, "a\0b\00012345678"sv}) {
    EXPECT_FALSE(ParseOwnerOfRun(bad));
  }
}

TEST(StoreLayout, UsersOfThisServerAreNamedWithoutIt) {
  EXPECT_EQ(LocalForm("alice@a.example", "a.example"), "alice");
  EXPECT_EQ(LocalForm("alice@b.example", "a.example"), "alice@b.example");
  EXPECT_EQ(LocalForm("alice", "a.example"), "alice");
}

TEST(StoreLayout, AccountsAndMarksComeBack) {
  const std::string account = EncodeAccount({.since = 300, .password_hash = "$argon2id$"});
  EXPECT_EQ(ParseAccount(account)->since, 300u);
  EXPECT_EQ(ParseAccount(account)->password_hash, "$argon2id$");
  for (std::string_view bad : {""sv, "\1"sv, "\2\1hash"sv, "\1\x80"sv}) {
    EXPECT_FALSE(ParseAccount(bad));
  }
  const std::string mark = EncodeMark({.position = 1'000, .bytes = 1u << 30});
  EXPECT_EQ(ParseMark(mark)->position, 1'000u);
  EXPECT_EQ(ParseMark(mark)->bytes, 1u << 30);
  EXPECT_FALSE(ParseMark(mark + "x"));
  EXPECT_FALSE(ParseMark(std::string_view(mark).substr(0, mark.size() - 1)));
}

TEST(StoreLayout, InboxEntriesComeBack) {
  const std::string index = Inbox({.delivered = {.position = 5, .bytes = 900},
                                   .bytes = 2'000,
                                   .count = 64,
                                   .is_inline = false,
                                   .sender = "bob@b.example"});
  std::optional<InboxValue> inbox = ParseInbox(index);
  ASSERT_TRUE(inbox);
  EXPECT_EQ(inbox->delivered.position, 5u);
  EXPECT_EQ(inbox->delivered.bytes, 900u);
  EXPECT_EQ(inbox->bytes, 2'000u);
  EXPECT_EQ(inbox->count, 64u);
  EXPECT_FALSE(inbox->is_inline);
  EXPECT_EQ(inbox->sender, "bob@b.example");

  const std::string frames = MessageFrame(20), run = PlainRun(1, frames);
  const std::string in_line = Inbox({.bytes = 23, .count = 1, .is_inline = true}, run);
  inbox = ParseInbox(in_line);
  ASSERT_TRUE(inbox);
  EXPECT_TRUE(inbox->is_inline);
  EXPECT_EQ(inbox->run, run);
  EXPECT_FALSE(ParseInbox(Inbox({.count = 0, .sender = "bob"})));
  EXPECT_FALSE(ParseInbox(Inbox({.count = 1})));
  std::string buffer;
  for (size_t size = 0; size < in_line.size(); ++size) {
    const std::optional<InboxValue> cut = ParseInbox(std::string_view(in_line).substr(0, size));
    EXPECT_TRUE(!cut || !RunOf(*cut, &buffer)) << size;
  }
  EXPECT_EQ(AsString(RunOf(*inbox, &buffer)->frames), frames);
  inbox->count = 2;
  EXPECT_FALSE(RunOf(*inbox, &buffer));

  // As schema 1 has them.
  const std::string old = "\2\0\0\x17\1"s + frames;
  inbox = ParseInbox(old);
  ASSERT_TRUE(inbox);
  EXPECT_TRUE(inbox->is_inline);
  ASSERT_TRUE(RunOf(*inbox, &buffer));
  EXPECT_EQ(AsString(RunOf(*inbox, &buffer)->frames), frames);
  const std::string more = old + frames;
  inbox = ParseInbox(more);
  ASSERT_TRUE(inbox);
  EXPECT_FALSE(RunOf(*inbox, &buffer)) << "more than it says";
}

TEST(StoreLayout, TheStateComesBack) {
  std::string value = "old";
  EncodeState({.position = 1u << 20, .chat_bytes = 2, .post_bytes = 3}, &value);
  EXPECT_EQ(ParseState(value)->position, 1u << 20);
  EXPECT_EQ(ParseState(value)->chat_bytes, 2u);
  EXPECT_EQ(ParseState(value)->post_bytes, 3u);
  EXPECT_FALSE(ParseState(value + "x"));
  EXPECT_FALSE(ParseState(""));
}

TEST(StoreLayout, ClockRowsComeBack) {
  const ClockRow row{.position = 9, .time_ms = 1'700'000'000'000, .chat_bytes = 5, .post_bytes = 6};
  const std::string value = EncodeClock(row);
  const std::optional<ClockRow> parsed = ParseClock(ClockKey(9).view(), value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->position, 9u);
  EXPECT_EQ(parsed->time_ms, row.time_ms);
  EXPECT_EQ(parsed->chat_bytes, 5u);
  EXPECT_EQ(parsed->post_bytes, 6u);
  EXPECT_FALSE(ParseClock("clock", value));
  EXPECT_FALSE(ParseClock(ClockKey(9).view(), value + "x"));
}

std::string Spool(const SpoolValue& spool, std::string_view frames = "") {
  std::string value;
  PutSpoolHead(&value, spool);
  return value.append(frames);
}

TEST(StoreLayout, PeersComeBack) {
  const std::string value = EncodePeer({.out_stream = 1,
                                        .out_base = 2,
                                        .trimmed = 3,
                                        .trimmed_bytes = 4,
                                        .in_stream = UINT64_MAX,
                                        .in_held = 6,
                                        .in_early = {{8, 8}, {10, 1'000}}});
  const std::optional<PeerValue> peer = ParsePeer(value);
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->out_stream, 1u);
  EXPECT_EQ(peer->out_base, 2u);
  EXPECT_EQ(peer->trimmed, 3u);
  EXPECT_EQ(peer->trimmed_bytes, 4u);
  EXPECT_EQ(peer->in_stream, UINT64_MAX);
  EXPECT_EQ(peer->in_held, 6u);
  EXPECT_EQ(peer->in_early, (std::vector<NumberRange>{{8, 8}, {10, 1'000}}));
  for (size_t size = 0; size < value.size(); ++size) EXPECT_FALSE(ParsePeer(value.substr(0, size)));
  EXPECT_FALSE(ParsePeer(value + "x"));
  for (const NumberRange& wrong : {NumberRange{7, 7}, NumberRange{6, 9}, NumberRange{9, 8}}) {
    EXPECT_FALSE(ParsePeer(EncodePeer({.in_held = 6, .in_early = {wrong}})));
  }
  EXPECT_EQ(ParsePeerKey(PeerKey("b.example").view()), "b.example");
  EXPECT_FALSE(ParsePeerKey("peer\0"sv));
  EXPECT_FALSE(ParsePeerKey("peer"));
  EXPECT_FALSE(ParsePeerKey(ClockKey(9).view()));
}

TEST(StoreLayout, RowsOfSpoolsComeBack) {
  const std::string frames = MessageFrame(3) + MessageFrame(40);
  SpoolValue wanted{.count = 2, .bytes = frames.size(), .bytes_up_to = 1'000, .kept_ms = 77};
  const std::string row = Spool(wanted, PlainRun(2, frames));
  std::optional<SpoolValue> spool = ParseSpool(row);
  ASSERT_TRUE(spool);
  EXPECT_FALSE(spool->is_reference);
  EXPECT_EQ(spool->count, 2u);
  EXPECT_EQ(spool->bytes, frames.size());
  EXPECT_EQ(spool->bytes_up_to, 1'000u);
  EXPECT_EQ(spool->kept_ms, 77u);
  std::string buffer;
  ASSERT_TRUE(RunOf(*spool, &buffer));
  EXPECT_EQ(AsString(RunOf(*spool, &buffer)->frames), frames);
  ++spool->bytes;
  EXPECT_FALSE(RunOf(*spool, &buffer));
  EXPECT_FALSE(ParseSpool(Spool(wanted)));
  wanted.bytes_up_to = frames.size() - 1;
  EXPECT_FALSE(ParseSpool(Spool(wanted, row))) << "less than it has itself";

  wanted = {.is_reference = true,
            .count = 2,
            .bytes = 10,
            .bytes_up_to = 10,
            .position = 300,
            .channel = "#room"};
  const std::string reference = Spool(wanted);
  spool = ParseSpool(reference);
  ASSERT_TRUE(spool);
  EXPECT_TRUE(spool->is_reference);
  EXPECT_EQ(spool->position, 300u);
  EXPECT_EQ(spool->channel, "#room");
  wanted.channel = "";
  EXPECT_FALSE(ParseSpool(Spool(wanted)));
  wanted.channel = "#a\0b"sv;
  EXPECT_FALSE(ParseSpool(Spool(wanted)));
}

// Whatever is on the disk: an answer, no crash. Sanitizers see what a wrong one would read.
TEST(StoreLayout, AnyBytesAreParsedOrRefused) {
  const uint64_t seed = Seed(3);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  const std::string valid[] = {
      Inbox({.bytes = 9, .count = 1, .is_inline = true}, PlainRun(1, MessageFrame(9))),
      Inbox({.bytes = 9, .count = 1, .sender = "bob"}),
      EncodeAccount({.since = 1, .password_hash = "hash"}),
      EncodeMark({.position = 300, .bytes = 400}),
      EncodePeer({.trimmed = 300, .in_held = 6, .in_early = {{8, 8}}}),
      Spool({.count = 1, .bytes = 12, .bytes_up_to = 12}, PlainRun(1, MessageFrame(9))),
      Spool({.is_reference = true, .count = 1, .position = 9, .channel = "#room"}),
      std::string(RunKey(ChatBegin("a", "b"), 3).view()),
      std::string(RowKey("a", kRowContact, "b").view()),
  };
  uint64_t accepted = 0;
  std::string buffer;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = valid[random() % std::size(valid)];
    for (uint64_t change = random() % 4; change > 0; --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % 8 == 0 ? random() % (bytes.size() + 1) : bytes.size());
    const std::optional<InboxValue> inbox = ParseInbox(bytes);
    accepted += inbox.has_value() + (inbox && RunOf(*inbox, &buffer).has_value());
    accepted += ParseAccount(bytes).has_value() + ParseMark(bytes).has_value();
    accepted += ParseChatKey(bytes).has_value() + ParseOwnerOfRun(bytes).has_value();
    accepted += ParsePeer(bytes).has_value() + ParseSpool(bytes).has_value();
    accepted += ParsePeerKey(bytes).has_value();
    accepted += ParseRowKey(bytes).has_value() + ParseClock(bytes, bytes).has_value();
  }
  EXPECT_GT(accepted, 1'000u);
}

}  // namespace
}  // namespace solec
