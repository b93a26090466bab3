#include "store/committed_mark.h"

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace solec {

namespace {

constexpr size_t kTextSize = 21;

std::string TextOf(uint64_t sequence) {
  char text[kTextSize + 1];
  std::snprintf(text, sizeof(text), "%020llu\n", static_cast<unsigned long long>(sequence));
  return std::string(text, kTextSize);
}

}  // namespace

absl::StatusOr<std::optional<uint64_t>> CommittedMark::Read(rocksdb::Env* env,
                                                            const std::string& folder) {
  const std::string name = FileIn(folder);
  if (!env->FileExists(name).ok()) return std::nullopt;
  std::string text;
  const rocksdb::Status read = rocksdb::ReadFileToString(env, name, &text);
  uint64_t sequence = 0;
  if (!read.ok() || text.size() != kTextSize || text.back() != '\n' ||
      !absl::SimpleAtoi(absl::string_view(text.data(), kTextSize - 1), &sequence)) {
    return absl::DataLossError(
        absl::StrCat(name, " cannot be read, or is not what the store wrote: ", read.ToString(),
                     "; run solec store check, and if that finds nothing remove the file"));
  }
  return sequence;
}

absl::StatusOr<std::unique_ptr<CommittedMark>> CommittedMark::Open(rocksdb::Env* env,
                                                                   const std::string& folder,
                                                                   uint64_t sequence) {
  const std::string name = FileIn(folder);
  rocksdb::Status status;
  if (!env->FileExists(name).ok()) {
    status = rocksdb::WriteStringToFile(env, TextOf(sequence), name, /*should_sync=*/true);
  }
  std::unique_ptr<rocksdb::RandomRWFile> file;
  if (status.ok()) status = env->NewRandomRWFile(name, &file, rocksdb::EnvOptions());
  if (!status.ok()) {
    return absl::UnavailableError(
        absl::StrCat(name, " cannot be opened for writing: ", status.ToString()));
  }
  std::unique_ptr<CommittedMark> mark(new CommittedMark(std::move(file)));
  mark->Write(sequence);
  return mark;
}

void CommittedMark::Write(uint64_t sequence) {
  file_->Write(0, TextOf(sequence)).PermitUncheckedError();
}

}  // namespace solec
