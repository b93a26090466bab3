// Messages and lists as solec prints them: lines for people, or one JSON object per line. All text
// of others is made safe for a terminal here. Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/client_event.h"

namespace solec {

// "12:03 bob@a.example: hello", and for a channel "12:03 #room@a.example bob@a.example: hello".
std::string MessageText(const ReceivedMessage& message, uint64_t now);

// {"type":"message","source":…,"target":…,"timestamp":…,"message_content":…}
std::string MessageJson(const ReceivedMessage& message);

// The same with "type":"history" and "position".
std::string HistoryJson(const HistoryEntry& entry);

// "bob@a.example" with a remark: `agreed` and `otherwise` say what the flag means in this list.
std::string ListEntryText(const ListEntry& entry, std::string_view agreed,
                          std::string_view otherwise);

// {"type":"contact","address":…,"agreed":true}; `type` and `flag` are the list's own words.
std::string ListEntryJson(const ListEntry& entry, const std::string& type, const std::string& flag);

// What came of one sent message: {"type":"accepted","number":1}, or "rejected" with code and error.
std::string AcceptedJson(uint64_t number);
std::string RejectedJson(uint64_t number, ErrorCode code);

// {"type":"bounce",…} and {"type":"error",…}.
std::string BounceJson(const MessageBounced& bounce);
std::string ErrorJson(ErrorCode code);

}  // namespace solec
