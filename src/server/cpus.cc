#include "server/cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace solec {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The smallest quota of this process's cgroup and all above it; 0: none.
unsigned CgroupQuota() {
  std::istringstream lines(ReadFile("/proc/self/cgroup"));
  std::string line;
  while (std::getline(lines, line) && !line.starts_with("0::")) {
  }
  std::string path = line.starts_with("0::") ? line.substr(3) : "/";
  unsigned quota = 0;
  for (;;) {
    if (path == "/") path.clear();
    const unsigned here = ParseCpuMax(ReadFile("/sys/fs/cgroup" + path + "/cpu.max"));
    if (here != 0) quota = quota == 0 ? here : std::min(quota, here);
    if (path.empty()) return quota;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

}  // namespace

std::string CpuText(const std::vector<int>& cpus) {
  std::string text = "cpus ";
  for (size_t i = 0; i < cpus.size(); ++i) {
    if (i != 0) text += ',';
    text += cpus[i] < 0 ? "any" : std::to_string(cpus[i]);
  }
  return text;
}

unsigned ParseCpuMax(std::string_view text) {
  std::istringstream words{std::string(text)};
  unsigned long quota = 0, period = 0;
  if (!(words >> quota >> period) || period == 0) return 0;
  return static_cast<unsigned>((quota + period - 1) / period);
}

std::vector<int> UsableCpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(-1);
  const unsigned quota = CgroupQuota();
  if (quota != 0 && quota < cpus.size()) cpus.resize(quota);
  return cpus;
}

}  // namespace solec
