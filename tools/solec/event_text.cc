#include "tools/solec/event_text.h"

#include <nlohmann/json.hpp>

#include "client/error_status.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

// Fields in the order in which they are written.
using Json = nlohmann::ordered_json;

std::string Line(const Json& json) {
  return SafeJson(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json Object(const std::string& type) {
  Json json;
  json["type"] = type;
  return json;
}

void AppendMessage(const ReceivedMessage& message, Json* json) {
  (*json)["source"] = message.source;
  (*json)["target"] = message.target;
  (*json)["timestamp"] = message.timestamp;
  (*json)["message_content"] = message.content;
}

void AppendError(ErrorCode code, Json* json) {
  (*json)["code"] = static_cast<unsigned>(code);
  (*json)["error"] = std::string(ErrorAdvice(code));
}

}  // namespace

std::string MessageText(const ReceivedMessage& message, uint64_t now) {
  std::string line = ClockText(message.timestamp, now) + " ";
  if (message.target.starts_with('#')) line += SafeLine(message.target) + " ";
  return line + SafeLine(message.source) + ": " + SafeText(message.content);
}

std::string MessageJson(const ReceivedMessage& message) {
  Json json = Object("message");
  AppendMessage(message, &json);
  return Line(json);
}

std::string HistoryJson(const HistoryEntry& entry) {
  Json json = Object("history");
  json["position"] = entry.position;
  AppendMessage(entry.message, &json);
  return Line(json);
}

std::string ListEntryText(const ListEntry& entry, std::string_view agreed,
                          std::string_view otherwise) {
  const std::string_view remark = entry.agreed ? agreed : otherwise;
  std::string line = SafeLine(entry.address);
  if (!remark.empty()) line += "  (" + std::string(remark) + ")";
  return line;
}

std::string ListEntryJson(const ListEntry& entry, const std::string& type,
                          const std::string& flag) {
  Json json = Object(type);
  json["address"] = entry.address;
  if (!flag.empty()) json[flag] = entry.agreed;
  return Line(json);
}

std::string AcceptedJson(uint64_t number) {
  Json json = Object("accepted");
  json["number"] = number;
  return Line(json);
}

std::string RejectedJson(uint64_t number, ErrorCode code) {
  Json json = Object("rejected");
  json["number"] = number;
  AppendError(code, &json);
  return Line(json);
}

std::string BounceJson(const MessageBounced& bounce) {
  Json json = Object("bounce");
  json["target"] = bounce.target;
  json["timestamp"] = bounce.timestamp;
  AppendError(bounce.code, &json);
  return Line(json);
}

std::string ErrorJson(ErrorCode code) {
  Json json = Object("error");
  AppendError(code, &json);
  return Line(json);
}

}  // namespace solec
