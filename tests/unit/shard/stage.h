// A server with a few users for tests of single rules: alice and bob are each other's contacts,
// carol and dave nobody's. The network is calm: bytes arrive whole and at once.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/describe.h"
#include "sim/sim_session.h"
#include "sim/sim_world.h"

namespace solec {

// Numbers of shards that rules are tested with: on three, people and channels are mostly apart.
inline constexpr uint32_t kShardCounts[] = {1, 3};

inline SimOptions CalmOptions(uint32_t shard_count) {
  SimOptions options;
  options.shard_count = shard_count;
  options.faults = {.delay_ns_max = 0,
                    .segment_bytes_max = 1 << 20,
                    .tiny_segment_percent = 0,
                    .socket_buffer_bytes = 128 * 1024,
                    .partial_percent = 0,
                    .starved_percent = 0};
  options.password_delay_ns_max = 0;
  return options;
}

class Stage {
 public:
  explicit Stage(uint32_t shard_count, const std::function<void(SimOptions*)>& adjust = {})
      : world(Adjusted(shard_count, adjust)) {
    for (const char* name : {"alice", "bob", "carol", "dave"}) world.AddUser(name);
    world.AddContacts("alice", "bob");
  }
  ~Stage() { EXPECT_EQ(world.problem(), ""); }

  std::unique_ptr<SimSession> Connect() {
    return std::make_unique<SimSession>(&world, dialled_++ % world.shard_count());
  }

  // Logged in, with nothing left to read.
  std::unique_ptr<SimSession> LogIn(std::string_view name, uint32_t features = 0) {
    auto session = Connect();
    session->SendLogin(name, features);
    if (features != 0) {
      const auto answer = session->Next<Handshake>();
      EXPECT_TRUE(answer && answer->features == features) << name;
    }
    EXPECT_TRUE(session->Next<Success>()) << name;
    return session;
  }

  SimWorld world;

 private:
  static SimOptions Adjusted(uint32_t shard_count, const std::function<void(SimOptions*)>& adjust) {
    SimOptions options = CalmOptions(shard_count);
    if (adjust) adjust(&options);
    return options;
  }
  uint32_t dialled_ = 0;
};

inline void ExpectMessage(SimSession* session, std::string_view source, std::string_view target,
                          std::string_view content) {
  const auto message = session->Next<Message>();
  ASSERT_TRUE(message) << content;
  EXPECT_EQ(message->source, source);
  EXPECT_EQ(message->target, target);
  EXPECT_EQ(message->message_content, content);
}

inline void ExpectError(SimSession* session, ErrorCode code) {
  const auto error = session->Next<Error>();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, code);
}

inline void ExpectNothing(SimSession* session) {
  const SimSession::Received* next = session->Next();
  EXPECT_EQ(next, nullptr) << (next == nullptr ? "" : DescribeStream(AsBytes(next->bytes), false));
  EXPECT_FALSE(session->client().ended());
}

// The server says no more, and closes.
inline void ExpectEnd(SimSession* session) {
  EXPECT_EQ(session->Next(), nullptr);
  EXPECT_TRUE(session->Ended());
  EXPECT_FALSE(session->client().was_reset());
}

}  // namespace solec
