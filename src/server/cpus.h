// Which CPUs this process may use: its affinity, cut down to what its cgroup's quota pays for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace solec {

// Never empty. A quota of 1.5 CPUs counts as 2.
std::vector<int> UsableCpus();

// "cpus 0,1"; those that are not pinned (-1) as "any".
std::string CpuText(const std::vector<int>& cpus);

// "max 100000", "150000 100000": cgroup v2's cpu.max, as a number of CPUs rounded up; 0: no quota.
// https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
unsigned ParseCpuMax(std::string_view text);

}  // namespace solec
