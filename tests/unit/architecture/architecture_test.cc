// What the folders of src/ may include, and what every file looks like: rules that no compiler
// keeps.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace solec {
namespace {

namespace fs = std::filesystem;

// The folders that a folder of src/ may include, itself left out. docs/architecture.md draws it;
// docs/decisions/0018-include-arrows.md says where and why it differs from the first design.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"proto", {"base"}},
    {"io", {"base"}},
    {"net", {"base", "proto", "io"}},
    {"chat", {"base", "proto"}},
    {"link", {"base", "proto"}},
    {"store", {"base", "proto"}},
    {"config", {"base"}},
    {"client", {"base", "proto"}},
    {"shard", {"base", "proto", "io", "net", "chat", "link", "store"}},
    {"admin", {"base", "io", "config", "link", "shard"}},
    {"server", {"base", "config", "io", "link", "net", "store", "shard", "admin"}},
};

// Libraries that only these folders know: what belongs to the edges stays there.
const std::map<std::string, std::set<std::string>> kLibraryBelongsTo = {
    {"liburing.h", {"io"}},
    {"sodium.h", {"store"}},
    {"toml++", {"config"}},
    {"httplib.h", {"admin"}},
    {"nlohmann", {"admin", "server"}},
    {"spdlog", {"server"}},
    {"rocksdb", {"store"}},
    {"CLI", {"server"}},
    {"openssl", {"client", "net"}},
};

struct SourceFile {
  std::string path;  // from the project's root
  std::vector<std::string> lines;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_cpp() const { return is_header() || path.ends_with(".cc"); }
};

const std::vector<SourceFile>& Files() {
  static const std::vector<SourceFile> kFiles = [] {
    std::vector<SourceFile> files;
    const fs::path root = SOLEC_SOURCE_DIR;
    for (const char* folder : {"src", "tools", "tests", "bench"}) {
      for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
        SourceFile file{fs::relative(entry.path(), root).string(), {}};
        if (!entry.is_regular_file() || !file.is_cpp()) continue;
        std::ifstream stream(entry.path());
        for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
        files.push_back(std::move(file));
      }
    }
    std::ranges::sort(files, {}, &SourceFile::path);
    return files;
  }();
  return kFiles;
}

// "base" of src/base/pool.h; "" for what is not below src/.
std::string FolderOf(const std::string& path) {
  if (!path.starts_with("src/")) return "";
  return path.substr(4, path.find('/', 4) - 4);
}

// What the line includes, and whether in quotes; "" if it includes nothing.
std::string IncludeOf(const std::string& line, bool* quoted) {
  if (!line.starts_with("#include ")) return "";
  *quoted = line.size() > 9 && line[9] == '"';
  const size_t end = line.find_first_of("\">", 10);
  return line.substr(10, end - 10);
}

TEST(Architecture, SourcesAreFound) {
  EXPECT_GT(Files().size(), 100u);
  std::set<std::string> folders;
  for (const SourceFile& file : Files()) folders.insert(FolderOf(file.path));
  for (const char* folder : {"base", "proto", "chat", "shard", "server"}) {
    EXPECT_TRUE(folders.contains(folder)) << folder;
  }
}

TEST(Architecture, EveryFolderHasItsPlaceInTheTable) {
  for (const SourceFile& file : Files()) {
    const std::string folder = FolderOf(file.path);
    EXPECT_TRUE(folder.empty() || kMayInclude.contains(folder)) << file.path;
  }
}

TEST(Architecture, FoldersIncludeOnlyWhatTheyMay) {
  for (const SourceFile& file : Files()) {
    const std::string folder = FolderOf(file.path);
    if (!kMayInclude.contains(folder)) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool quoted = false;
      const std::string include = IncludeOf(file.lines[i], &quoted);
      const std::string included = include.substr(0, include.find('/'));
      if (!quoted || included == folder || !kMayInclude.contains(included)) continue;
      EXPECT_TRUE(kMayInclude.at(folder).contains(included))
          << file.path << ":" << i + 1 << ": " << folder << "/ may not include " << include;
    }
  }
}

TEST(Architecture, NobodyBelowSrcIncludesTestsToolsOrABench) {
  for (const SourceFile& file : Files()) {
    if (FolderOf(file.path).empty()) continue;
    for (const std::string& line : file.lines) {
      bool quoted = false;
      const std::string include = IncludeOf(line, &quoted);
      for (const char* folder : {"tests/", "tools/", "bench/", "src/", "../"}) {
        EXPECT_FALSE(include.starts_with(folder)) << file.path << ": " << line;
      }
    }
  }
}

