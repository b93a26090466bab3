// Lines to the service address: any text is cut into lines that make up the text, a command's parts
// lie within its line, and each is answered by one line.

#include <string>

#include "chat/service.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

void CheckLine(std::string_view line) {
  const ServiceCommand command = ParseServiceLine(line);
  const auto lies_within = [&](std::string_view part) {
    return part.empty() ||
           (part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
  };
  SOLEC_ASSERT(lies_within(command.word) && lies_within(command.argument));
  SOLEC_ASSERT(command.word.find_first_of(" \t") == std::string_view::npos);
  if (command.kind != RequestKind::kUnknown) {
    SOLEC_ASSERT(command.argument.size() <= kAddressBytesMax);
    SOLEC_ASSERT(command.argument.find_first_of(" \t") == std::string_view::npos);
  }
  for (const ErrorCode code : {ErrorCode::kNone, ErrorCode::kNotFound, ErrorCode::kUnavailable}) {
    const std::string answer = ServiceAnswer(command, code);
    SOLEC_ASSERT(!answer.empty() && answer.size() <= 512 && answer.find('\n') == answer.npos);
  }
  if (command.kind != RequestKind::kUnknown) {
    SOLEC_ASSERT(ServiceListHead(command).size() <= kAddressBytesMax + 16);
  }
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace solec;
  const std::string text(AsString({data, size}));
  std::string_view rest = text;
  std::string joined;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    SOLEC_ASSERT(line.find('\n') == line.npos);
    joined.append(line);
    if (joined.size() < text.size()) joined += '\n';
    CheckLine(line);
  }
  SOLEC_ASSERT(joined == text);
  return 0;
}
