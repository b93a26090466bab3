// What the generators' programs have in common besides the load itself. One thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "bench/run_report.h"

namespace solec {

// What a generator is told about itself and the server.
struct ProgramOptions {
  int cpu = -1;          // run on this one only
  pid_t server_pid = 0;  // 0: not known
  std::string json_file;
  std::string html_file;
};

// Pins the thread, and asks for wake-ups that are on time. kInvalidArgument if there is no such CPU
// or process.
absl::Status PrepareProgram(const ProgramOptions& options);

// Prints the report, writes the files, and says what was wrong. `status`: of the run.
// Returns the exit status of the program.
int FinishProgram(const char* program, const ProgramOptions& options, const absl::Status& status,
                  RunReport* report);

}  // namespace solec
