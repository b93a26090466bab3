// solec chat: the session of a person who reads and types at the same time. It owns the connection,
// gets a new one when it breaks, and shows everything on a ChatScreen. One owner, main thread.
//
// Bounds: kUnconfirmedMax messages are remembered until the server has confirmed them, so that a
// broken connection can be told in terms of what was typed; Backoff::kTriesMax tries to reconnect.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>

#include "client/client.h"
#include "client/history_tail.h"
#include "tools/solec/backoff.h"
#include "tools/solec/chat_input.h"
#include "tools/solec/chat_screen.h"

namespace solec {

class Chat {
 public:
  static constexpr size_t kUnconfirmedMax = 1000;
  static constexpr size_t kHistoryLines = 20;

  // `target`: whom to write to first; may be empty. `json`: messages are shown as JSON objects.
  Chat(ClientOptions options, std::string target, bool json, ChatScreen* screen);

  // Chats until the person leaves or the server cannot be reached any more; returns the exit code.
  int Run();

 private:
  // A message that the server has not confirmed yet.
  struct Unconfirmed {
    uint64_t number;
    std::string target;
    std::string text;
  };

  // --- The connection (chat.cc).
  absl::Status Connect();
  void Greet();
  void Reconnect();
  void Lose(const absl::Status& why);
  void PlanReconnect();
  void TakeEvents();
  void WaitForInput();
  void Leave();

  // --- What arrives (chat.cc).
  void On(const ReceivedMessage& message);
  void On(const ServerError& error);
  void On(const MessagesAccepted& accepted);
  void On(const MessageRejected& rejected);
  void On(const MessageBounced& bounce);

  // --- What is typed (chat_commands.cc).
  void OnLine(std::string_view line);
  void Say(std::string_view text);
  void To(std::string_view address);
  void Join(std::string_view channel);
  void LeaveChannel(std::string_view channel);
  void AddContact(std::string_view address);
  void RemoveContact(std::string_view address);
  void ShowList(ListKind kind, std::string_view of);
  void ShowHistory(std::string_view argument);
  // Shows the last lines with the target, where the server keeps any.
  void ShowRecent();
  absl::Status ShowTail(size_t count);

  // Equal for a message of the history and the same message when it is delivered.
  static std::string KeyOf(const ReceivedMessage& message);

  void SetTarget(std::string target);
  void UpdatePrompt();
  // True if there is a connection; else tells that there is none.
  bool CheckConnected();
  // True if `status` is OK; else tells what failed.
  bool Check(const absl::Status& status);
  // Makes a call that may wait for the server: Ctrl-C then ends the program, since no key is read.
  template <class Call>
  auto Blocking(Call call) {
    screen_->Refresh();
    screen_->SetBlocked(true);
    auto result = call();
    screen_->SetBlocked(false);
    return result;
  }

  const ClientOptions options_;
  const bool json_;
  ChatScreen* const screen_;
  std::unique_ptr<Client> client_;  // null while the connection is broken
  std::string target_;
  std::deque<Unconfirmed> unconfirmed_;
  // Messages of the history on the screen that also wait to be delivered: shown once.
  std::unordered_multiset<std::string> shown_;
  bool quit_ = false;
  int exit_code_ = 0;
  Backoff backoff_;
  int64_t retry_at_ms_ = 0;
  std::minstd_rand random_;
};

}  // namespace solec
