// A user's session over TCP, for tools and tests: every call blocks until it is done or its time is
// over, and reports failures as absl::Status (error_status.h lists which code means what). One
// thread uses a Client; fd() lets a program wait for it together with other descriptors.
//
// While a call waits for its own answer, whatever else arrives is queued and comes out of Next
// later, in order. Bounds, and what happens there:
//   queued events      queue_bytes_max: reading stops (so the server holds back); a call that needs
//                      to read on fails with kResourceExhausted until Next has made room
//   one answer's items answer_bytes_max: that call fails with kResourceExhausted
//   output             256 KiB: Send waits until the server has taken enough of it
//   unanswered sends   SentReceipts::kUnansweredMax: Send waits for receipts
//
// Receipts: a message counts as handled, and is answered with Accepted, once the program comes back
// for the next event or makes any other call. What it never came back for is delivered again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client_event.h"
#include "client/client_session.h"
#include "client/endpoint.h"
#include "client/socket.h"

namespace solec {

struct ClientOptions {
  Endpoint server;
  std::string user;  // the bare name or the full address
  std::string password;
  uint32_t features = kClientFeatures;
  std::optional<TlsClientOptions> tls;  // none: nothing is encrypted
  int64_t login_timeout_ms = 10'000;   // connection, handshake and login together
  int64_t answer_timeout_ms = 10'000;  // without any progress of one request or one send
  int64_t close_timeout_ms = 2'000;    // for the server to take leave
  int64_t ping_interval_ms = 30'000;   // silence after which the server is pinged
  int64_t ping_timeout_ms = 15'000;    // more silence after which the connection counts as broken
  // False: this program came for something else. Where receipts are agreed, messages that arrive
  // are dropped without an answer, so that they stay the server's to deliver to another session.
  bool takes_messages = true;
  size_t queue_bytes_max = size_t{16} << 20;
  size_t answer_bytes_max = size_t{256} << 20;
};

class Client {
 public:
  // Connects and logs in. kUnavailable if the server cannot be reached, kPermissionDenied if the
  // name or the password is wrong.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ClientOptions& options);

  // The same over a stream that is connected already.
  static absl::StatusOr<std::unique_ptr<Client>> Login(Socket socket, const ClientOptions& options);

  // Hangs up without ceremony; Close takes leave.
  ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Readable when Next may have something. Events may be queued without it: take them until there
  // are none before waiting.
  int fd() const { return socket_.fd(); }
  bool Has(Feature feature) const { return session_.Has(feature); }
  uint32_t features() const { return session_.features(); }
  const SentReceipts& receipts() const { return session_.receipts(); }
  // The server as host and port, for texts.
  const std::string& server() const { return server_; }

  // The next event; nothing if none came within `timeout_ms` (0: do not wait; negative: wait for
  // ever). An error means that the session is over; what had arrived before was handed out first.
  absl::StatusOr<std::optional<ClientEvent>> Next(int64_t timeout_ms);

  // Waits up to `timeout_ms` for a first event, then calls `on_event` for each that is there.
  absl::Status Poll(int64_t timeout_ms, const std::function<void(const ClientEvent&)>& on_event);

  // Sends a message and returns its number in this session. Does not wait for its receipt.
  // `timestamp`: seconds since 1970.
  absl::StatusOr<uint64_t> Send(std::string_view target, std::string_view content,
                                uint64_t timestamp);

  // Waits until all messages up to `number` have been answered. An error if `number` was refused;
  // the refusals of all messages come out of Next too. kUnimplemented without receipts.
  absl::Status WaitAccepted(uint64_t number);

  absl::Status Join(std::string_view channel);
  absl::Status Leave(std::string_view channel);
  absl::Status ContactAdd(std::string_view address);
  absl::Status ContactRemove(std::string_view address);

  // `of`: the channel, for ListKind::kMembers; empty otherwise.
  absl::StatusOr<std::vector<ListEntry>> List(ListKind kind, std::string_view of = {});

  // Messages after position `after` (0: from the start), oldest first, at most `limit` of them (0:
  // kHistoryLimitDefault; at most kHistoryLimitMax). `address`: a user, a channel, or empty for
  // everything that is kept for this user.
  absl::StatusOr<std::vector<HistoryEntry>> History(std::string_view address, uint64_t after,
                                                    uint16_t limit);

  // Takes leave: sends what waits, says that no more will come, and waits until the server has
  // hung up, so that nothing on its way is lost. Next then still hands out what arrived meanwhile.
  // An error if the server did not hang up in time; the connection is closed in any case.
  absl::Status Close();

 private:
  // What a request waits for, and what has come of it so far.
  struct Answer {
    uint16_t tag = 0;
    std::optional<ErrorCode> result;
    std::vector<ListEntry> list;
    std::vector<HistoryEntry> history;
    size_t bytes = 0;
    bool too_large = false;
  };

  Client(Socket socket, const ClientOptions& options);

  absl::Status WaitForLogin(Deadline deadline);

  // Moves bytes both ways until `done()` holds: kDeadlineExceeded with an empty text if it does not
  // in time, kResourceExhausted if it cannot because the queue is full.
  absl::Status PumpUntil(Deadline deadline, const std::function<bool()>& done);
  void WriteOutput();
  void ReadInput();
  void TakeEvents();
  void On(const Success&) {}
  void On(const Error& error);
  void On(const Message& message);
  void On(const Accepted& accepted);
  void On(const Rejected& rejected);
  void On(const Bounce& bounce);
  void On(const Result& result);
  void On(const ListItem& item);
  void On(const HistoryItem& item);
  void On(const Pong&) {}
  // The request that waits for this tag, charged with `bytes`; null if it was given up meanwhile.
  Answer* AnswerFor(uint16_t tag, size_t bytes);
  void Queue(ClientEvent event, size_t bytes);
  bool QueueHasRoom() const { return queue_bytes_ < options_.queue_bytes_max; }
  void KeepAlive();
  Deadline NextKeepAlive() const;
  void End(absl::Status why);
  // The stream is over; the server may have said why before.
  void EndBroken(std::string_view how);

  // Called first by every public call: the program is done with the event it was handed last.
  void CountHandled();
  void SendReceipts(bool idle);

  template <class Request>
  absl::Status Ask(Request request, Feature feature, std::string_view what, Answer* answer);

  const ClientOptions options_;
  const std::string server_;
  Socket socket_;
  ClientSession session_;
  absl::Status ended_;  // why the session is over; OK while it is not
  bool closing_ = false;
  ErrorCode login_error_ = ErrorCode::kNone;    // the last Error before Success
  ErrorCode closing_error_ = ErrorCode::kNone;  // an Error after which the server hangs up

  struct QueuedEvent {
    ClientEvent event;
    size_t bytes;
  };
  std::deque<QueuedEvent> queue_;
  size_t queue_bytes_ = 0;

  ReceivedReceipts received_;
  bool message_handed_out_ = false;

  Answer* answer_ = nullptr;  // of the request that waits; one at a time
  uint16_t last_tag_ = 0;

  int64_t last_received_ms_ = 0;
  int64_t pinged_ms_ = 0;  // when the Ping without an answer left; 0: there is none
};

}  // namespace solec
