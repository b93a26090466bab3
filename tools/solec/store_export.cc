#include "tools/solec/store_export.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/codec.h"
#include "proto/payloads.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

using Json = nlohmann::json;
using Print = std::function<bool(const std::string&)>;

bool PrintJson(const Print& print, const Json& json) {
  return print(SafeJson(json.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

bool PrintUser(const Print& print, const ExportedUser& user, bool with_passwords) {
  const std::string name(user.name);
  Json line = {{"type", "user"},
               {"name", name},
               {"since", user.since},
               {"delivered", user.record.delivered.position}};
  if (with_passwords) line["password_hash"] = user.record.password_hash;
  if (!PrintJson(print, line)) return false;
  for (const ContactRecord& contact : user.record.contacts) {
    if (!PrintJson(print, {{"type", "contact"},
                           {"user", name},
                           {"address", contact.address},
                           {"agreed", contact.agreed}})) {
      return false;
    }
  }
  for (const std::string& channel : user.record.channels) {
    if (!PrintJson(print, {{"type", "joined"}, {"user", name}, {"channel", channel}})) {
      return false;
    }
  }
  return true;
}

bool PrintChannel(const Print& print, const ExportedChannel& channel) {
  const std::string name(channel.name);
  if (!PrintJson(print, {{"type", "channel"}, {"name", name}})) return false;
  for (const std::string& member : channel.record.members) {
    if (!PrintJson(print, {{"type", "member"}, {"channel", name}, {"address", member}})) {
      return false;
    }
  }
  return true;
}

bool PrintPeer(const Print& print, const ExportedPeer& peer) {
  const PeerRecord& record = peer.record;
  Json early = Json::array();
  for (const NumberRange& range : record.in_early) early.push_back({range.first, range.last});
  return PrintJson(print, {{"type", "peer"},
                           {"name", std::string(peer.name)},
                           {"out_stream", record.out_stream},
                           {"out_base", record.out_base},
                           {"out_first", record.out_first},
                           {"out_last", record.out_last},
                           {"in_stream", record.in_stream},
                           {"in_held", record.in_held},
                           {"in_early", early}});
}

bool PrintMessage(const Print& print, const ExportedMessage& message) {
  Json line = {{"type", "message"}, {"position", message.position}};
  if (message.kind == ExportedMessage::Kind::kWaiting) {
    line["type"] = "waiting";
    line["user"] = std::string(message.one);
  } else if (message.kind == ExportedMessage::Kind::kSpool) {
    line = {{"type", "spool"}, {"peer", std::string(message.one)}, {"number", message.position}};
  }
  Message payload;
  if (Decode(message.payload, &payload) != DecodeError::kNone) {
    line["damaged"] = true;
    return PrintJson(print, line);
  }
  line["source"] = std::string(payload.source);
  line["target"] = std::string(payload.target);
  line["timestamp"] = payload.timestamp.seconds;
  line["message_content"] = std::string(payload.message_content);
  return PrintJson(print, line);
}

}  // namespace

ExportSink JsonLines(bool with_passwords, Print print) {
  const auto shared = std::make_shared<Print>(std::move(print));
  ExportSink sink;
  sink.user = [shared, with_passwords](const ExportedUser& user) {
    return PrintUser(*shared, user, with_passwords);
  };
  sink.channel = [shared](const ExportedChannel& channel) {
    return PrintChannel(*shared, channel);
  };
  sink.peer = [shared](const ExportedPeer& peer) { return PrintPeer(*shared, peer); };
  sink.message = [shared](const ExportedMessage& message) {
    return PrintMessage(*shared, message);
  };
  return sink;
}

}  // namespace solec
