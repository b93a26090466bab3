// The whole command line of solec.
#pragma once

namespace solec {

// Parses the arguments and carries the verb out; returns the exit code.
int RunCommandLine(int argc, char** argv);

}  // namespace solec
