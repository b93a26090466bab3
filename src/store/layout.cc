#include "store/layout.h"

#include <algorithm>

#include "proto/frame.h"

namespace solec {

namespace {

constexpr char kAccountVersion = '\1';
constexpr char kPeerVersion = '\1';
constexpr char kSpoolInline = '\1';     // the run is here
constexpr char kSpoolReference = '\2';  // the run is in a channel's history
constexpr char kInboxIndex = '\1';   // the run is in the chat
constexpr char kInboxFrames = '\2';  // the frames are here; written until schema 1
constexpr char kInboxInline = '\3';  // the run is here

StoreKey ChatNames(std::string_view one, std::string_view other, char end) {
  if (other < one) std::swap(one, other);
  StoreKey key;
  key.Name(one).Text(other).Byte(end);
  return key;
}

}  // namespace

std::string_view StoreSpaceName(StoreSpace space) {
  constexpr std::string_view kNames[kStoreSpaceCount] = {"meta",  "users", "channels", "chats",
                                                         "posts", "inbox", "spools"};
  return kNames[static_cast<size_t>(space)];
}

// --- keys ---

StoreKey RowKey(std::string_view owner, char kind, std::string_view rest) {
  StoreKey key;
  key.Name(owner).Byte(kind).Text(rest);
  return key;
}

std::optional<RowName> ParseRowKey(std::string_view key) {
  const size_t end = key.find('\0');
  if (end == std::string_view::npos || end == 0 || end + 1 == key.size()) return std::nullopt;
  return RowName{key.substr(0, end), key[end + 1], key.substr(end + 2)};
}

StoreKey OwnerBegin(std::string_view owner) {
  StoreKey key;
  key.Name(owner);
  return key;
}

StoreKey OwnerEnd(std::string_view owner) {
  StoreKey key;
  key.Text(owner).Byte('\1');
  return key;
}

StoreKey ChatBegin(std::string_view one, std::string_view other) {
  return ChatNames(one, other, '\0');
}

StoreKey ChatEnd(std::string_view one, std::string_view other) {
  return ChatNames(one, other, '\1');
}

std::optional<uint64_t> PositionOfKey(std::string_view key) {
  if (key.size() < kPositionSize) return std::nullopt;
  return LoadBig<uint64_t>(
      reinterpret_cast<const uint8_t*>(key.data() + key.size() - kPositionSize));
}

std::optional<ChatName> ParseChatKey(std::string_view key) {
  if (key.size() < kPositionSize) return std::nullopt;
  const std::string_view names = key.substr(0, key.size() - kPositionSize);
  const size_t middle = names.find('\0');
  if (middle == 0 || middle == std::string_view::npos) return std::nullopt;
  const size_t end = names.find('\0', middle + 1);
  if (end == middle + 1 || end == std::string_view::npos || end + 1 != names.size()) {
    return std::nullopt;
  }
  const ChatName chat{names.substr(0, middle), names.substr(middle + 1, end - middle - 1)};
  if (chat.higher < chat.lower) return std::nullopt;
  return chat;
}

std::optional<std::string_view> ParseOwnerOfRun(std::string_view key) {
  if (key.size() < kPositionSize) return std::nullopt;
  const std::string_view owner = key.substr(0, key.size() - kPositionSize);
  const size_t end = owner.find('\0');
  if (end == 0 || end == std::string_view::npos || end + 1 != owner.size()) return std::nullopt;
  return owner.substr(0, end);
}

std::string_view LocalForm(std::string_view address, std::string_view server_name) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos || address.substr(at + 1) != server_name) return address;
  return address.substr(0, at);
}

// --- values ---

void PutNumber(std::string* to, uint64_t value) {
  while (value >= 0x80) {
    to->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  to->push_back(static_cast<char>(value));
}

bool TakeNumber(std::string_view* from, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && !from->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(from->front());
    from->remove_prefix(1);
    if (shift == 63 && byte > 1) return false;  // beyond 64 bits
    *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;  // one number has one form
  }
  return false;
}

