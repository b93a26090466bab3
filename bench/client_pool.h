// The connections of a run: they connect, log in, join a channel, are closed and opened again. What
// passes over an open one is the sink's business. Owned by the generator's only thread.
//
// The first thing that goes wrong (a refused login, a connection that the server ends) is kept in
// status(), and whoever runs the turns looks there. Bounded: OpenAll has at most kOpeningMax
// clients under way, and fails if for kProgressNs none of them gets anywhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/generator_ring.h"
#include "bench/server_address.h"
#include "net/tls_context.h"
#include "proto/frame.h"

namespace solec {

// What a client does until it is open.
struct ClientPlan {
  std::string name;
  std::string password = "bench";
  std::string channel = {};  // joined after the login, if not empty
  bool receipts = false;
  bool history = false;
  bool raw = false;  // a relay: no login, just the one byte with which it greets
  uint32_t server = 0;  // as AddServer numbers them
};

class ClientSink {
 public:
  virtual ~ClientSink() = default;
  // `stream` came on an open client and begins with a frame. Returns how many bytes of whole frames
  // were taken; the rest is shown again when it is whole.
  virtual size_t OnBytes(uint32_t client, Bytes stream) = 0;
  // The send is over; another may follow.
  virtual void OnSent(uint32_t client) = 0;
  virtual void OnOpen(uint32_t client) = 0;
  // It was closed because Close was called.
  virtual void OnClosed(uint32_t client) = 0;
};

class ClientPool {
 public:
  static constexpr uint32_t kOpeningMax = 128;
  static constexpr uint64_t kProgressNs = 20'000'000'000;
  static constexpr uint64_t kCloseNs = 5'000'000'000;

  // `connect`: HOST:PORT. `client_count`: about how many there will be. kInvalidArgument if it is
  // none, kUnavailable if the host is not found.
  static absl::StatusOr<std::unique_ptr<ClientPool>> Create(const std::string& connect,
                                                            uint32_t client_count);
  ~ClientPool();

  // Another server for clients to connect to; returns its number (that of Create's has 0). The
  // errors of Create.
  absl::StatusOr<uint32_t> AddServer(const std::string& connect);
  const ServerAddress& server(uint32_t number) const { return servers_[number]; }

  void SetSink(ClientSink* sink) { sink_ = sink; }
  // What is opened from now on speaks TLS, and trusts anybody. With `resume` it comes back with the
  // ticket that it got the last time.
  absl::Status UseTls(bool resume);
  // Handshakes that were short, thanks to a ticket.
  uint64_t resumed_count() const { return resumed_count_; }
  // `spin`: turns never sleep.
  void SetSpin(bool spin) { spin_ = spin; }

  uint32_t Add(ClientPlan plan);
  uint32_t size() const { return static_cast<uint32_t>(clients_.size()); }
  const ClientPlan& plan(uint32_t client) const { return clients_[client].plan; }
  // Of a closed client.
  void SetPlan(uint32_t client, ClientPlan plan) { clients_[client].plan = std::move(plan); }

  // Opens all that are closed, raw ones strictly one after the other, and returns when they are
  // open. kUnavailable if the server cannot be reached, kPermissionDenied for a refused login.
  absl::Status OpenAll();
  // Closes all and waits, for a bounded time, until the server has closed its side.
  void CloseAll();

  // One client: OnOpen and OnClosed follow. Close: only while nothing is being sent.
  void Start(uint32_t client);
  void Close(uint32_t client);

  // On an open client with no send under way. `bytes` stay untouched until OnSent.
  void Send(uint32_t client, Bytes bytes) {
    clients_[client].sending = true;
    if (clients_[client].tls != nullptr) [[unlikely]] return SendEncrypted(client, bytes);
    ring_->Send(client, clients_[client].fd, bytes);
  }

  // What its session agreed on; 0 without a Handshake from the server.
  uint32_t features(uint32_t client) const { return clients_[client].features; }
  bool is_open(uint32_t client) const { return clients_[client].stage == Stage::kOpen; }
  // Messages that came in its session: its own receipts refer to that number. What the sink takes,
  // the sink counts.
  uint64_t messages_received(uint32_t client) const { return clients_[client].messages_received; }
  void CountMessages(uint32_t client, uint64_t count) {
    clients_[client].messages_received += count;
  }

  void Turn(uint64_t wait_ns) { ring_->Turn(*this, spin_ ? 0 : wait_ns); }
  const absl::Status& status() const { return status_; }

  // --- for GeneratorRing ---
  void OnConnected(uint32_t client, int error);
  void OnReceived(uint32_t client, Bytes bytes);
  void OnReceiveEnd(uint32_t client, int error);
  void OnSent(uint32_t client, size_t size, int error);

 private:
  enum class Stage : uint8_t { kClosed, kConnecting, kLogin, kJoining, kOpen, kClosing };

  struct Client {
    ClientPlan plan;
    int fd = -1;
    Stage stage = Stage::kClosed;
    bool receiving = false;
    bool sending = false;
    uint32_t features = 0;
    uint64_t messages_received = 0;
    std::string words;             // of the login, while they are being sent
    std::string next_words;        // and what follows them
    std::vector<uint8_t> partial;  // a frame of which the end has not come yet
    std::unique_ptr<TlsSession> tls;  // null: plain
    TlsTicket ticket;                 // of its last session
    Bytes not_encrypted;              // what is left of the send under way
    bool tls_sending = false;
  };

  ClientPool() = default;

  // Who it is, for error texts.
  std::string Describe(uint32_t client) const;
  const ServerAddress& ServerOf(const Client& client) const {
    return servers_[client.plan.server];
  }
  // Why OpenAll gives up, and at which server.
  absl::Status NotAnswered() const;
  void Fail(absl::Status status) { status_.Update(std::move(status)); }
  void Say(uint32_t client, std::string words);
  void BeginLogin(uint32_t client);
  void OnPlain(uint32_t client, Bytes bytes);
  void FinishSend(uint32_t client);
  void SendEncrypted(uint32_t client, Bytes bytes);
  void PumpTls(uint32_t client);
  void ReceiveTls(uint32_t client, Bytes bytes);
  void Open(uint32_t client);
  // Takes whole frames off the front; returns what is left.
  Bytes Take(uint32_t client, Bytes bytes);
  void OnLoginFrame(uint32_t client, const Frame& frame);
  void FinishClose(uint32_t client);

  std::unique_ptr<GeneratorRing> ring_;
  BufferPool buffers_;  // of TLS; outlives the clients
  std::shared_ptr<const TlsContext> tls_;
  bool resume_ = false;
  uint64_t resumed_count_ = 0;
  std::vector<uint8_t> tls_input_, tls_record_;
  ClientSink* sink_ = nullptr;
  bool spin_ = false;
  std::vector<ServerAddress> servers_;
  std::vector<Client> clients_;
  uint64_t steps_ = 0;  // anything that brought a client further
  uint32_t open_count_ = 0;
  uint32_t busy_count_ = 0;  // opening or closing
  absl::Status status_;
};

}  // namespace solec
