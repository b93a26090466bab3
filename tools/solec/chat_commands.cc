#include <charconv>
#include <utility>

#include "proto/address.h"
#include "tools/solec/chat.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/event_text.h"
#include "tools/solec/safe_text.h"

// The part of Chat that carries out what is typed.

namespace solec {
namespace {

constexpr size_t kHistoryLinesMax = 1000;

bool IsAddress(std::string_view text, bool channel) {
  Address address;
  return ParseAddress(text, &address) && address.is_channel() == channel;
}

}  // namespace

void Chat::OnLine(std::string_view line) {
  const ChatInput input = ParseChatInput(line);
  switch (input.verb) {
    case ChatVerb::kNothing:
      return;
    case ChatVerb::kSay:
      return Say(input.argument);
    case ChatVerb::kTo:
      return To(input.argument);
    case ChatVerb::kJoin:
      return Join(input.argument);
    case ChatVerb::kLeave:
      return LeaveChannel(input.argument);
    case ChatVerb::kAdd:
      return AddContact(input.argument);
    case ChatVerb::kRemove:
      return RemoveContact(input.argument);
    case ChatVerb::kContacts:
      return ShowList(ListKind::kContacts, "");
    case ChatVerb::kChannels:
      return ShowList(ListKind::kChannels, "");
    case ChatVerb::kMembers:
      return ShowList(ListKind::kMembers, input.argument);
    case ChatVerb::kHistory:
      return ShowHistory(input.argument);
    case ChatVerb::kHelp:
      return screen_->Tell(ChatHelp());
    case ChatVerb::kQuit:
      quit_ = true;
      return;
    case ChatVerb::kUnknown:
      return screen_->Tell(
          "There is no command /" + SafeLine(input.argument) +
          "; /help lists them. To send a text that begins with a slash, type two.");
  }
}

void Chat::Say(std::string_view text) {
  if (target_.empty()) {
    return screen_->Tell(
        "Nobody is chosen to write to, so nothing was sent. Choose with /to bob or /to #room; "
        "/contacts and /channels list whom you can write to.");
  }
  if (!CheckConnected()) return;
  const uint64_t now = NowSeconds();
  const absl::StatusOr<uint64_t> number =
      Blocking([&] { return client_->Send(target_, text, now); });
  if (!Check(number.status())) return;
  if (client_->Has(kFeatureReceipts)) {
    unconfirmed_.push_back({*number, target_, std::string(text)});
    if (unconfirmed_.size() > kUnconfirmedMax) unconfirmed_.pop_front();
  }
  // Without a line editor the text stands where it was typed.
  if (screen_->editing()) {
    screen_->Show(ClockText(now, now) + " you to " + SafeLine(target_) + ": " + SafeText(text));
  }
}

void Chat::To(std::string_view address) {
  if (!IsAddress(address, /*channel=*/false) && !IsAddress(address, /*channel=*/true)) {
    return screen_->Tell(
        "Write /to and an address: /to bob, /to bob@b.example, /to #room, /to #room@b.example");
  }
  SetTarget(std::string(address));
  screen_->Tell("Writing to " + SafeLine(address) + ".");
  if (client_) ShowRecent();
}

void Chat::Join(std::string_view channel) {
  if (!IsAddress(channel, /*channel=*/true)) {
    return screen_->Tell("Write /join and a channel: /join #room, or /join #room@b.example");
  }
  if (!CheckConnected()) return;
  if (!Check(Blocking([&] { return client_->Join(channel); }))) return;
  SetTarget(std::string(channel));
  screen_->Tell("Joined " + SafeLine(channel) + "; what you type now goes there.");
  ShowRecent();
}

void Chat::LeaveChannel(std::string_view channel) {
  const std::string address(channel.empty() ? std::string_view(target_) : channel);
  if (!IsAddress(address, /*channel=*/true)) {
    return screen_->Tell("Write /leave and a channel: /leave #room");
  }
  if (!CheckConnected()) return;
  if (!Check(Blocking([&] { return client_->Leave(address); }))) return;
  if (target_ == address) SetTarget("");
  screen_->Tell("Left " + SafeLine(address) + ".");
}

void Chat::AddContact(std::string_view address) {
  if (!IsAddress(address, /*channel=*/false)) {
    return screen_->Tell("Write /add and a user: /add bob, or /add bob@b.example");
  }
  if (!CheckConnected()) return;
  if (!Check(Blocking([&] { return client_->ContactAdd(address); }))) return;
  screen_->Tell("Added " + SafeLine(address) +
                ". You can write to each other once both of you have added the other.");
  if (target_.empty()) SetTarget(std::string(address));
}

void Chat::RemoveContact(std::string_view address) {
  if (!IsAddress(address, /*channel=*/false)) {
    return screen_->Tell("Write /remove and a user: /remove bob, or /remove bob@b.example");
  }
  if (!CheckConnected()) return;
  if (!Check(Blocking([&] { return client_->ContactRemove(address); }))) return;
  if (target_ == address) SetTarget("");
  screen_->Tell("Removed " + SafeLine(address) + ".");
}

void Chat::ShowList(ListKind kind, std::string_view of) {
  std::string channel(of);
  if (kind == ListKind::kMembers) {
    if (channel.empty()) channel = target_;
    if (!IsAddress(channel, /*channel=*/true)) {
      return screen_->Tell("Write /members and a channel: /members #room");
    }
  }
  if (!CheckConnected()) return;
  const absl::StatusOr<std::vector<ListEntry>> entries =
      Blocking([&] { return client_->List(kind, channel); });
  if (!Check(entries.status())) return;
  const bool contacts = kind == ListKind::kContacts;
  const bool members = kind == ListKind::kMembers;
  for (const ListEntry& entry : *entries) {
    screen_->Tell("  " + ListEntryText(entry, members ? "online" : "",
                                       contacts ? "has not added you yet" : ""));
  }
  if (!entries->empty()) return;
  screen_->Tell(contacts  ? "No contacts yet: /add bob"
                : members ? "Nobody is in there."
                          : "No channel is joined yet: /join #room");
}

void Chat::ShowHistory(std::string_view argument) {
  size_t count = kHistoryLines;
  if (!argument.empty()) {
    const char* const end = argument.data() + argument.size();
    const auto [parsed_end, error] = std::from_chars(argument.data(), end, count);
    if (error != std::errc() || parsed_end != end || count == 0 || count > kHistoryLinesMax) {
      return screen_->Tell("Write /history, or /history and a number from 1 to " +
                           std::to_string(kHistoryLinesMax));
    }
  }
  if (CheckConnected()) Check(ShowTail(count));
}

void Chat::ShowRecent() {
  // Nobody asked for it, so what has no history is passed over in silence.
  if (target_.empty() || !client_->Has(kFeatureHistory)) return;
  const absl::Status status = ShowTail(kHistoryLines);
  if (!absl::IsNotFound(status)) Check(status);
}

bool Chat::CheckConnected() {
  if (client_) return true;
  screen_->Tell("Not connected at the moment; nothing was sent.");
  return false;
}

bool Chat::Check(const absl::Status& status) {
  if (status.ok()) return true;
  screen_->Tell("! " + SafeText(std::string(status.message())));
  return false;
}

absl::Status Chat::ShowTail(size_t count) {
  const HistoryReader read = [this](uint64_t after, uint16_t limit) {
    return client_->History(target_, after, limit);
  };
  const absl::StatusOr<std::vector<HistoryEntry>> entries =
      Blocking([&] { return ReadHistoryTail(read, count); });
  if (!entries.ok()) return entries.status();
  const uint64_t now = NowSeconds();
  for (const HistoryEntry& entry : *entries) {
    screen_->Show(json_ ? HistoryJson(entry) : MessageText(entry.message, now));
    // What waits to be delivered after this answer was kept before it, so it is shown already.
    shown_.insert(KeyOf(entry.message));
  }
  if (entries->empty()) screen_->Tell("(nothing is kept here yet)");
  return absl::OkStatus();
}

}  // namespace solec
