// One page of a history, merged from all that it is made of: one chat, one channel, or a user's
// inbox and its channels. Private to src/store. It lives for one read, on the thread of that read.
//
// A source is a range of runs. Runs of different sources never overlap in their positions, so the
// next run is that of the source whose next key has the nearest position. However many sources
// there are, there is one iterator for each space: sources remember only where they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/engine.h"

namespace solec {

class HistoryReader {
 public:
  // `since`: what lies before was an older account's of that name.
  HistoryReader(Engine* engine, const HistoryQuery& query, uint64_t since)
      : engine_(engine), query_(query), since_(since) {}

  StoreStatus Read(HistoryPage* page);

 private:
  struct Source {
    StoreSpace space;
    std::string begin;  // what its keys begin with
    uint64_t floor;     // all up to there is not shown
    uint64_t next = 0;  // the position of its next run's key
  };

  struct Item {
    uint64_t position;
    size_t offset, size;  // of its payload in payloads_
  };

  void AddSource(StoreSpace space, const StoreKey& begin);
  rocksdb::Iterator* IteratorOf(StoreSpace space);
  // Finds the first run, or the one after that which was taken; false if there is none.
  bool Begin(Source* source);
  bool Advance(Source* source);
  bool IsAtRun(Source* source);
  // Takes what is wanted of the source's next run; false once the page is full.
  bool TakeRun(const Source& source);
  bool TakeFrames(Bytes frames, uint64_t count, const Source& source);
  bool TakeItem(uint64_t position, Bytes payload);
  void Fill(HistoryPage* page) const;

  Engine* const engine_;
  const HistoryQuery& query_;
  const uint64_t since_;
  StoreStatus status_ = StoreStatus::kDone;
  std::unique_ptr<rocksdb::Iterator> iterators_[kStoreSpaceCount];
  std::vector<Source> sources_;
  rocksdb::PinnableSlice run_value_;
  std::string run_frames_;  // of one run
  std::string payloads_;
  std::vector<Item> items_;  // in the order they were found
};

}  // namespace solec
