// Publishers to NATS JetStream, each on a connection of its own: every one keeps a window of
// messages under way that the server has not acknowledged yet. One thread.
//
// Whatever the window allows leaves in one send, as with solec-bench. The answer to a message names
// its place in the window (the end of its reply subject), so that acknowledgements are told apart
// in whatever order they come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/histogram.h"
#include "bench/generator_ring.h"
#include "bench/server_address.h"

namespace solec {

struct NatsOptions {
  uint32_t connections = 100;
  uint32_t window = 64;
  uint32_t streams = 1;  // they are spread over so many
  size_t content_bytes = 64;
  uint64_t seed = 1;
};

class NatsPublishers {
 public:
  static absl::StatusOr<std::unique_ptr<NatsPublishers>> Create(const ServerAddress& server,
                                                                const NatsOptions& options);
  ~NatsPublishers();

  // What the streams are called, and what they must listen to.
  static std::string StreamName(uint32_t stream) { return "bench" + std::to_string(stream); }
  static std::string StreamSubjects(uint32_t stream) { return StreamName(stream) + ".>"; }

  // Connects all; returns when the server has greeted them.
  absl::Status OpenAll();
  void Start();
  void Stop() { stopped_ = true; }
  // Latencies are those of messages sent from `from_ns` to `to_ns`.
  void Measure(uint64_t from_ns, uint64_t to_ns) {
    measure_from_ns_ = from_ns;
    measure_to_ns_ = to_ns;
  }
  // Sends all that may be sent, and waits at most so long for something to happen.
  void Turn(uint64_t wait_ns);

  const absl::Status& status() const { return status_; }
  uint64_t sent() const { return sent_; }
  uint64_t accepted() const { return accepted_; }  // acknowledged as kept
  uint64_t refused() const { return refused_; }    // answered with an error
  uint64_t damaged() const { return damaged_; }    // answers that fit no message under way
  bool AllAnswered() const { return sent_ == accepted_ + refused_; }
  const std::string& first_refusal() const { return first_refusal_; }
  const Histogram& latency() const { return latency_; }

  // --- for GeneratorRing ---
  void OnConnected(uint32_t client, int error);
  void OnReceived(uint32_t client, Bytes bytes);
  void OnReceiveEnd(uint32_t client, int error);
  void OnSent(uint32_t client, size_t size, int error);

 private:
  struct Client {
    int fd = -1;
    bool open = false;
    bool sending = false;
    bool listed = false;            // on the list of those that may send
    std::string words;              // being sent
    std::string next_words;         // what is to be sent besides messages
    std::string partial;            // a frame of which the end has not come yet
    std::string head;               // of its messages, up to the place in the window
    std::vector<uint64_t> sent_ns;  // by place; 0: free
    std::vector<uint32_t> free_places;
  };

  NatsPublishers(const ServerAddress& server, const NatsOptions& options);

  void MarkReady(uint32_t client);
  void SendSome(uint32_t client, uint64_t now_ns);
  void Take(uint32_t client, std::string_view* stream);
  void OnAnswer(uint32_t client, std::string_view subject, std::string_view payload);
  void Fail(absl::Status status) { status_.Update(std::move(status)); }

  const ServerAddress server_;
  const NatsOptions options_;
  const std::string tail_;  // of all messages, from the size on
  std::unique_ptr<GeneratorRing> ring_;
  std::vector<Client> clients_;
  std::vector<uint32_t> ready_;
  uint32_t open_count_ = 0;
  bool stopped_ = true;
  uint64_t received_ns_ = 0;  // of this turn; 0: not asked yet
  uint64_t measure_from_ns_ = UINT64_MAX;
  uint64_t measure_to_ns_ = UINT64_MAX;
  uint64_t sent_ = 0;
  uint64_t accepted_ = 0;
  uint64_t refused_ = 0;
  uint64_t damaged_ = 0;
  std::string first_refusal_;
  Histogram latency_;
  absl::Status status_;
};

}  // namespace solec
