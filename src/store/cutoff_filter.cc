#include "store/cutoff_filter.h"

namespace solec {

namespace {

// Of one compaction: everything it sees is judged by one cutoff.
class CutoffFilter final : public rocksdb::CompactionFilter {
 public:
  explicit CutoffFilter(uint64_t cutoff) : cutoff_(cutoff) {}
  const char* Name() const override { return "solec.cutoff"; }
  Decision FilterV2(int, const rocksdb::Slice& key, ValueType, const rocksdb::Slice&, std::string*,
                    std::string*) const override {
    const std::optional<uint64_t> position = PositionOfKey({key.data(), key.size()});
    return position && *position <= cutoff_ ? Decision::kRemove : Decision::kKeep;
  }

 private:
  const uint64_t cutoff_;
};

class CutoffFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  CutoffFilterFactory(bool posts, std::shared_ptr<const Cutoffs> cutoffs)
      : posts_(posts), cutoffs_(std::move(cutoffs)) {}
  const char* Name() const override { return "solec.cutoff"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    const uint64_t cutoff = (posts_ ? cutoffs_->posts : cutoffs_->chats).load();
    if (cutoff == 0) return nullptr;  // nothing was taken away
    return std::make_unique<CutoffFilter>(cutoff);
  }

 private:
  const bool posts_;
  const std::shared_ptr<const Cutoffs> cutoffs_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> MakeCutoffFilter(
    StoreSpace space, std::shared_ptr<const Cutoffs> cutoffs) {
  const bool posts = space == StoreSpace::kPosts;
  if (cutoffs == nullptr ||
      (!posts && space != StoreSpace::kChats && space != StoreSpace::kInbox)) {
    return nullptr;
  }
  return std::make_shared<CutoffFilterFactory>(posts, std::move(cutoffs));
}

}  // namespace solec
