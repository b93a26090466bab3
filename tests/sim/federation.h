// One random run of two or three servers that talk to each other: users on each, contacts and
// channels across, links that are cut, servers that lose each other for a while, crash and return,
// a peer that lies. The seed is all there is: the same one gives the same run.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/ledger.h"
#include "sim/sim_world.h"

namespace solec {

class Federation {
 public:
  explicit Federation(uint64_t seed);

  // Runs it; what went wrong, one line each.
  std::vector<std::string> Run();

 private:
  static constexpr size_t kUsersPerServer = 3;
  static constexpr size_t kChannelsPerServer = 2;
  static constexpr size_t kSessionsOpenMax = 16;

  static constexpr std::string_view kLiar = "liar.example";
  static constexpr std::string_view kChanging = "#coming.and.going@a.example";

  static bool Expires(uint64_t seed) { return seed % 7 == 3; }
  // The network of some never breaks.
  static bool Calm(uint64_t seed) { return seed % 10 == 5; }
  static std::vector<SimServerOptions> ServersOf(uint64_t seed);
  static SimFaults FaultsOf(uint64_t seed);

  void SetUp();
  void MeetAll();
  void JoinAll();
  void Act();
  void LogIn(const std::string& user);
  void SendSome(size_t session);
  Letter ChooseLetter(size_t session);
  void Storm();
  void BreakNetwork();
  void CutLinks(std::pair<uint32_t, uint32_t> pair);
  void HealAll();
  void Cut(size_t session);
  void Crash();
  void Lie();
  void Ask(size_t session);
  void Reload();
  void NoteSuccess();
  void RunToQuiet();
  void LogInAll();
  void AskHistories(SessionRecord* record);
  void CheckSpools(std::vector<std::string>* wrong);
  void CheckLies(std::vector<std::string>* wrong);
  void DrainAll();

  size_t ServerOf(const std::string& address) const;
  std::string Address(const std::string& name, size_t server) {
    return name + "@" + world_.server(server).name();
  }
  bool IsUsable(size_t session) const;
  std::vector<size_t> Usable() const;

  const bool calm_;
  SimRandom random_;
  SimWorld world_;
  Ledger ledger_;
  std::vector<std::string> users_;     // full addresses
  std::vector<std::string> channels_;  // likewise
  // Pairs of sender and target that trust each other; and those of which only the sender does.
  std::set<std::pair<std::string, std::string>> contacts_, one_sided_;
  std::set<std::pair<uint32_t, uint32_t>> severed_;
  std::unique_ptr<SimSession> liar_;
  size_t liar_server_ = 0;
  uint64_t liar_stream_ = 0;
  uint64_t lies_ = 0;
};

}  // namespace solec
