// Random runs of the whole server. SOLEC_SIM_SEED=n repeats one, SOLEC_SIM_SEEDS=n runs as many.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "sim/federation.h"
#include "sim/scenario.h"

namespace solec {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 100;
#else
constexpr uint64_t kSeeds = 1'000;
#endif

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <class Run>
void RunSeed(uint64_t seed) {
  const std::vector<std::string> wrong = Run(seed).Run();
  if (wrong.empty()) return;
  std::string text;
  for (size_t i = 0; i < wrong.size() && i < 10; ++i) text += "  " + wrong[i] + "\n";
  if (wrong.size() > 10) {
    text +=
        "  and " + std::to_string(wrong.size() - 10) + " more, the last: " + wrong.back() + "\n";
  }
  ADD_FAILURE() << "seed " << seed << ":\n"
                << text << "repeat it with: SOLEC_SIM_SEED=" << seed << " sim_tests";
}

template <class Run>
void RunSeeds(uint64_t count) {
  if (std::getenv("SOLEC_SIM_SEED") != nullptr) {
    return RunSeed<Run>(NumberFrom("SOLEC_SIM_SEED", 1));
  }
  const uint64_t seeds = NumberFrom("SOLEC_SIM_SEEDS", count);
  for (uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    RunSeed<Run>(seed);
  }
}

TEST(Simulation, KeepsEveryPromiseOfTheProtocol) { RunSeeds<Scenario>(kSeeds); }

TEST(Simulation, KeepsThemBetweenServers) { RunSeeds<Federation>(kSeeds / 5); }

}  // namespace
}  // namespace solec
