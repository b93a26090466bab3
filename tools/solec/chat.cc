#include "tools/solec/chat.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "client/error_status.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/event_text.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

// How long the loop waits at most: the connection's keep-alive is looked after in between.
constexpr int kWaitMs = 1000;
constexpr size_t kToldMax = 10;  // unconfirmed messages that are listed

std::string MessageOf(const absl::Status& status) {
  return SafeText(std::string(status.message()));
}

}  // namespace

Chat::Chat(ClientOptions options, std::string target, bool json, ChatScreen* screen)
    : options_(std::move(options)),
      json_(json),
      screen_(screen),
      target_(std::move(target)),
      random_(std::random_device{}()) {}

int Chat::Run() {
  if (const absl::Status status = Connect(); !status.ok()) {
    screen_->Tell("solec: " + MessageOf(status));
    screen_->Refresh();
    return ExitCodeFor(status);
  }
  Greet();
  while (!quit_) {
    TakeEvents();
    UpdatePrompt();
    screen_->Refresh();
    if (!quit_) WaitForInput();
    if (!client_ && !quit_ && SteadyNowMs() >= retry_at_ms_) Reconnect();
  }
  Leave();
  screen_->Refresh();
  return exit_code_;
}

absl::Status Chat::Connect() {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Blocking([this] { return Client::Connect(options_); });
  if (!client.ok()) return client.status();
  client_ = *std::move(client);
  backoff_.Reset();
  return absl::OkStatus();
}

void Chat::Greet() {
  screen_->Tell("Connected to " + client_->server() + " as " + SafeLine(options_.user) + ".");
  screen_->Tell(target_.empty()
                    ? "Choose whom to write to: /to bob, or /join #room. /help lists all commands, "
                      "/quit leaves."
                    : "Type a message to " + SafeLine(target_) +
                          " and press Enter. /help lists the commands, /quit leaves.");
  ShowRecent();
}

void Chat::Reconnect() {
  screen_->Tell("Connecting again (try " + std::to_string(backoff_.tries()) + " of " +
                std::to_string(Backoff::kTriesMax) + ") ...");
  const absl::Status status = Connect();
  if (status.ok()) {
    screen_->Tell("Connected again.");
  } else if (absl::IsUnavailable(status)) {
    screen_->Tell(MessageOf(status));
    PlanReconnect();
  } else {
    // A password that is no longer right, and the like, will not get better by waiting.
    screen_->Tell(MessageOf(status));
    quit_ = true;
    exit_code_ = ExitCodeFor(status);
  }
}

void Chat::Lose(const absl::Status& why) {
  client_.reset();
  shown_.clear();
  screen_->Tell(MessageOf(why) + ".");
  if (!unconfirmed_.empty()) {
    screen_->Tell("The server had not confirmed these messages; they may not have arrived:");
    const size_t told = std::min(unconfirmed_.size(), kToldMax);
    for (size_t i = unconfirmed_.size() - told; i < unconfirmed_.size(); ++i) {
      screen_->Tell("  to " + SafeLine(unconfirmed_[i].target) + ": " +
                    SafeText(unconfirmed_[i].text));
    }
    unconfirmed_.clear();
  }
  PlanReconnect();
}

void Chat::PlanReconnect() {
  const std::optional<int64_t> wait_ms = backoff_.Next(static_cast<uint32_t>(random_() << 1));
  if (wait_ms) {
    retry_at_ms_ = SteadyNowMs() + *wait_ms;
    return;
  }
  screen_->Tell("Giving up after " + std::to_string(Backoff::kTriesMax) +
                " tries. Start again when the server is back.");
  quit_ = true;
  exit_code_ = kExitUnavailable;
}

void Chat::TakeEvents() {
  if (!client_) return;
  const absl::Status status = client_->Poll(0, [this](const ClientEvent& event) {
    std::visit([this](const auto& kind) { On(kind); }, event);
  });
  shown_.clear();
  if (!status.ok()) Lose(status);
}

