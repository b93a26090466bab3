// Every payload of the protocol, declared once: a struct, and the list of its fields in wire order.
// Encoder, decoder, size, pretty-printer and the table in the docs all come from these lists.
//
// Text and binary fields are views. After Decode they point into the buffer that was decoded, so
// they live as long as that buffer and no longer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

#include "base/bytes.h"
#include "proto/constants.h"

namespace solec {

// Seconds since 1970-01-01 00:00:00 UTC, set by the sender, judged by nobody.
struct Timestamp {
  uint64_t seconds = 0;
  friend bool operator==(Timestamp, Timestamp) = default;
};

template <class P, class T>
struct Field {
  constexpr Field(std::string_view field_name, T P::*field_member)
      : name(field_name), member(field_member) {}
  std::string_view name;
  T P::*member;
};

struct Success {
  static constexpr auto kType = PayloadType::kSuccess;
  static constexpr std::string_view kName = "Success", kSender = "server, client";
  static constexpr auto Fields() { return std::tuple{}; }
};

struct Error {
  static constexpr auto kType = PayloadType::kError;
  static constexpr std::string_view kName = "Error", kSender = "server";
  ErrorCode code{};
  static constexpr auto Fields() { return std::tuple{Field{"code", &Error::code}}; }
};

// The only payload that may grow: bytes after the fields known here are ignored.
struct Handshake {
  static constexpr auto kType = PayloadType::kHandshake;
  static constexpr std::string_view kName = "Handshake", kSender = "server, client";
  static constexpr bool kMayGrow = true;
  uint8_t ver_major = kVersionMajor;
  uint8_t ver_minor = kVersionMinor;
  std::optional<uint32_t> features;  // absent in the short form
  static constexpr auto Fields() {
    return std::tuple{Field{"ver_major", &Handshake::ver_major},
                      Field{"ver_minor", &Handshake::ver_minor},
                      Field{"features", &Handshake::features}};
  }
};

struct UserAuth {
  static constexpr auto kType = PayloadType::kUserAuth;
  static constexpr std::string_view kName = "UserAuth", kSender = "client";
  std::string_view username;
  std::string_view password;
  static constexpr auto Fields() {
    return std::tuple{Field{"username", &UserAuth::username},
                      Field{"password", &UserAuth::password}};
  }
};

struct Message {
  static constexpr auto kType = PayloadType::kMessage;
  static constexpr std::string_view kName = "Message", kSender = "server, client";
  std::string_view source;
  std::string_view target;
  Timestamp timestamp;
  std::string_view message_content;
  static constexpr auto Fields() {
    return std::tuple{Field{"source", &Message::source}, Field{"target", &Message::target},
                      Field{"timestamp", &Message::timestamp},
                      Field{"message_content", &Message::message_content}};
  }
};

struct ServerAuth {
  static constexpr auto kType = PayloadType::kServerAuth;
  static constexpr std::string_view kName = "ServerAuth", kSender = "server";
  std::string_view name;
  static constexpr auto Fields() { return std::tuple{Field{"name", &ServerAuth::name}}; }
};

struct Ping {
  static constexpr auto kType = PayloadType::kPing;
  static constexpr std::string_view kName = "Ping", kSender = "server, client";
  uint32_t token = 0;
  static constexpr auto Fields() { return std::tuple{Field{"token", &Ping::token}}; }
};

struct Pong {
  static constexpr auto kType = PayloadType::kPong;
  static constexpr std::string_view kName = "Pong", kSender = "server, client";
  uint32_t token = 0;
  static constexpr auto Fields() { return std::tuple{Field{"token", &Pong::token}}; }
};

struct Accepted {
  static constexpr auto kType = PayloadType::kAccepted;
  static constexpr std::string_view kName = "Accepted", kSender = "server, client";
  uint64_t up_to = 0;
  static constexpr auto Fields() { return std::tuple{Field{"up_to", &Accepted::up_to}}; }
};

struct Rejected {
  static constexpr auto kType = PayloadType::kRejected;
  static constexpr std::string_view kName = "Rejected", kSender = "server, client";
  uint64_t number = 0;
  ErrorCode code{};
  static constexpr auto Fields() {
    return std::tuple{Field{"number", &Rejected::number}, Field{"code", &Rejected::code}};
  }
};

struct Bounce {
  static constexpr auto kType = PayloadType::kBounce;
  static constexpr std::string_view kName = "Bounce", kSender = "server";
  std::string_view target;
  Timestamp timestamp;
  ErrorCode code{};
  static constexpr auto Fields() {
    return std::tuple{Field{"target", &Bounce::target}, Field{"timestamp", &Bounce::timestamp},
                      Field{"code", &Bounce::code}};
  }
};

struct Result {
  static constexpr auto kType = PayloadType::kResult;
  static constexpr std::string_view kName = "Result", kSender = "server";
  uint16_t tag = 0;
  ErrorCode code{};
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &Result::tag}, Field{"code", &Result::code}};
  }
};

