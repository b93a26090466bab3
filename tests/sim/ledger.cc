#include "sim/ledger.h"

#include <algorithm>
#include <charconv>

namespace solec {

std::string Ledger::Content(const std::string& user, const Letter& letter, size_t filling) {
  return user + " " + std::to_string(letter.session) + " " + std::to_string(letter.number) + " " +
         letter.target + " " + std::string(filling, 'x');
}

void Ledger::Wrong(size_t session, const std::string& what) {
  wrong_.push_back("session " + std::to_string(session) + " of " + sessions[session]->user + ": " +
                   what);
}

// --- what each session was sent ---

static std::string_view TakeWord(std::string_view* text) {
  const size_t end = text->find(' ');
  const std::string_view word = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return word;
}

static size_t TakeNumber(std::string_view* text) {
  const std::string_view word = TakeWord(text);
  size_t number = SIZE_MAX;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

void Ledger::ReadMessage(size_t session, Log* log, const Message& message) {
  if (message.source.starts_with("server@")) return;  // an answer of the service address
  const Letter* letter = LetterOf(session, message.message_content);
  if (letter == nullptr) return;
  log->messages.push_back({letter, std::string(message.source), std::string(message.target)});
  ++copies_[session][letter];
}

void Ledger::ReadBounce(size_t session, Log* log, const Bounce& bounce) {
  const size_t from = bounce.timestamp.seconds / 1'000'000;
  const size_t number = bounce.timestamp.seconds % 1'000'000;
  const bool known = from < sessions.size() && number >= 1 &&
                     number <= sessions[from]->letters.size() &&
                     sessions[from]->user == sessions[session]->user &&
                     sessions[from]->letters[number - 1].target == bounce.target;
  if (!known) return Wrong(session, "got a bounce of what it never sent");
  const Letter& letter = sessions[from]->letters[number - 1];
  const bool expired = expires && bounce.code == ErrorCode::kUnavailable;
  const bool refused = bounce.code == ErrorCode::kNotFound &&
                       (letter.due == Due::kBounced || letter.due == Due::kEither);
  if (!expired && !refused) {
    Wrong(session, "got a bounce without reason: " + std::to_string(from) + "/" +
                       std::to_string(number));
  }
  log->bounced.push_back(&letter);
}

const Letter* Ledger::LetterOf(size_t session, std::string_view content) {
  const std::string_view user = TakeWord(&content);
  const size_t from = TakeNumber(&content), number = TakeNumber(&content);
  if (from >= sessions.size() || number == 0 || number > sessions[from]->letters.size()) {
    Wrong(session, "got a message that nobody sent");
    return nullptr;
  }
  const Letter& letter = sessions[from]->letters[number - 1];
  if (user != sessions[from]->user || TakeWord(&content) != letter.target) {
    Wrong(session, "got a message whose content was changed");
    return nullptr;
  }
  return &letter;
}

void Ledger::Read(size_t session) {
  Log& log = logs_[session];
  // What the server's socket took counts as sent. Where nothing may be lost, only what arrived
  // counts; and only what the client has read, if that is what it tells the server.
  const SimConnection& connection = sessions[session]->session->client().connection();
  std::string read_by_client;
  Bytes stream = AsBytes(connection.down_log);
  if (durable) stream = stream.first(connection.down.bytes_arrived);
  if (durable && sessions[session]->acknowledges) {
    for (const SimSession::Received& frame : sessions[session]->session->received()) {
      read_by_client += frame.bytes;
    }
    stream = AsBytes(read_by_client);
  }
  Frame frame;
  while (TakeFrame(&stream, &frame)) {
    auto read = [&]<class P>(P payload) {
      if (Decode(frame.payload, &payload) != DecodeError::kNone) {
        Wrong(session, "was sent a malformed payload");
      }
      return payload;
    };
    switch (frame.type) {
      case PayloadType::kSuccess:
        log.success = true;
        break;
      case PayloadType::kError:
        log.errors.push_back(read(Error{}).code);
        break;
      case PayloadType::kMessage:
        if (!log.success) Wrong(session, "got a message before Success");
        ReadMessage(session, &log, read(Message{}));
        break;
      case PayloadType::kAccepted:
        log.accepted.push_back(read(Accepted{}).up_to);
        break;
      case PayloadType::kRejected: {
        const auto rejected = read(Rejected{});
        if (!log.accepted.empty() && log.accepted.back() >= rejected.number) {
          Wrong(session, "Rejected came after Accepted for the same number");
        }
        if (!log.rejected.emplace(rejected.number, rejected.code).second) {
          Wrong(session, "Rejected came twice");
        }
        break;
      }
      case PayloadType::kResult:
        log.results.push_back(read(Result{}).tag);
        break;
      case PayloadType::kPong:
        log.pongs.push_back(read(Pong{}).token);
        break;
      case PayloadType::kHistoryItem: {
        const auto item = read(HistoryItem{});
        const Letter* letter = LetterOf(session, item.message_content);
        if (letter != nullptr) log.histories[item.tag].push_back({item.position, letter});
        break;
      }
      case PayloadType::kBounce:
        ReadBounce(session, &log, read(Bounce{}));
        break;
      case PayloadType::kHandshake:
      case PayloadType::kListItem:
        break;
      default:
        Wrong(session, "was sent a payload that a client never gets");
    }
  }
}

// --- checks ---

std::vector<std::string> Ledger::Check(bool complete) {
  complete_ = complete;
  logs_.assign(sessions.size(), {});
  copies_.assign(sessions.size(), {});
  for (size_t i = 0; i < sessions.size(); ++i) Read(i);
  for (size_t i = 0; i < sessions.size(); ++i) {
    CheckArrivals(i);
    CheckAnswers(i);
    CheckHistories(i);
  }
  for (const auto& record : sessions) {
    for (const Letter& letter : record->letters) {
      CheckLetter(letter);
      CheckBounce(letter);
    }
  }
  CheckChannelOrder();
  return std::move(wrong_);
}

// Of every session, cut or not: who may see what, each once, in the order it was sent.
void Ledger::CheckArrivals(size_t session) {
  const SessionRecord& record = *sessions[session];
  std::map<std::pair<size_t, std::string>, uint32_t> last;
  for (const Arrival& arrival : logs_[session].messages) {
    const Letter& letter = *arrival.letter;
    const std::string name = std::to_string(letter.session) + "/" + std::to_string(letter.number);
    const bool channel = letter.target.starts_with('#');
    const std::string& sender = sessions[letter.session]->user;
    if (letter.due == Due::kRefused || letter.due == Due::kBounced) {
      Wrong(session, "got a message that was forbidden: " + name);
    }
    if (arrival.source != sender || arrival.target != letter.target) {
      Wrong(session, "got a message with wrong addresses: " + name);
    }
    if (!channel && letter.target != record.user) Wrong(session, "got another's message: " + name);
    if (channel && !changing.contains(letter.target) &&
        !members[letter.target].contains(record.user)) {
      Wrong(session, "got a message of a channel it is not in: " + name);
    }
    if (channel && letter.session == session) Wrong(session, "got its own message: " + name);
    uint32_t& before = last[{letter.session, letter.target}];
    if (letter.number <= before) Wrong(session, "got a message twice or out of order: " + name);
    before = letter.number;
  }
}

void Ledger::CheckAnswers(size_t session) {
  const SessionRecord& record = *sessions[session];
  const Log& log = logs_[session];
  if (std::adjacent_find(log.accepted.begin(), log.accepted.end(), std::greater_equal<>()) !=
      log.accepted.end()) {
    Wrong(session, "Accepted does not rise");
  }
  if (!log.accepted.empty() && log.accepted.back() > record.letters.size()) {
    Wrong(session, "Accepted names messages that were never sent");
  }
  if (log.success && !record.login_is_valid) Wrong(session, "logged in with a wrong password");
  for (const auto& [number, code] : log.rejected) {
    const bool known = number >= 1 && number <= record.letters.size();
    if (!known || record.letters[number - 1].due == Due::kDelivered ||
        record.letters[number - 1].due == Due::kBounced || code != ErrorCode::kNotFound) {
      Wrong(session, "Rejected without reason: " + std::to_string(number));
    }
  }
  // (The last frame of a session has only so long to leave: a slow network may have none of it.)
  for (const ErrorCode code : log.errors) {
    const bool expected = code == ErrorCode::kNotFound || code == ErrorCode::kTooSlow ||
                          code == record.expected_end ||
                          (code == ErrorCode::kUserAuthFailed && !log.success) ||
                          (code == ErrorCode::kUserAuthFailed && record.cut);
    if (!expected) Wrong(session, "got an Error without reason");
  }
  if (!IsOpen(record)) return;
  // Without receipts a bounce is an Error too, and comes to any session of the user.
  size_t refused = 0, uncertain = record.receipts ? 0 : BouncesFor(record.user);
  for (const Letter& letter : record.letters) {
    if (letter.due == Due::kRefused) ++refused;
    if (letter.due == Due::kEither) ++uncertain;
    if (record.receipts && letter.due == Due::kRefused && !log.rejected.contains(letter.number)) {
      Wrong(session, "no Rejected for " + std::to_string(letter.number));
    }
  }
  const uint64_t accepted = log.accepted.empty() ? 0 : log.accepted.back();
  if (record.receipts && accepted != record.letters.size()) {
    Wrong(session, "Accepted ends at " + std::to_string(accepted) + " of " +
                       std::to_string(record.letters.size()));
  }
  const size_t errors =
      static_cast<size_t>(std::count(log.errors.begin(), log.errors.end(), ErrorCode::kNotFound));
  if (errors != log.errors.size()) Wrong(session, "got an Error it should not get");
  if (!record.receipts && (errors < refused || errors > refused + uncertain)) {
    Wrong(session, "got " + std::to_string(errors) + " Errors for " + std::to_string(refused) +
                       " refused messages");
  }
  if (record.receipts && errors != 0) Wrong(session, "got Error in place of Rejected");
  if (log.results != record.tags) Wrong(session, "results are not those that were asked for");
  if (log.pongs != record.pings) Wrong(session, "pongs are not those that were asked for");
}

// Messages of this user that may come back.
size_t Ledger::BouncesFor(const std::string& user) const {
  size_t count = 0;
  for (const auto& record : sessions) {
    if (record->user != user) continue;
    for (const Letter& letter : record->letters) {
      if (letter.due == Due::kBounced || letter.due == Due::kEither || expires) ++count;
    }
  }
  return count;
}

// Whether the sender may rely on it.
bool Ledger::IsAccepted(const Letter& letter) const {
  const SessionRecord& record = *sessions[letter.session];
  const Log& log = logs_[letter.session];
  if (letter.due != Due::kDelivered) return false;
  if (!record.receipts) return IsOpen(record);
  return !log.accepted.empty() && log.accepted.back() >= letter.number;
}

size_t Ledger::Copies(size_t session, const Letter& letter) const {
  const auto found = copies_[session].find(&letter);
  return found == copies_[session].end() ? 0 : found->second;
}

static std::string_view ServerOf(std::string_view address) {
  return address.substr(std::min(address.find('@'), address.size()));
}

// It may have waited too long for another server, then its sender was told that it is not
// delivered. (Whom the service address or an Error told is not known here.)
bool Ledger::MayExpire(const Letter& letter) const {
  // The copies of a channel's go to other servers, whoever wrote it.
  return expires && (letter.target.starts_with('#') ||
                     ServerOf(sessions[letter.session]->user) != ServerOf(letter.target));
}

// What the other server has refused comes back to every session of its sender.
void Ledger::CheckBounce(const Letter& letter) {
  const SessionRecord& record = *sessions[letter.session];
  if (!bounces_arrive || letter.due != Due::kBounced || !record.receipts || !IsOpen(record)) return;
  const std::vector<const Letter*>& bounced = logs_[letter.session].bounced;
  const auto count = std::count(bounced.begin(), bounced.end(), &letter);
  if (count != 1) {
    Wrong(letter.session, std::to_string(count) + " bounces of " + std::to_string(letter.number));
  }
}

void Ledger::CheckLetter(const Letter& letter) {
  if (!IsAccepted(letter)) return;
  const bool channel = letter.target.starts_with('#');
  const std::string name = std::to_string(letter.session) + "/" + std::to_string(letter.number);
  size_t copies = 0;
  for (size_t i = 0; i < sessions.size(); ++i) {
    const SessionRecord& record = *sessions[i];
    const bool addressed = channel
                               ? members[letter.target].contains(record.user) && i != letter.session
                               : record.user == letter.target;
    if (!addressed) continue;
    copies += Copies(i, letter);
    const bool there_throughout =
        IsOpen(record) && record.success_ns < letter.sent_ns && !MayExpire(letter);
    if (there_throughout && Copies(i, letter) != 1) Wrong(i, "did not get " + name);
  }
  if (!channel && complete_ && copies == 0 && !MayExpire(letter)) {
    std::string text = "nobody ever got " + name + " to " + letter.target + ", whose sessions were";
    for (size_t i = 0; i < sessions.size(); ++i) {
      if (sessions[i]->user != letter.target) continue;
      text += " " + std::to_string(i) + (sessions[i]->cut ? " (cut)" : "");
    }
    Wrong(letter.session, text);
  }
}

// Whoever asked for a history has everything that was accepted for it, in the order of each sender,
// once.
void Ledger::CheckHistories(size_t session) {
  const SessionRecord& record = *sessions[session];
  for (const auto& [tag, with] : record.histories) {
    std::set<const Letter*> seen;
    std::map<std::pair<size_t, std::string>, uint32_t> last;
    uint64_t position = 0;
    for (const auto& [at, letter] : logs_[session].histories[tag]) {
      const std::string name =
          std::to_string(letter->session) + "/" + std::to_string(letter->number);
      if (at <= position) Wrong(session, "positions do not rise at " + name);
      position = at;
      uint32_t& before = last[{letter->session, letter->target}];
      if (letter->number <= before) Wrong(session, "history has out of order: " + name);
      before = letter->number;
      seen.insert(letter);
      const std::string& sender = sessions[letter->session]->user;
      const bool belongs = with.starts_with('#')
                               ? letter->target == with
                               : (sender == record.user && letter->target == with) ||
                                     (sender == with && letter->target == record.user);
      const bool refused = letter->due == Due::kRefused ||
                           (letter->due == Due::kBounced && sender != record.user);
      if (!belongs || refused) {
        Wrong(session, "history with " + with + " has what is not in it: " + name);
      }
    }
    for (const auto& from : sessions) {
      for (const Letter& letter : from->letters) {
        const bool belongs = with.starts_with('#')
                                 ? letter.target == with
                                 : (from->user == record.user && letter.target == with) ||
                                       (from->user == with && letter.target == record.user);
        if (!belongs || !IsAccepted(letter) || seen.contains(&letter)) continue;
        if (MayExpire(letter) && from->user != record.user) continue;
        Wrong(session, "history with " + with + " lacks " + std::to_string(letter.session) + "/" +
                           std::to_string(letter.number));
      }
    }
  }
}

// Any two sessions that saw the same messages of a channel saw them in the same order.
void Ledger::CheckChannelOrder() {
  for (size_t a = 0; a < sessions.size(); ++a) {
    std::map<const Letter*, size_t> place;
    for (const Arrival& arrival : logs_[a].messages) {
      if (arrival.letter->target.starts_with('#')) place.emplace(arrival.letter, place.size());
    }
    for (size_t b = 0; b < a; ++b) {
      std::map<std::string, size_t> last;
      for (const Arrival& arrival : logs_[b].messages) {
        const auto found = place.find(arrival.letter);
        if (found == place.end()) continue;
        size_t& before = last[arrival.letter->target];
        if (found->second + 1 < before) {
          Wrong(a, "saw a channel in another order than session " + std::to_string(b) + ": " +
                       std::to_string(arrival.letter->session) + "/" +
                       std::to_string(arrival.letter->number));
        }
        before = std::max(before, found->second + 1);
      }
    }
  }
}

}  // namespace solec