TEST(Architecture, LibrariesOfTheEdgesStayThere) {
  for (const SourceFile& file : Files()) {
    const std::string folder = FolderOf(file.path);
    if (folder.empty()) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool quoted = false;
      const std::string include = IncludeOf(file.lines[i], &quoted);
      for (const auto& [library, folders] : kLibraryBelongsTo) {
        if (include != library && !include.starts_with(library + "/")) continue;
        EXPECT_TRUE(folders.contains(folder)) << file.path << ":" << i + 1 << ": " << include;
      }
    }
  }
}

// No I/O, no clock, no threads: what these folders decide depends on their arguments alone.
TEST(Architecture, ThePureFoldersAskTheSystemForNothing) {
  for (const SourceFile& file : Files()) {
    const std::string folder = FolderOf(file.path);
    const std::set<std::string> pure = {"base", "proto", "chat", "link"};
    if (!pure.contains(folder)) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool quoted = false;
      const std::string include = IncludeOf(file.lines[i], &quoted);
      for (const char* header : {"sys/", "netinet/", "unistd.h", "poll.h", "netdb.h", "fcntl.h",
                                 "fstream", "iostream", "chrono", "ctime", "thread", "mutex"}) {
        EXPECT_FALSE(include.starts_with(header)) << file.path << ":" << i + 1 << ": " << include;
      }
    }
  }
}

TEST(Architecture, TheKernelsRingHeaderComesByLiburingOnly) {
  for (const SourceFile& file : Files()) {
    for (const std::string& line : file.lines) {
      EXPECT_FALSE(line.starts_with("#include <linux/io_uring")) << file.path;
    }
  }
}

TEST(Architecture, HeadersBeginWithWhatTheyAreAndPragmaOnce) {
  for (const SourceFile& file : Files()) {
    if (!file.is_header()) continue;
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_TRUE(file.lines[0].starts_with("// ")) << file.path << " does not say what it is";
    const auto code = std::ranges::find_if(file.lines, [](const std::string& line) {
      return !line.empty() && !line.starts_with("//");
    });
    ASSERT_NE(code, file.lines.end()) << file.path;
    EXPECT_EQ(*code, "#pragma once") << file.path;
  }
}

size_t ColumnsOf(const std::string& line) {
  return static_cast<size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What ends the raw string that begins in `line`, `)"` or `)html"`; "" if none does.
std::string EndOfRawString(const std::string& line) {
  const size_t begin = line.find("R\"");
  if (begin == std::string::npos) return "";
  const size_t open = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz", begin + 2);
  if (open == std::string::npos || line[open] != '(') return "";
  return ")" + line.substr(begin + 2, open - begin - 2) + "\"";
}

// The text of a raw string is another language's.
TEST(Architecture, NoLineIsLongerThan100ColumnsNorEndsInBlanks) {
  for (const SourceFile& file : Files()) {
    std::string raw_end;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (raw_end.empty()) {
        EXPECT_LE(ColumnsOf(line), 100u) << file.path << ":" << i + 1;
        EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\r'))
            << file.path << ":" << i + 1 << ": ends in blanks";
        EXPECT_EQ(line.find('\t'), std::string::npos) << file.path << ":" << i + 1 << ": a tab";
        raw_end = EndOfRawString(line);
      }
      if (!raw_end.empty() && line.find(raw_end) != std::string::npos) raw_end.clear();
    }
  }
}

TEST(Architecture, NoSourceFileIsTwoFiles) {
  constexpr size_t kLinesMax = 800;
  for (const SourceFile& file : Files()) EXPECT_LE(file.lines.size(), kLinesMax) << file.path;
}

TEST(Architecture, TestsDoNotSleep) {
  for (const SourceFile& file : Files()) {
    if (!file.path.starts_with("tests/") || file.path.ends_with("architecture_test.cc")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      for (const char* call : {"sleep_for", "sleep_until", "usleep(", "nanosleep("}) {
        EXPECT_EQ(file.lines[i].find(call), std::string::npos) << file.path << ":" << i + 1;
      }
    }
  }
}

}  // namespace
}  // namespace solec
