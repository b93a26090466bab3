#include "tools/solec/decode_verb.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/statusor.h"
#include "proto/describe.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/hex.h"
#include "tools/solec/word_shield.h"

namespace solec {
namespace {

constexpr size_t kInputBytesMax = size_t{256} << 20;

struct DecodeOptions {
  std::vector<std::string> words;  // hex in one or several words, or a file; see word_shield.h
  bool json = false;
  bool raw = false;
  bool table = false;
};

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

bool IsFile(const std::string& name) {
  struct stat found {};
  return stat(name.c_str(), &found) == 0 && !S_ISDIR(found.st_mode);
}

absl::StatusOr<std::string> ReadAll(const std::string& name) {
  const std::unique_ptr<std::FILE, CloseFile> file(name == "-" ? stdin
                                                               : std::fopen(name.c_str(), "rbe"));
  if (!file) {
    return absl::InvalidArgumentError("cannot read " + name + ": " + std::strerror(errno));
  }
  std::string content;
  char buffer[64 * 1024];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), file.get())) {
    if (content.size() + count > kInputBytesMax) {
      return absl::ResourceExhaustedError(name + " holds more than " +
                                          std::to_string(kInputBytesMax) + " bytes");
    }
    content.append(buffer, count);
  }
  if (std::ferror(file.get()) != 0) {
    return absl::InvalidArgumentError("cannot read " + name + ": " + std::strerror(errno));
  }
  return content;
}

// The bytes that are meant: a file's (or standard input's), which may itself be hex, or the words
// as hex.
absl::StatusOr<std::string> FindBytes(const DecodeOptions& options) {
  const std::vector<std::string>& words = options.words;
  if (words.size() <= 1) {
    const std::string name = words.empty() ? "-" : UnshieldWord(words[0]);
    if (name == "-" || IsFile(name)) {
      absl::StatusOr<std::string> content = ReadAll(name);
      if (!content.ok() || options.raw) return content;
      // Frames are never all hex digits: their lengths would have to be, too.
      std::optional<std::string> bytes = BytesOfHex(*content);
      return bytes ? *std::move(bytes) : content;
    }
  }
  std::string hex;
  for (const std::string& word : words) hex += word + ' ';
  std::optional<std::string> bytes = BytesOfHex(hex);
  if (bytes) return *std::move(bytes);
  hex.pop_back();
  return absl::InvalidArgumentError("'" + hex +
                                    "' is neither a file nor hex; write for example 02000102");
}

int RunDecode(const DecodeOptions& options) {
  if (options.table) {
    std::printf("%s", PayloadTableMarkdown().c_str());
    return kExitDone;
  }
  const absl::StatusOr<std::string> bytes = FindBytes(options);
  if (!bytes.ok()) return ReportFailure(bytes.status());
  std::printf("%s", DescribeStream(AsBytes(*bytes), options.json).c_str());
  return kExitDone;
}

}  // namespace

void AddDecodeVerb(CLI::App* app, Verb* chosen) {
  AddVerb<DecodeOptions>(
      app, chosen, "decode", "Print any bytes of the protocol in a readable form",
      [](CLI::App* verb, DecodeOptions* options) {
        verb->add_option("HEX|FILE", options->words,
                         "Hex, with or without blanks; or a file, of bytes or of hex [standard "
                         "input]")
            ->type_name("");
        verb->add_flag("--json", options->json, "One JSON object per frame");
        verb->add_flag("--raw", options->raw, "The file holds bytes, even if they look like hex");
        verb->add_flag("--table", options->table, "Print the table of all payloads, as Markdown");
      },
      RunDecode);
}

}  // namespace solec
