// What a Client hands to its program: owned copies, free of the buffers they came in. Values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "proto/constants.h"

namespace solec {

// Somebody's message. Addresses are full ones, as the server sends them.
struct ReceivedMessage {
  std::string source;
  std::string target;
  uint64_t timestamp = 0;  // seconds since 1970, as the sender set it
  std::string content;
};

// The server's complaint about something this side sent, without saying what: Error.
struct ServerError {
  ErrorCode code{};
};

// All messages up to this number, save those rejected, are the server's responsibility now.
struct MessagesAccepted {
  uint64_t up_to = 0;
};

// Message `number` was refused.
struct MessageRejected {
  uint64_t number = 0;
  ErrorCode code{};
};

// An accepted message to another server could not be delivered in the end.
struct MessageBounced {
  std::string target;
  uint64_t timestamp = 0;  // as in the message
  ErrorCode code{};
};

using ClientEvent =
    std::variant<ReceivedMessage, ServerError, MessagesAccepted, MessageRejected, MessageBounced>;

// One line of List: a contact that has agreed or not, a joined channel, a member online or not.
struct ListEntry {
  std::string address;
  bool agreed = false;
};

// One message of a history. Positions only grow within one history.
struct HistoryEntry {
  uint64_t position = 0;
  ReceivedMessage message;
};

}  // namespace solec
