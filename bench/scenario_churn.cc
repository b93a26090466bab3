// churn: direct, while connections close and come back. A pair is quiet before one of its two
// connections closes (what a closing socket still had to read is nobody's loss), and goes on with
// the next number when it is back; all other pairs send meanwhile.
#include <random>

#include "bench/pairs.h"
#include "bench/scenarios.h"
#include "bench/steady_clock.h"
#include "bench/traffic_run.h"

namespace solec {
namespace {

class Churn {
 public:
  Churn(const BenchOptions& options, ClientPool* pool, Traffic* traffic)
      : pool_(pool),
        traffic_(traffic),
        random_(options.traffic.seed),
        gap_ns_(static_cast<uint64_t>(1e9 / (options.churn_share * pool->size()))),
        leaving_(pool->size() / 2, kNobody) {
    traffic->on_closed = [this](uint32_t client) { pool_->Start(client); };
    traffic->on_open = [this](uint32_t client) { OnBack(client); };
  }

  uint64_t Turn(uint64_t now_ns) {
    if (next_ns_ == 0) next_ns_ = now_ns + gap_ns_;
    for (; next_ns_ <= now_ns; next_ns_ += gap_ns_) Pick();
    CloseQuiet();
    return next_ns_;
  }

  uint64_t came_back() const { return came_back_; }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kAway = UINT32_MAX - 1;

  void Pick() {
    const auto client = static_cast<uint32_t>(random_() % pool_->size());
    const uint32_t pair = client / 2;
    if (leaving_[pair] != kNobody) return;  // this pair is at it already
    leaving_[pair] = client;
    traffic_->SetPaused(pair, true);
    waiting_.push_back(pair);
  }

  void CloseQuiet() {
    std::erase_if(waiting_, [this](uint32_t pair) {
      if (!traffic_->IsQuiet(pair) || !traffic_->HasAnswered(2 * pair + 1)) return false;
      const uint32_t client = std::exchange(leaving_[pair], kAway);
      if (client % 2 == 0) traffic_->BeginSession(pair);
      pool_->Close(client);
      return true;
    });
  }

  void OnBack(uint32_t client) {
    const uint32_t pair = client / 2;
    leaving_[pair] = kNobody;
    traffic_->SetPaused(pair, false);
    ++came_back_;
  }

  ClientPool* pool_;
  Traffic* traffic_;
  std::mt19937_64 random_;
  const uint64_t gap_ns_;
  uint64_t next_ns_ = 0;
  std::vector<uint32_t> leaving_;  // by pair: the client that is to close, or kAway
  std::vector<uint32_t> waiting_;  // pairs that are not quiet yet
  uint64_t came_back_ = 0;
};

}  // namespace

absl::Status RunChurn(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  AddPairs(options, pool);
  if (absl::Status status = pool->OpenAll(); !status.ok()) return status;
  Traffic traffic(pool, options.traffic);
  AddPairRoutes(options, *pool, &traffic);
  Churn churn(options, pool, &traffic);
  TrafficResult result(options.program.server_pid);
  const TurnHook hook = [&churn](uint64_t now_ns) { return churn.Turn(now_ns); };
  const absl::Status status = RunTraffic(options, pool, &traffic, hook, &result);
  AddTrafficFigures(options, result, "", report);
  report->Add("came_back", "connections closed and opened again",
              static_cast<double>(churn.came_back()));
  return status;
}

}  // namespace solec
