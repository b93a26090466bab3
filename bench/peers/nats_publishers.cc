#include "bench/peers/nats_publishers.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

#include "bench/message_frames.h"
#include "bench/peers/nats_frames.h"
#include "bench/steady_clock.h"

namespace solec {

// The place in the window as hexadecimal digits, so that all messages have the same size.
static constexpr size_t kPlaceDigits = 5;
static constexpr uint64_t kOpenNs = 20'000'000'000;

static std::string InboxOf(uint32_t client) {
  return "_INBOX.c" + std::to_string(client) + ".";
}

NatsPublishers::NatsPublishers(const ServerAddress& server, const NatsOptions& options)
    : server_(server),
      options_(options),
      tail_(" " + std::to_string(options.content_bytes) + "\r\n" +
            std::string(std::min(options.content_bytes, kStampedBytes), '0') +
            MakeContent(options.content_bytes, options.seed)
                .substr(std::min(options.content_bytes, kStampedBytes)) +
            "\r\n"),
      clients_(options.connections) {
  for (uint32_t id = 0; id < clients_.size(); ++id) {
    Client& client = clients_[id];
    client.head =
        "PUB " + StreamName(id % options.streams) + "." + std::to_string(id) + " " + InboxOf(id);
    client.sent_ns.assign(options.window, 0);
    for (uint32_t place = options.window; place-- > 0;) client.free_places.push_back(place);
  }
}

absl::StatusOr<std::unique_ptr<NatsPublishers>> NatsPublishers::Create(const ServerAddress& server,
                                                                       const NatsOptions& options) {
  std::unique_ptr<NatsPublishers> publishers(new NatsPublishers(server, options));
  absl::StatusOr<std::unique_ptr<GeneratorRing>> ring = GeneratorRing::Create(options.connections);
  if (!ring.ok()) return ring.status();
  publishers->ring_ = *std::move(ring);
  return publishers;
}

NatsPublishers::~NatsPublishers() {
  ring_.reset();  // first: operations under way refer to the clients' bytes
  for (const Client& client : clients_) {
    if (client.fd >= 0) close(client.fd);
  }
}

// --- opening ---

absl::Status NatsPublishers::OpenAll() {
  for (uint32_t id = 0; id < clients_.size(); ++id) {
    absl::StatusOr<int> fd = MakeSocket(server_);
    if (!fd.ok()) return fd.status();
    clients_[id].fd = *fd;
    ring_->Connect(id, *fd, &server_.address, server_.size);
  }
  const uint64_t until_ns = SteadyNs() + kOpenNs;
  while (status_.ok() && open_count_ < clients_.size()) {
    if (SteadyNs() > until_ns) return absl::UnavailableError(server_.text + " does not answer");
    Turn(kNsPerSecond / 10);
  }
  return status_;
}

void NatsPublishers::OnConnected(uint32_t id, int error) {
  if (error != 0) {
    return Fail(
        absl::UnavailableError("cannot connect to " + server_.text + ": " + std::strerror(error)));
  }
  ring_->Receive(id, clients_[id].fd);
  clients_[id].next_words =
      "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " + InboxOf(id) + "* 1\r\nPING\r\n";
  MarkReady(id);
}

// --- sending ---

void NatsPublishers::Start() {
  stopped_ = false;
  for (uint32_t id = 0; id < clients_.size(); ++id) MarkReady(id);
}

void NatsPublishers::MarkReady(uint32_t id) {
  Client& client = clients_[id];
  if (client.listed || client.sending) return;
  client.listed = true;
  ready_.push_back(id);
}

void NatsPublishers::Turn(uint64_t wait_ns) {
  const uint64_t now_ns = SteadyNs();
  for (uint32_t id : ready_) {
    clients_[id].listed = false;
    SendSome(id, now_ns);
  }
  ready_.clear();
  received_ns_ = 0;
  ring_->Turn(*this, wait_ns);
}

void NatsPublishers::SendSome(uint32_t id, uint64_t now_ns) {
  Client& client = clients_[id];
  client.words.clear();
  std::swap(client.words, client.next_words);
  if (!stopped_ && client.open) {
    for (uint32_t place : client.free_places) {
      char digits[kPlaceDigits + 1];
      std::snprintf(digits, sizeof(digits), "%05x", place);
      client.words.append(client.head).append(digits, kPlaceDigits).append(tail_);
      client.sent_ns[place] = now_ns;
    }
    sent_ += client.free_places.size();
    client.free_places.clear();
  }
  if (client.words.empty()) return;
  client.sending = true;
  ring_->Send(id, client.fd, AsBytes(client.words));
}

void NatsPublishers::OnSent(uint32_t id, size_t, int error) {
  clients_[id].sending = false;
  if (error != 0) {
    return Fail(absl::AbortedError(std::string("sending failed: ") + std::strerror(error)));
  }
  MarkReady(id);
}

// --- receiving ---

void NatsPublishers::OnReceived(uint32_t id, Bytes bytes) {
  std::string& partial = clients_[id].partial;
  if (partial.empty()) {
    std::string_view stream = AsString(bytes);
    Take(id, &stream);
    partial.assign(stream);
  } else {
    partial.append(AsString(bytes));
    std::string_view stream = partial;
    Take(id, &stream);
    partial.erase(0, partial.size() - stream.size());
  }
}

void NatsPublishers::Take(uint32_t id, std::string_view* stream) {
  Client& client = clients_[id];
  NatsFrame frame;
  NatsTaken taken;
  while ((taken = TakeNatsFrame(stream, &frame)) == NatsTaken::kWhole) {
    switch (frame.kind) {
      case NatsKind::kMessage:
        OnAnswer(id, frame.subject, frame.payload);
        break;
      case NatsKind::kPing:
        client.next_words += "PONG\r\n";
        MarkReady(id);
        break;
      case NatsKind::kPong:
        if (!std::exchange(client.open, true)) ++open_count_;
        break;
      case NatsKind::kError:
        Fail(absl::AbortedError("the server said" + std::string(frame.payload)));
        break;
      case NatsKind::kOther:
        break;
    }
  }
  if (taken == NatsTaken::kMalformed) Fail(absl::UnavailableError("this is no NATS server"));
}

void NatsPublishers::OnAnswer(uint32_t id, std::string_view subject, std::string_view payload) {
  Client& client = clients_[id];
  uint32_t place = 0;
  const char* const end = subject.data() + subject.size();
  const bool named = subject.size() > kPlaceDigits &&
                     std::from_chars(end - kPlaceDigits, end, place, 16).ptr == end;
  if (!named || place >= client.sent_ns.size() || client.sent_ns[place] == 0) {
    ++damaged_;
    return;
  }
  const uint64_t sent_ns = std::exchange(client.sent_ns[place], 0);
  client.free_places.push_back(place);
  MarkReady(id);
  if (!payload.starts_with("{\"stream\":")) {  // an error is named before the stream
    ++refused_;
    if (first_refusal_.empty()) first_refusal_ = payload;
    return;
  }
  ++accepted_;
  if (received_ns_ == 0) received_ns_ = SteadyNs();
  if (sent_ns >= measure_from_ns_ && sent_ns < measure_to_ns_) {
    latency_.Record(received_ns_ - sent_ns);
  }
}

void NatsPublishers::OnReceiveEnd(uint32_t, int error) {
  const std::string why = error == 0 ? "" : std::string(" (") + std::strerror(error) + ")";
  Fail(absl::AbortedError("the server ended a connection" + why));
}

}  // namespace solec