std::string EncodeAccount(const AccountValue& account) {
  std::string value(1, kAccountVersion);
  PutNumber(&value, account.since);
  value += account.password_hash;
  return value;
}

std::optional<AccountValue> ParseAccount(std::string_view value) {
  AccountValue account;
  if (value.empty() || value.front() != kAccountVersion) return std::nullopt;
  value.remove_prefix(1);
  if (!TakeNumber(&value, &account.since)) return std::nullopt;
  account.password_hash = value;
  return account;
}

std::string EncodeMark(InboxMark mark) {
  std::string value;
  PutNumber(&value, mark.position);
  PutNumber(&value, mark.bytes);
  return value;
}

std::optional<InboxMark> ParseMark(std::string_view value) {
  InboxMark mark;
  if (!TakeNumber(&value, &mark.position) || !TakeNumber(&value, &mark.bytes) || !value.empty()) {
    return std::nullopt;
  }
  return mark;
}

std::optional<uint64_t> CountMessageFrames(Bytes frames) {
  uint64_t count = 0;
  Frame frame;
  while (TakeFrame(&frames, &frame)) {
    if (frame.type != PayloadType::kMessage) return std::nullopt;
    ++count;
  }
  if (!frames.empty()) return std::nullopt;
  return count;
}

void PutInboxHead(std::string* to, const InboxValue& value) {
  to->push_back(value.is_inline ? kInboxInline : kInboxIndex);
  PutNumber(to, value.delivered.position);
  PutNumber(to, value.delivered.bytes);
  PutNumber(to, value.bytes);
  PutNumber(to, value.count);
  if (!value.is_inline) *to += value.sender;
}

std::optional<InboxValue> ParseInbox(std::string_view value) {
  InboxValue inbox;
  if (value.empty()) return std::nullopt;
  const char kind = value.front();
  if (kind != kInboxIndex && kind != kInboxFrames && kind != kInboxInline) return std::nullopt;
  inbox.is_inline = kind != kInboxIndex;
  value.remove_prefix(1);
  if (!TakeNumber(&value, &inbox.delivered.position) ||
      !TakeNumber(&value, &inbox.delivered.bytes) || !TakeNumber(&value, &inbox.bytes) ||
      !TakeNumber(&value, &inbox.count) || inbox.count == 0 || value.empty()) {
    return std::nullopt;
  }
  if (kind == kInboxFrames) {
    inbox.frames = AsBytes(value);
  } else if (kind == kInboxInline) {
    inbox.run = value;
  } else {
    if (value.find('\0') != std::string_view::npos) return std::nullopt;
    inbox.sender = value;
  }
  return inbox;
}

void EncodeState(const StateValue& state, std::string* value) {
  value->clear();
  PutNumber(value, state.position);
  PutNumber(value, state.chat_bytes);
  PutNumber(value, state.post_bytes);
}

std::optional<StateValue> ParseState(std::string_view value) {
  StateValue state;
  if (!TakeNumber(&value, &state.position) || !TakeNumber(&value, &state.chat_bytes) ||
      !TakeNumber(&value, &state.post_bytes) || !value.empty()) {
    return std::nullopt;
  }
  return state;
}

std::string EncodeCutoffs(const CutoffsValue& cutoffs) {
  return EncodeMark({.position = cutoffs.chats, .bytes = cutoffs.posts});
}

std::optional<CutoffsValue> ParseCutoffs(std::string_view value) {
  const std::optional<InboxMark> numbers = ParseMark(value);  // two numbers
  if (!numbers) return std::nullopt;
  return CutoffsValue{.chats = numbers->position, .posts = numbers->bytes};
}

StoreKey ClockKey(uint64_t position) {
  StoreKey key;
  key.Name(kClockPrefix).Number(position);
  return key;
}

std::string EncodeClock(const ClockRow& row) {
  std::string value;
  PutNumber(&value, row.time_ms);
  PutNumber(&value, row.chat_bytes);
  PutNumber(&value, row.post_bytes);
  return value;
}

