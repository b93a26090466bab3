// One random run: a server and clients that do, in an order and at times that the seed chooses,
// what clients do, good and bad. The seed is all there is: the same one gives the same run.
#pragma once

#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/sim_world.h"

namespace solec {

class Scenario {
 public:
  explicit Scenario(uint64_t seed);

  // Runs it; what went wrong, one line each.
  std::vector<std::string> Run();

 private:
  static SimOptions OptionsOf(uint64_t seed);
  static constexpr size_t kUsers = 6;
  static constexpr size_t kSessionsOpenMax = 14;

  void SetUp();
  void Act();
  void LogIn();
  void SendSome(size_t session);
  Letter ChooseLetter(size_t session);
  void Ask(size_t session);
  void BreakRule(size_t session);
  void Cut(size_t session);
  void Crash();
  void AskHistories(SessionRecord* record);
  void NoteSuccess();
  void RunToQuiet();
  void LogInAll();
  void DrainAll();

  bool IsUsable(size_t session) const;
  static std::string UserName(uint64_t i) { return "u" + std::to_string(i); }
  static std::string Full(const std::string& name) { return name + "@a.example"; }
  std::vector<size_t> Usable() const;

  SimRandom random_;
  SimWorld world_;
  Ledger ledger_;
  // Full addresses.
  std::set<std::pair<std::string, std::string>> contacts_;   // that stay, both ways
  std::set<std::pair<std::string, std::string>> unsettled_;  // that change during the run
};

}  // namespace solec
