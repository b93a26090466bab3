#include "client/history_tail.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proto/constants.h"

namespace solec {
namespace {

// A history with messages at the given positions; counts how often it is asked.
class FakeHistory {
 public:
  explicit FakeHistory(std::vector<uint64_t> positions) : positions_(std::move(positions)) {}

  HistoryReader Reader(size_t page_max = kHistoryLimitMax) {
    return [this, page_max](uint64_t after,
                            uint16_t limit) -> absl::StatusOr<std::vector<HistoryEntry>> {
      ++requests_;
      EXPECT_GE(limit, 1u);
      EXPECT_LE(limit, kHistoryLimitMax);
      std::vector<HistoryEntry> page;
      auto next = std::upper_bound(positions_.begin(), positions_.end(), after);
      while (next != positions_.end() && page.size() < std::min<size_t>(limit, page_max)) {
        page.push_back({.position = *next++, .message = {}});
      }
      return page;
    };
  }

  int requests() const { return requests_; }

 private:
  std::vector<uint64_t> positions_;
  int requests_ = 0;
};

std::vector<uint64_t> Positions(const absl::StatusOr<std::vector<HistoryEntry>>& entries) {
  std::vector<uint64_t> positions;
  EXPECT_TRUE(entries.ok()) << entries.status();
  for (const HistoryEntry& entry : *entries) positions.push_back(entry.position);
  return positions;
}

std::vector<uint64_t> Spaced(size_t count, uint64_t first, uint64_t gap) {
  std::vector<uint64_t> positions;
  for (size_t i = 0; i < count; ++i) positions.push_back(first + i * gap);
  return positions;
}

std::vector<uint64_t> Last(const std::vector<uint64_t>& positions, size_t count) {
  return {positions.end() - static_cast<std::ptrdiff_t>(std::min(count, positions.size())),
          positions.end()};
}

TEST(HistoryTail, FindsTheNewestWhateverTheLengthAndTheGaps) {
  for (size_t length : {0, 1, 19, 20, 21, 79, 80, 81, 500, 5'000}) {
    for (uint64_t gap : {1, 7, 1'000'000}) {
      for (uint64_t first : {uint64_t{1}, uint64_t{1} << 40}) {
        const std::vector<uint64_t> positions = Spaced(length, first, gap);
        FakeHistory history(positions);
        EXPECT_EQ(Positions(ReadHistoryTail(history.Reader(), 20)), Last(positions, 20))
            << length << " messages from " << first << ", gap " << gap;
        EXPECT_LE(history.requests(), 160);
      }
    }
  }
}

TEST(HistoryTail, FindsABurstBehindAWideGap) {
  std::vector<uint64_t> positions = Spaced(1'000, 1, 1);
  for (uint64_t position : Spaced(30, uint64_t{1} << 50, 1)) positions.push_back(position);
  FakeHistory history(positions);
  EXPECT_EQ(Positions(ReadHistoryTail(history.Reader(), 20)), Last(positions, 20));
}

TEST(HistoryTail, WorksWhenTheServerGivesLessThanAskedFor) {
  const std::vector<uint64_t> positions = Spaced(1'000, 5, 3);
  FakeHistory history(positions);
  EXPECT_EQ(Positions(ReadHistoryTail(history.Reader(/*page_max=*/7), 20)), Last(positions, 20));
}

TEST(HistoryTail, TakesMoreThanOneRequestHolds) {
  const std::vector<uint64_t> positions = Spaced(9'000, 1, 2);
  FakeHistory history(positions);
  EXPECT_EQ(Positions(ReadHistoryTail(history.Reader(), 1'500)), Last(positions, 1'500));
}

TEST(HistoryTail, PassesOnTheFirstError) {
  const HistoryReader broken = [](uint64_t, uint16_t) {
    return absl::StatusOr<std::vector<HistoryEntry>>(absl::NotFoundError("no such chat"));
  };
  EXPECT_TRUE(absl::IsNotFound(ReadHistoryTail(broken, 20).status()));
}

TEST(HistoryTail, EndsWithAServerThatDoesNotMoveForward) {
  const HistoryReader stuck = [](uint64_t, uint16_t) {
    return absl::StatusOr<std::vector<HistoryEntry>>(
        std::vector<HistoryEntry>{{.position = 1, .message = {}}});
  };
  EXPECT_EQ(Positions(ReadHistoryTail(stuck, 20)), std::vector<uint64_t>{1});
}

TEST(HistoryAfter, StopsAtTheCountAndAtTheEnd) {
  FakeHistory history(Spaced(2'500, 1, 1));
  EXPECT_EQ(Positions(ReadHistoryAfter(history.Reader(), 10, 3)),
            (std::vector<uint64_t>{11, 12, 13}));
  EXPECT_EQ(Positions(ReadHistoryAfter(history.Reader(), 2'498, 10)),
            (std::vector<uint64_t>{2'499, 2'500}));
  EXPECT_EQ(Positions(ReadHistoryAfter(history.Reader(), 0, 2'200)).size(), 2'200u);
}

}  // namespace
}  // namespace solec