void Chat::WaitForInput() {
  pollfd waits[2] = {{.fd = screen_->in_fd(), .events = POLLIN, .revents = 0},
                     {.fd = client_ ? client_->fd() : -1, .events = POLLIN, .revents = 0}};
  int64_t wait_ms = kWaitMs;
  if (!client_) wait_ms = std::clamp<int64_t>(retry_at_ms_ - SteadyNowMs(), 0, kWaitMs);
  if (poll(waits, 2, static_cast<int>(wait_ms)) <= 0 || waits[0].revents == 0) return;
  const bool more = screen_->ReadInput([this](std::string_view line) {
    if (!quit_) OnLine(line);
  });
  if (!more) quit_ = true;
}

// The last messages may be under way still.
void Chat::Leave() {
  if (!client_) return;
  if (client_->Has(kFeatureReceipts) && client_->receipts().sent() > 0) {
    const absl::Status accepted =
        Blocking([this] { return client_->WaitAccepted(client_->receipts().sent()); });
    // Refusals are told with the events below; what is left is that no answer came.
    const bool answered = client_->receipts().answered() == client_->receipts().sent();
    if (!answered) screen_->Tell(MessageOf(accepted));
  }
  const absl::Status closed = Blocking([this] { return client_->Close(); });
  if (!closed.ok()) screen_->Tell(MessageOf(closed));
  const absl::Status rest = client_->Poll(0, [this](const ClientEvent& event) {
    std::visit([this](const auto& kind) { On(kind); }, event);
  });
  if (!rest.ok() && !absl::IsCancelled(rest)) screen_->Tell(MessageOf(rest));
  client_.reset();
}

void Chat::On(const ReceivedMessage& message) {
  if (const auto shown = shown_.find(KeyOf(message)); shown != shown_.end()) {
    shown_.erase(shown);
    return;
  }
  screen_->Show(json_ ? MessageJson(message) : MessageText(message, NowSeconds()));
  if (target_.empty() && !json_)
    screen_->Tell("(answer with /to " + SafeLine(message.source) + ")");
}

void Chat::On(const ServerError& error) {
  if (json_) screen_->Show(ErrorJson(error.code));
  screen_->Tell("! the server says: " + std::string(ErrorAdvice(error.code)));
}

void Chat::On(const MessagesAccepted& accepted) {
  while (!unconfirmed_.empty() && unconfirmed_.front().number <= accepted.up_to) {
    unconfirmed_.pop_front();
  }
}

void Chat::On(const MessageRejected& rejected) {
  if (json_) screen_->Show(RejectedJson(rejected.number, rejected.code));
  const auto found =
      std::find_if(unconfirmed_.begin(), unconfirmed_.end(),
                   [&](const Unconfirmed& message) { return message.number == rejected.number; });
  std::string what = "message " + std::to_string(rejected.number);
  if (found != unconfirmed_.end()) {
    what = SafeLine(found->target) + ", \"" + SafeText(found->text) + "\"";
    unconfirmed_.erase(found);
  }
  screen_->Tell("! not sent to " + what + ": " + std::string(ErrorAdvice(rejected.code)));
}

void Chat::On(const MessageBounced& bounce) {
  if (json_) screen_->Show(BounceJson(bounce));
  screen_->Tell("! your message to " + SafeLine(bounce.target) + " of " +
                ClockText(bounce.timestamp, NowSeconds()) +
                " could not be delivered: " + std::string(ErrorAdvice(bounce.code)));
}

std::string Chat::KeyOf(const ReceivedMessage& message) {
  return message.source + '\n' + message.target + '\n' + std::to_string(message.timestamp) + '\n' +
         message.content;
}

void Chat::SetTarget(std::string target) {
  target_ = std::move(target);
  UpdatePrompt();
}

void Chat::UpdatePrompt() {
  std::string prompt = client_ ? "" : "(offline) ";
  prompt += target_.empty() ? "(nobody yet)" : SafeLine(target_);
  screen_->SetPrompt(prompt + "> ");
}

}  // namespace solec