std::optional<ClockRow> ParseClock(std::string_view key, std::string_view value) {
  ClockRow row;
  if (ParseOwnerOfRun(key) != kClockPrefix) return std::nullopt;
  row.position = *PositionOfKey(key);
  if (!TakeNumber(&value, &row.time_ms) || !TakeNumber(&value, &row.chat_bytes) ||
      !TakeNumber(&value, &row.post_bytes) || !value.empty()) {
    return std::nullopt;
  }
  return row;
}

StoreKey PeerKey(std::string_view peer) {
  StoreKey key;
  key.Name(kPeerPrefix).Text(peer);
  return key;
}

std::optional<std::string_view> ParsePeerKey(std::string_view key) {
  const std::string_view begin("peer\0", kPeerPrefix.size() + 1);
  if (!key.starts_with(begin) || key.size() == begin.size()) return std::nullopt;
  key.remove_prefix(begin.size());
  if (key.find('\0') != std::string_view::npos) return std::nullopt;
  return key;
}

std::string EncodePeer(const PeerValue& peer) {
  std::string value(1, kPeerVersion);
  for (uint64_t number : {peer.out_stream, peer.out_base, peer.trimmed, peer.trimmed_bytes,
                          peer.in_stream, peer.in_held, uint64_t{peer.in_early.size()}}) {
    PutNumber(&value, number);
  }
  for (const NumberRange& range : peer.in_early) {
    PutNumber(&value, range.first);
    PutNumber(&value, range.last);
  }
  return value;
}

std::optional<PeerValue> ParsePeer(std::string_view value) {
  PeerValue peer;
  if (value.empty() || value.front() != kPeerVersion) return std::nullopt;
  value.remove_prefix(1);
  uint64_t early_count = 0;
  for (uint64_t* number : {&peer.out_stream, &peer.out_base, &peer.trimmed, &peer.trimmed_bytes,
                           &peer.in_stream, &peer.in_held, &early_count}) {
    if (!TakeNumber(&value, number)) return std::nullopt;
  }
  uint64_t last = peer.in_held;
  for (; early_count > 0; --early_count) {
    NumberRange range;
    // Rising, and none touches the one before.
    if (!TakeNumber(&value, &range.first) || !TakeNumber(&value, &range.last) ||
        range.first <= last || range.first - last < 2 || range.last < range.first) {
      return std::nullopt;
    }
    last = range.last;
    peer.in_early.push_back(range);
  }
  if (!value.empty()) return std::nullopt;
  return peer;
}

void PutSpoolHead(std::string* to, const SpoolValue& value) {
  to->push_back(value.is_reference ? kSpoolReference : kSpoolInline);
  PutNumber(to, value.count);
  PutNumber(to, value.bytes);
  PutNumber(to, value.bytes_up_to);
  PutNumber(to, value.kept_ms);
  if (!value.is_reference) return;
  PutNumber(to, value.position);
  *to += value.channel;
}

std::optional<SpoolValue> ParseSpool(std::string_view value) {
  SpoolValue spool;
  if (value.empty() || (value.front() != kSpoolInline && value.front() != kSpoolReference)) {
    return std::nullopt;
  }
  spool.is_reference = value.front() == kSpoolReference;
  value.remove_prefix(1);
  if (!TakeNumber(&value, &spool.count) || !TakeNumber(&value, &spool.bytes) ||
      !TakeNumber(&value, &spool.bytes_up_to) || !TakeNumber(&value, &spool.kept_ms) ||
      spool.count == 0 || spool.bytes > spool.bytes_up_to) {
    return std::nullopt;
  }
  if (spool.is_reference) {
    if (!TakeNumber(&value, &spool.position) || value.empty() ||
        value.find('\0') != std::string_view::npos) {
      return std::nullopt;
    }
    spool.channel = value;
    return spool;
  }
  if (value.empty()) return std::nullopt;
  spool.run = value;
  return spool;
}

}  // namespace solec
