#include "io/uring_probe.h"

#include <gtest/gtest.h>

#include "io/endpoint.h"

#include <unistd.h>

namespace solec {
namespace {

TEST(UringProbe, ChoosesTheBestThatTheKernelHas) {
  EXPECT_EQ(ReceiveBufferMode::kPlain, UringFeatures{}.BestReceiveBuffers());
  EXPECT_EQ(ReceiveBufferMode::kBundles, (UringFeatures{false, true}).BestReceiveBuffers());
  EXPECT_EQ(ReceiveBufferMode::kIncremental, (UringFeatures{true, true}).BestReceiveBuffers());
}

TEST(UringProbe, ARingOfBuffersWithAFlagThatNoKernelKnowsIsRefused) {
  io_uring ring;
  ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
  alignas(4096) static uint8_t memory[4096];
  auto* buffers = reinterpret_cast<io_uring_buf_ring*>(memory);
  EXPECT_EQ(-EINVAL, RegisterBufferRing(&ring, buffers, 1, 0, 1 << 15));
  EXPECT_EQ(0, RegisterBufferRing(&ring, buffers, 1, 0, 0));
  io_uring_queue_exit(&ring);
}

TEST(UringProbe, ErrorsNameTheRemedy) {
  const std::pair<int, const char*> cases[] = {{EPERM, "kernel.io_uring_disabled=0"},
                                               {ENOSYS, "seccomp"},
                                               {ENOMEM, "LimitMEMLOCK="},
                                               {EMFILE, "LimitNOFILE="},
                                               {EINVAL, "Linux 6.1"}};
  for (const auto& [error, remedy] : cases) {
    const absl::Status status = UringError(error);
    EXPECT_EQ(absl::StatusCode::kPermissionDenied, status.code());
    EXPECT_NE(std::string::npos, status.message().find(remedy)) << status;
  }
}

TEST(Endpoint, ListensOnAnyFreePortAndSaysWhich) {
  for (const char* endpoint : {"127.0.0.1:0", "[::1]:0", "localhost:0"}) {
    const absl::StatusOr<int> fd = OpenListener(endpoint, false);
    ASSERT_TRUE(fd.ok()) << fd.status();
    const std::string address = LocalAddress(*fd);
    EXPECT_FALSE(address.ends_with(":0")) << address;
    close(*fd);
  }
}

TEST(Endpoint, AnAddressInUseIsNamedWithItsRemedy) {
  const absl::StatusOr<int> first = OpenListener("127.0.0.1:0", false);
  ASSERT_TRUE(first.ok());
  const absl::StatusOr<int> second = OpenListener(LocalAddress(*first), false);
  EXPECT_EQ(absl::StatusCode::kUnavailable, second.status().code());
  EXPECT_NE(std::string::npos, second.status().message().find(LocalAddress(*first)));
  EXPECT_NE(std::string::npos, second.status().message().find("another server"));
  close(*first);
}

TEST(Endpoint, WhatIsNoAddressIsRefused) {
  for (const char* endpoint : {"", "7653", "127.0.0.1", "127.0.0.1:port", "no such host:1"}) {
    EXPECT_EQ(absl::StatusCode::kInvalidArgument, OpenListener(endpoint, false).status().code())
        << endpoint;
  }
}

}  // namespace
}  // namespace solec
