#include "bench/client_pool.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bench/steady_clock.h"
#include "proto/codec.h"

namespace solec {

// Clients that share one source address: fewer than there are ephemeral ports.
static constexpr uint32_t kClientsPerAddress = 20'000;

absl::StatusOr<std::unique_ptr<ClientPool>> ClientPool::Create(const std::string& connect,
                                                               uint32_t client_count) {
  std::unique_ptr<ClientPool> pool(new ClientPool());
  if (absl::StatusOr<uint32_t> server = pool->AddServer(connect); !server.ok()) {
    return server.status();
  }
  absl::StatusOr<std::unique_ptr<GeneratorRing>> ring = GeneratorRing::Create(client_count);
  if (!ring.ok()) return ring.status();
  pool->ring_ = *std::move(ring);
  return pool;
}

ClientPool::~ClientPool() {
  ring_.reset();  // first: operations under way refer to the clients' bytes
  for (const Client& client : clients_) {
    if (client.fd >= 0) close(client.fd);
  }
}

absl::StatusOr<uint32_t> ClientPool::AddServer(const std::string& connect) {
  absl::StatusOr<ServerAddress> server = FindServer(connect, kPortPlain);
  if (!server.ok()) return server.status();
  servers_.push_back(*std::move(server));
  return static_cast<uint32_t>(servers_.size() - 1);
}

uint32_t ClientPool::Add(ClientPlan plan) {
  clients_.emplace_back().plan = std::move(plan);
  return size() - 1;
}

std::string ClientPool::Describe(uint32_t client) const {
  const ClientPlan& plan = clients_[client].plan;
  return plan.raw ? "connection " + std::to_string(client) : plan.name;
}

// --- opening ---

// As many descriptors as the hard limit allows.
static absl::Status RaiseFileLimit(uint64_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= wanted) return absl::OkStatus();
  return absl::PermissionDeniedError(
      std::to_string(wanted) + " open files are needed and " + std::to_string(limit.rlim_max) +
      " are allowed; raise the hard limit (ulimit -Hn, LimitNOFILE=) or take fewer connections");
}

absl::Status ClientPool::OpenAll() {
  if (absl::Status limit = RaiseFileLimit(clients_.size() + 16); !limit.ok()) return limit;
  uint32_t next = 0;
  uint64_t seen_steps = steps_;
  uint64_t progress_ns = SteadyNs();
  while (status_.ok() && (next < size() || busy_count_ != 0)) {
    while (next < size() && busy_count_ < (clients_[next].plan.raw ? 1 : kOpeningMax)) {
      if (clients_[next].stage == Stage::kClosed) Start(next);
      ++next;
      if (!status_.ok()) return status_;
    }
    ring_->Turn(*this, kNsPerSecond / 10);
    const uint64_t now = SteadyNs();
    if (std::exchange(seen_steps, steps_) != steps_) progress_ns = now;
    if (now - progress_ns > kProgressNs) return NotAnswered();
  }
  return status_;
}

absl::Status ClientPool::NotAnswered() const {
  const auto waiting = std::ranges::find_if(clients_, [](const Client& client) {
    return client.stage != Stage::kOpen && client.stage != Stage::kClosed;
  });
  const ServerAddress& server = waiting == clients_.end() ? servers_.front() : ServerOf(*waiting);
  return absl::UnavailableError(server.text + " does not answer: " + std::to_string(open_count_) +
                                " of " + std::to_string(size()) + " connections are open");
}

void ClientPool::Start(uint32_t id) {
  Client& client = clients_[id];
  const ServerAddress& server = ServerOf(client);
  absl::StatusOr<int> made = MakeSocket(server);
  if (!made.ok()) return Fail(made.status());
  client.fd = *made;
  if (server.loopback) {
    const int yes = 1;
    // 127.0.0.1, 127.0.1.1, …: one address has ports for some 28,000 connections only.
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (id / kClientsPerAddress << 8));
    setsockopt(client.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    bind(client.fd, reinterpret_cast<const sockaddr*>(&source), sizeof(source));
  }
  client.stage = Stage::kConnecting;
  client.features = 0;
  client.messages_received = 0;
  ++busy_count_;
  ring_->Connect(id, client.fd, &server.address, server.size);
}

void ClientPool::OnConnected(uint32_t id, int error) {
  Client& client = clients_[id];
  if (error != 0) {
    return Fail(
        absl::UnavailableError("cannot connect to " + ServerOf(client).text + ": " +
                               std::strerror(error)));
  }
  ++steps_;
  client.stage = Stage::kLogin;
  client.receiving = true;
  ring_->Receive(id, client.fd);
  if (client.plan.raw) return;
  if (tls_ != nullptr) {
    client.tls = tls_->Dial("", &buffers_, resume_ ? client.ticket.get() : nullptr);
    return PumpTls(id);
  }
  BeginLogin(id);
}

