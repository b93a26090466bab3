// What a simulated run must have led to, by the protocol's words alone: nothing here knows how the
// server works. The scenario writes down what was sent and to whom it may go; at the end the ledger
// reads what every session was sent, and says what is missing, doubled, out of order or wrong.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/sim_session.h"

namespace solec {

// What the protocol says of a message.
enum class Due : uint8_t {
  kDelivered,  // it must arrive
  kBounced,    // it must be accepted, but arrive nowhere: the other server refuses it
  kRefused,    // it must be answered with Error 0x02 or Rejected, and arrive nowhere
  kEither,     // contact or membership changed meanwhile: one of the two
};

// One message that a client sent.
struct Letter {
  size_t session;
  uint32_t number;     // within the session, from 1
  std::string target;  // "u1@a.example", "#c0@b.example"
  Due due;
  uint64_t sent_ns;

  // The one that it is sent with; names it.
  uint64_t timestamp() const { return session * 1'000'000 + number; }
};

// One connection of a client, from its beginning on.
struct SessionRecord {
  std::string user;  // "u1@a.example"
  bool receipts = false;
  bool acknowledges = false;
  bool login_is_valid = true;
  std::unique_ptr<SimSession> session;
  uint64_t success_ns = UINT64_MAX;           // when the client read Success
  bool cut = false;                           // broken or closed by somebody before the end
  ErrorCode expected_end = ErrorCode::kNone;  // it broke a rule, and this must be the answer
  std::vector<Letter> letters;
  std::vector<uint16_t> tags;  // of requests, as they were sent
  std::vector<uint32_t> pings;
  // That were asked for at the end, by tag: of whom, as a full address.
  std::map<uint16_t, std::string> histories;
};

class Ledger {
 public:
  std::vector<std::unique_ptr<SessionRecord>> sessions;
  std::map<std::string, std::set<std::string>> members;  // of a channel, all through the run
  std::set<std::string> changing;                        // channels that people join and leave
  bool durable = false;  // what was accepted survives crashes, and is in the histories
  bool expires = false;  // what waits for another server may bounce, for it waits too long
  bool bounces_arrive = false;  // no link ever broke, so what was refused elsewhere bounces

  // "u1@a.example 3 17 #c0@a.example xxxx": who, session, number, target, filling.
  static std::string Content(const std::string& user, const Letter& letter, size_t filling);

  // What is wrong, one line each; empty: nothing. `complete`: every user has logged in again after
  // all else, everything has been read, and nothing is under way any more.
  std::vector<std::string> Check(bool complete);

 private:
  struct Arrival {
    const Letter* letter;
    std::string source, target;
  };
  struct Log {
    std::vector<Arrival> messages;
    std::vector<uint64_t> accepted;
    std::map<uint64_t, ErrorCode> rejected;
    std::vector<ErrorCode> errors;
    std::vector<const Letter*> bounced;
    std::vector<uint16_t> results;
    std::vector<uint32_t> pongs;
    std::map<uint16_t, std::vector<std::pair<uint64_t, const Letter*>>> histories;
    bool success = false;
  };

  void Read(size_t session);
  void ReadBounce(size_t session, Log* log, const Bounce& bounce);
  void ReadMessage(size_t session, Log* log, const Message& message);
  void CheckArrivals(size_t session);
  void CheckAnswers(size_t session);
  void CheckLetter(const Letter& letter);
  void CheckBounce(const Letter& letter);
  bool MayExpire(const Letter& letter) const;
  void CheckHistories(size_t session);
  const Letter* LetterOf(size_t session, std::string_view content);
  size_t BouncesFor(const std::string& user) const;
  void CheckChannelOrder();
  bool IsAccepted(const Letter& letter) const;
  bool IsOpen(const SessionRecord& record) const {
    return complete_ && !record.cut && record.success_ns != UINT64_MAX &&
           !record.session->client().ended();
  }
  size_t Copies(size_t session, const Letter& letter) const;
  void Wrong(size_t session, const std::string& what);

  bool complete_ = false;
  std::vector<Log> logs_;
  std::vector<std::map<const Letter*, size_t>> copies_;
  std::vector<std::string> wrong_;
};

}  // namespace solec
