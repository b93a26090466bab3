// docs/protocol.md holds the table of all payloads between two markers; it is generated.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "proto/describe.h"

namespace solec {
namespace {

constexpr std::string_view kPath = SOLEC_SOURCE_DIR "/docs/protocol.md";
constexpr std::string_view kBegin = "<!-- payloads: generated, do not edit -->\n";
constexpr std::string_view kEnd = "<!-- payloads: end -->\n";

// With SOLEC_UPDATE_DOCS set the table is written; the test then sees that it is there.
TEST(ProtocolDocument, HoldsTheTableOfPayloadsAsTheCodeHasIt) {
  std::stringstream content;
  content << std::ifstream(std::string(kPath)).rdbuf();
  std::string text = content.str();
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kPath << " lacks the line " << kBegin;
  ASSERT_NE(end, std::string::npos) << kPath << " lacks the line " << kEnd;
  const size_t table_at = begin + kBegin.size();
  ASSERT_LE(table_at, end);
  if (std::getenv("SOLEC_UPDATE_DOCS") != nullptr) {
    text.replace(table_at, end - table_at, PayloadTableMarkdown());
    std::ofstream(std::string(kPath)) << text;
    return;
  }
  EXPECT_EQ(text.substr(table_at, end - table_at), PayloadTableMarkdown())
      << "to write the table anew: SOLEC_UPDATE_DOCS=1 "
         ".build/release/tests/unit/unit_tests --gtest_filter=ProtocolDocument.*";
}

}  // namespace
}  // namespace solec