void ClientPool::BeginLogin(uint32_t id) {
  Client& client = clients_[id];
  Handshake handshake;
  uint32_t features = 0;
  if (client.plan.receipts) features |= kFeatureReceipts;
  if (client.plan.history) features |= kFeatureHistory;
  if (!client.plan.channel.empty()) features |= kFeatureRequests;
  if (features != 0) handshake.features = features;
  std::string words;
  AppendFrame(handshake, &words);
  AppendFrame(UserAuth{client.plan.name, client.plan.password}, &words);
  Say(id, std::move(words));
}

void ClientPool::Say(uint32_t id, std::string words) {
  Client& client = clients_[id];
  if (client.sending) {
    client.next_words += words;
    return;
  }
  client.words = std::move(words);
  Send(id, AsBytes(client.words));
}

void ClientPool::OnLoginFrame(uint32_t id, const Frame& frame) {
  Client& client = clients_[id];
  ++steps_;
  Handshake handshake;
  Result result;
  Error error;
  switch (frame.type) {
    case PayloadType::kHandshake:
      if (Decode(frame.payload, &handshake) == DecodeError::kNone) {
        client.features = handshake.features.value_or(0);
      }
      return;
    case PayloadType::kSuccess:
      if (client.plan.channel.empty()) return Open(id);
      {
        client.stage = Stage::kJoining;
        std::string words;
        AppendFrame(Join{1, "", client.plan.channel}, &words);
        return Say(id, std::move(words));
      }
    case PayloadType::kResult:
      if (Decode(frame.payload, &result) == DecodeError::kNone && result.code == ErrorCode::kNone) {
        return Open(id);
      }
      return Fail(absl::PermissionDeniedError(Describe(id) + " may not join " +
                                              client.plan.channel + ": " +
                                              std::string(ErrorText(result.code))));
    case PayloadType::kError:
      static_cast<void>(Decode(frame.payload, &error));
      return Fail(absl::PermissionDeniedError(
          "the login of " + Describe(id) + " was refused: " + std::string(ErrorText(error.code)) +
          "; the server needs accounts = \"any\" (or, for login, --users-file)"));
    case PayloadType::kMessage:  // it waited for this user, or the channel brings it already
      return CountMessages(id, 1);
    default:
      return;
  }
}

void ClientPool::Open(uint32_t id) {
  clients_[id].stage = Stage::kOpen;
  --busy_count_;
  ++open_count_;
  if (sink_ != nullptr) sink_->OnOpen(id);
}

// --- bytes ---

Bytes ClientPool::Take(uint32_t id, Bytes bytes) {
  Client& client = clients_[id];
  if (client.plan.raw && client.stage == Stage::kLogin) {
    bytes = bytes.subspan(1);
    Open(id);
  }
  Frame frame;
  while (client.stage < Stage::kOpen && TakeFrame(&bytes, &frame)) OnLoginFrame(id, frame);
  if (client.stage == Stage::kClosing) return {};
  if (client.stage < Stage::kOpen || bytes.empty()) return bytes;
  if (sink_ != nullptr) return bytes.subspan(sink_->OnBytes(id, bytes));
  while (TakeFrame(&bytes, &frame)) {  // nobody is interested
    if (frame.type == PayloadType::kMessage) CountMessages(id, 1);
  }
  return bytes;
}

void ClientPool::OnReceived(uint32_t id, Bytes bytes) {
  if (clients_[id].tls != nullptr) return ReceiveTls(id, bytes);
  OnPlain(id, bytes);
}

