#include "tools/solec/cli.h"

int main(int argc, char** argv) {
  return solec::RunCommandLine(argc, argv);
}
