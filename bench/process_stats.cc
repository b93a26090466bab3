#include "bench/process_stats.h"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace solec {

absl::StatusOr<ProcessStats> ReadProcessStats(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream file(folder + "/stat");
  std::string text;
  if (!std::getline(file, text)) {
    return absl::NotFoundError("there is no process " + std::to_string(pid));
  }
  // The second field is the program's name in brackets, and may hold spaces and brackets.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  uint64_t pages = 0;
  std::ifstream(folder + "/statm") >> pages >> pages;  // the second is the resident set
  return ProcessStats{(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)),
                      pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))};
}

double OwnCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

uint64_t KernelSlabBytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  uint64_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    if (key == "Slab:") return kilobytes * 1024;
    file.ignore(1024, '\n');
  }
  return 0;
}

}  // namespace solec