void ClientPool::OnPlain(uint32_t id, Bytes bytes) {
  std::vector<uint8_t>& partial = clients_[id].partial;
  while (!partial.empty() && !bytes.empty()) {
    const size_t whole = FrameSizeAt(partial);
    const size_t wanted = whole == 0 ? kFrameHeaderSize : whole;
    const size_t taken = std::min(wanted - partial.size(), bytes.size());
    partial.insert(partial.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
    bytes = bytes.subspan(taken);
    if (partial.size() == FrameSizeAt(partial)) {
      Take(id, partial);
      partial.clear();
    }
  }
  if (bytes.empty()) return;
  const Bytes rest = Take(id, bytes);
  if (!rest.empty()) partial.assign(rest.begin(), rest.end());
}

void ClientPool::OnSent(uint32_t id, size_t size, int error) {
  Client& client = clients_[id];
  if (error != 0 && client.stage != Stage::kClosing) {
    return Fail(
        absl::AbortedError("sending for " + Describe(id) + " failed: " + std::strerror(error)));
  }
  if (client.tls != nullptr) {
    client.tls_sending = false;
    if (error != 0) client.tls->DropOutput();
    else client.tls->Sent(size);
    PumpTls(id);
    const bool more = client.tls_sending || !client.not_encrypted.empty();
    if (more || !client.sending) {
      if (client.stage == Stage::kClosing && !client.receiving && !more) FinishClose(id);
      return;
    }
  }
  FinishSend(id);
}

void ClientPool::FinishSend(uint32_t id) {
  Client& client = clients_[id];
  client.sending = false;
  if (!client.next_words.empty()) {
    client.words = std::exchange(client.next_words, {});
    return Send(id, AsBytes(client.words));
  }
  if (client.stage == Stage::kOpen && sink_ != nullptr) sink_->OnSent(id);
  if (client.stage == Stage::kClosing && !client.receiving) FinishClose(id);
}

// --- TLS ---

absl::Status ClientPool::UseTls(bool resume) {
  resume_ = resume;
  if (tls_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<const TlsContext>> made = TlsContext::Make({});
  if (!made.ok()) return made.status();
  tls_ = *std::move(made);
  tls_input_.resize(64 * 1024);
  tls_record_.resize(TlsSession::kRecordBytesMax);
  return absl::OkStatus();
}

void ClientPool::SendEncrypted(uint32_t id, Bytes bytes) {
  clients_[id].not_encrypted = bytes;
  PumpTls(id);
}

// Encrypts and sends the next piece, unless one is under way.
void ClientPool::PumpTls(uint32_t id) {
  Client& client = clients_[id];
  TlsSession& tls = *client.tls;
  if (client.tls_sending) return;
  if (!client.not_encrypted.empty() && tls.state() == TlsState::kOpen) {
    const Bytes piece = client.not_encrypted.first(
        std::min(client.not_encrypted.size(), TlsSession::kEncryptBytesMax));
    client.not_encrypted = client.not_encrypted.subspan(piece.size());
    tls.Encrypt(std::span<const Bytes>(&piece, 1), tls_record_);
  }
  const Bytes bytes = tls.BeginSend();
  if (bytes.empty()) return;
  client.tls_sending = true;
  ring_->Send(id, client.fd, bytes);
}

void ClientPool::ReceiveTls(uint32_t id, Bytes bytes) {
  Client& client = clients_[id];
  TlsSession& tls = *client.tls;
  const TlsState before = tls.state();
  tls.Receive(bytes, tls_input_, [this, id](Bytes plain) { OnPlain(id, plain); });
  if (tls.state() == TlsState::kFailed) {
    return Fail(absl::UnavailableError("no TLS for " + Describe(id) + ": " + tls.FailureText()));
  }
  if (before == TlsState::kHandshake && tls.state() == TlsState::kOpen) {
    if (tls.resumed()) ++resumed_count_;
    BeginLogin(id);
  }
  PumpTls(id);
}

// --- the end ---

void ClientPool::Close(uint32_t id) {
  Client& client = clients_[id];
  client.stage = Stage::kClosing;
  --open_count_;
  ++busy_count_;
  if (resume_ && client.tls != nullptr) client.ticket = client.tls->Ticket();
  shutdown(client.fd, SHUT_WR);
}

void ClientPool::OnReceiveEnd(uint32_t id, int error) {
  Client& client = clients_[id];
  client.receiving = false;
  if (client.stage == Stage::kClosing) {
    if (!client.sending && !client.tls_sending) FinishClose(id);
    return;
  }
  const std::string why = error == 0 ? "" : std::string(" (") + std::strerror(error) + ")";
  const std::string text = "the server ended the connection of " + Describe(id) + why;
  Fail(client.stage == Stage::kOpen ? absl::AbortedError(text) : absl::UnavailableError(text));
}

void ClientPool::FinishClose(uint32_t id) {
  Client& client = clients_[id];
  close(client.fd);
  client.fd = -1;
  client.partial.clear();
  client.tls.reset();
  client.not_encrypted = {};
  client.stage = Stage::kClosed;
  --busy_count_;
  if (sink_ != nullptr) sink_->OnClosed(id);
}

void ClientPool::CloseAll() {
  sink_ = nullptr;
  for (uint32_t id = 0; id < size(); ++id) {
    if (clients_[id].stage == Stage::kOpen) Close(id);
  }
  const uint64_t until = SteadyNs() + kCloseNs;
  while (busy_count_ != 0 && SteadyNs() < until) ring_->Turn(*this, kNsPerSecond / 10);
}

}  // namespace solec
