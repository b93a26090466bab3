// A client of the simulated server as scripts and checkers want it: payloads in and out, and all
// that ever came.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto/codec.h"
#include "proto/frame.h"
#include "sim/sim_world.h"

namespace solec {

inline constexpr uint32_t kSimFeatures = kFeaturePing | kFeatureReceipts | kFeatureRequests;
// Of a server that keeps everything.
inline constexpr uint32_t kSimDurableFeatures = kSimFeatures | kFeatureHistory;

// What stands between a session's payloads and its connection: TLS, if anything.
class SimLayer {
 public:
  virtual ~SimLayer() = default;
  // Sends these bytes, now or when it can.
  virtual void Write(Bytes bytes, SimClient* client) = 0;
  // What the bytes that came mean; may send something itself.
  virtual std::string Read(std::string_view bytes, SimClient* client) = 0;
};

class SimSession {
 public:
  SimSession(SimWorld* world, uint32_t shard, uint32_t server = 0,
             std::unique_ptr<SimLayer> layer = nullptr)
      : world_(world), client_(&world->network(), shard, server), layer_(std::move(layer)) {
    if (layer_ != nullptr) layer_->Write({}, &client_);
    world->Enter(this);
  }
  ~SimSession() { world_->Leave(this); }
  SimSession(const SimSession&) = delete;
  SimSession& operator=(const SimSession&) = delete;

  // --- out ---

  template <class P>
  void Send(const P& payload) {
    std::string bytes;
    AppendFrame(payload, &bytes);
    SendRaw(AsBytes(bytes));
  }
  void SendRaw(Bytes bytes) {
    if (layer_ != nullptr) layer_->Write(bytes, &client_);
    else client_.Write(bytes);
  }
  void SendHandshake(uint32_t features) {
    Handshake handshake{kVersionMajor, kVersionMinor, std::nullopt};
    if (features != 0) handshake.features = features;
    Send(handshake);
  }
  void SendLogin(std::string_view name, uint32_t features, std::string_view password = "secret") {
    SendHandshake(features);
    Send(UserAuth{name, password});
  }
  void SendMessage(std::string_view target, std::string_view content,
                   std::string_view source = "", uint64_t timestamp = 1) {
    Send(Message{source, target, {timestamp}, content});
  }

  // --- in ---

  struct Received {
    uint64_t at_ns;
    std::string bytes;  // a whole frame
    PayloadType type() const { return static_cast<PayloadType>(bytes[0]); }
  };
  // All frames that came, oldest first. Those before `taken` were asked for by Next.
  const std::deque<Received>& received() const { return received_; }

  // Runs the world until the next frame comes; nullptr if none does, for the connection ended or a
  // second has passed. What it points to stays until the session goes.
  const Received* Next();
  // The next frame, if it is a P: its views stay valid as well.
  template <class P>
  std::optional<P> Next() {
    const Received* next = Next();
    P payload{};
    if (next == nullptr || next->type() != P::kType) return std::nullopt;
    if (Decode(AsBytes(next->bytes).subspan(kFrameHeaderSize), &payload) != DecodeError::kNone) {
      return std::nullopt;
    }
    return payload;
  }
  // Runs the world until the server has closed the connection; whether it did so in time.
  bool Ended(uint64_t ns_max = 60'000'000'000) {
    return world_->RunUntil([this] { return client_.ended(); }, ns_max);
  }

  // Answers Messages by Accepted once it has read them.
  bool acknowledges = false;

  SimClient& client() { return client_; }
  const SimClient& client() const { return client_; }
  bool Ready() const { return client_.Ready(); }
  void Step();

 private:
  SimWorld* world_;
  SimClient client_;
  std::unique_ptr<SimLayer> layer_;
  std::string read_;  // through the layer, and not yet a whole frame
  std::deque<Received> received_;
  size_t taken_ = 0;
  uint64_t message_count_ = 0;
};

}  // namespace solec