struct Join {
  static constexpr auto kType = PayloadType::kJoin;
  static constexpr std::string_view kName = "Join", kSender = "server, client";
  uint16_t tag = 0;
  std::string_view user;
  std::string_view channel;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &Join::tag}, Field{"user", &Join::user},
                      Field{"channel", &Join::channel}};
  }
};

struct Leave {
  static constexpr auto kType = PayloadType::kLeave;
  static constexpr std::string_view kName = "Leave", kSender = "server, client";
  uint16_t tag = 0;
  std::string_view user;
  std::string_view channel;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &Leave::tag}, Field{"user", &Leave::user},
                      Field{"channel", &Leave::channel}};
  }
};

struct ContactAdd {
  static constexpr auto kType = PayloadType::kContactAdd;
  static constexpr std::string_view kName = "ContactAdd", kSender = "client";
  uint16_t tag = 0;
  std::string_view address;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &ContactAdd::tag}, Field{"address", &ContactAdd::address}};
  }
};

struct ContactRemove {
  static constexpr auto kType = PayloadType::kContactRemove;
  static constexpr std::string_view kName = "ContactRemove", kSender = "client";
  uint16_t tag = 0;
  std::string_view address;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &ContactRemove::tag}, Field{"address", &ContactRemove::address}};
  }
};

struct List {
  static constexpr auto kType = PayloadType::kList;
  static constexpr std::string_view kName = "List", kSender = "client";
  uint16_t tag = 0;
  ListKind kind{};
  std::string_view of;  // the channel, for ListKind::kMembers
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &List::tag}, Field{"kind", &List::kind},
                      Field{"of", &List::of}};
  }
};

struct ListItem {
  static constexpr auto kType = PayloadType::kListItem;
  static constexpr std::string_view kName = "ListItem", kSender = "server";
  uint16_t tag = 0;
  std::string_view address;
  uint8_t flags = 0;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &ListItem::tag}, Field{"address", &ListItem::address},
                      Field{"flags", &ListItem::flags}};
  }
};

struct HistoryRequest {
  static constexpr auto kType = PayloadType::kHistoryRequest;
  static constexpr std::string_view kName = "HistoryRequest", kSender = "client";
  uint16_t tag = 0;
  std::string_view address;
  uint64_t after = 0;
  uint16_t limit = 0;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &HistoryRequest::tag},
                      Field{"address", &HistoryRequest::address},
                      Field{"after", &HistoryRequest::after},
                      Field{"limit", &HistoryRequest::limit}};
  }
};

struct HistoryItem {
  static constexpr auto kType = PayloadType::kHistoryItem;
  static constexpr std::string_view kName = "HistoryItem", kSender = "server";
  uint16_t tag = 0;
  uint64_t position = 0;
  std::string_view source;
  std::string_view target;
  Timestamp timestamp;
  std::string_view message_content;
  static constexpr auto Fields() {
    return std::tuple{Field{"tag", &HistoryItem::tag},
                      Field{"position", &HistoryItem::position},
                      Field{"source", &HistoryItem::source},
                      Field{"target", &HistoryItem::target},
                      Field{"timestamp", &HistoryItem::timestamp},
                      Field{"message_content", &HistoryItem::message_content}};
  }
};

struct LinkResume {
  static constexpr auto kType = PayloadType::kLinkResume;
  static constexpr std::string_view kName = "LinkResume", kSender = "link";
  uint64_t stream = 0;
  uint64_t next = 0;
  static constexpr auto Fields() {
    return std::tuple{Field{"stream", &LinkResume::stream}, Field{"next", &LinkResume::next}};
  }
};

// Tests encoders and decoders; ignored by clients and servers in any state, whatever it holds.
struct Test {
  static constexpr auto kType = PayloadType::kTest;
  static constexpr std::string_view kName = "Test", kSender = "anyone";
  uint8_t num1 = 0;
  Timestamp time1;
  std::string_view str1;
  uint16_t num2 = 0;
  Bytes bin1;
  uint32_t num3 = 0;
  std::string_view str2;
  uint64_t num4 = 0;
  static constexpr auto Fields() {
    return std::tuple{Field{"num1", &Test::num1}, Field{"time1", &Test::time1},
                      Field{"str1", &Test::str1}, Field{"num2", &Test::num2},
                      Field{"bin1", &Test::bin1}, Field{"num3", &Test::num3},
                      Field{"str2", &Test::str2}, Field{"num4", &Test::num4}};
  }
};

// Every payload, in order of type. A new payload is a struct above and a word here.
using AllPayloads =
    std::tuple<Success, Error, Handshake, UserAuth, Message, ServerAuth, Ping, Pong, Accepted,
               Rejected, Bounce, Result, Join, Leave, ContactAdd, ContactRemove, List, ListItem,
               HistoryRequest, HistoryItem, LinkResume, Test>;

}  // namespace solec
