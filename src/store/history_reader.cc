#include "store/history_reader.h"

#include <algorithm>

#include "proto/frame.h"

namespace solec {

namespace {

// Each item of a page: its position, the size of its payload.
constexpr size_t kItemHeadSize = sizeof(uint64_t) + sizeof(uint32_t);

}  // namespace

StoreStatus HistoryReader::Read(HistoryPage* page) {
  switch (query_.kind) {
    case HistoryQuery::Kind::kChat:
      AddSource(StoreSpace::kChats, ChatBegin(query_.user, query_.with));
      break;
    case HistoryQuery::Kind::kChannel:
      AddSource(StoreSpace::kPosts, OwnerBegin(query_.with));
      break;
    case HistoryQuery::Kind::kEverything:
      AddSource(StoreSpace::kInbox, OwnerBegin(query_.user));
      for (const std::string& channel : query_.channels) {
        AddSource(StoreSpace::kPosts, OwnerBegin(channel));
      }
  }
  std::erase_if(sources_, [this](Source& source) { return !Begin(&source); });
  // The source whose next run comes first is at the front of a heap.
  const auto comes_later = [newest = query_.newest](const Source& a, const Source& b) {
    return newest ? a.next < b.next : a.next > b.next;
  };
  std::make_heap(sources_.begin(), sources_.end(), comes_later);
  while (status_ == StoreStatus::kDone && !sources_.empty()) {
    if (items_.size() >= query_.limit) {
      page->more = true;
      break;
    }
    std::pop_heap(sources_.begin(), sources_.end(), comes_later);
    if (!TakeRun(sources_.back())) {
      page->more = true;
      break;
    }
    if (Advance(&sources_.back())) {
      std::push_heap(sources_.begin(), sources_.end(), comes_later);
    } else {
      sources_.pop_back();
    }
  }
  if (status_ == StoreStatus::kDone) Fill(page);
  return status_;
}

void HistoryReader::AddSource(StoreSpace space, const StoreKey& begin) {
  const std::atomic<uint64_t>& cutoff =
      space == StoreSpace::kPosts ? engine_->cutoffs_->posts : engine_->cutoffs_->chats;
  sources_.push_back(
      {.space = space,
       .begin = std::string(begin.view()),
       .floor = std::max({query_.after, since_, cutoff.load(std::memory_order_acquire)})});
}

rocksdb::Iterator* HistoryReader::IteratorOf(StoreSpace space) {
  std::unique_ptr<rocksdb::Iterator>& iterator = iterators_[static_cast<size_t>(space)];
  if (iterator == nullptr) {
    iterator.reset((*engine_->database_)->NewIterator({}, engine_->database_->space(space)));
  }
  return iterator.get();
}

bool HistoryReader::Begin(Source* source) {
  if (source->floor == UINT64_MAX) return false;
  rocksdb::Iterator* const iterator = IteratorOf(source->space);
  std::string key = source->begin;
  key.resize(key.size() + kPositionSize);
  StoreBig<uint64_t>(reinterpret_cast<uint8_t*>(key.data() + source->begin.size()),
                     query_.newest ? UINT64_MAX : source->floor + 1);
  if (query_.newest) {
    iterator->SeekForPrev(key);
  } else {
    iterator->Seek(key);
  }
  return IsAtRun(source);
}

bool HistoryReader::Advance(Source* source) {
  // The iterator is where TakeRun left it.
  rocksdb::Iterator* const iterator = IteratorOf(source->space);
  if (query_.newest) {
    iterator->Prev();
  } else {
    iterator->Next();
  }
  return IsAtRun(source);
}

bool HistoryReader::IsAtRun(Source* source) {
  const rocksdb::Iterator* const iterator = IteratorOf(source->space);
  if (!iterator->Valid()) {
    if (!iterator->status().ok()) status_ = engine_->ReadFailed(iterator->status(), "a history");
    return false;
  }
  const std::string_view key = ToView(iterator->key());
  if (!key.starts_with(source->begin)) return false;
  if (key.size() != source->begin.size() + kPositionSize) {
    status_ = engine_->Damaged(source->space, key);
    return false;
  }
  source->next = *PositionOfKey(key);
  return source->next > source->floor;
}

bool HistoryReader::TakeRun(const Source& source) {
  rocksdb::Iterator* const iterator = IteratorOf(source.space);
  const StoreKey key = StoreKey().Text(source.begin).Number(source.next);
  if (!iterator->Valid() || ToView(iterator->key()) != key.view()) iterator->Seek(ToSlice(key));
  if (!iterator->Valid() || ToView(iterator->key()) != key.view()) {
    // It was there a moment ago, and an iterator sees one moment.
    status_ = iterator->status().ok() ? engine_->Damaged(source.space, key.view())
                                      : engine_->ReadFailed(iterator->status(), "a history");
    return true;
  }
  if (source.space != StoreSpace::kInbox) {
    const std::optional<RunValue> run = ParseRun(ToView(iterator->value()), &run_frames_);
    if (run && run->count <= source.next) return TakeFrames(run->frames, run->count, source);
    status_ = engine_->Damaged(source.space, key.view());
    return true;
  }
  const std::optional<InboxValue> entry = ParseInbox(ToView(iterator->value()));
  if (!entry || entry->count > source.next) {
    status_ = engine_->Damaged(source.space, key.view());
    return true;
  }
  if (entry->is_inline) return true;  // it is in another history already
  const StoreKey run_key = RunKey(ChatBegin(query_.user, entry->sender), source.next);
  run_value_.Reset();
  const rocksdb::Status read =
      (*engine_->database_)
          ->Get({}, engine_->database_->space(StoreSpace::kChats), ToSlice(run_key), &run_value_);
  if (read.IsNotFound() &&
      source.next <= engine_->cutoffs_->chats.load(std::memory_order_acquire)) {
    return true;  // retention took it meanwhile
  }
  if (!read.ok() && !read.IsNotFound()) {
    status_ = engine_->ReadFailed(read, "a history");
    return true;
  }
  const std::optional<RunValue> run =
      read.ok() ? ParseRun(ToView(run_value_), &run_frames_) : std::optional<RunValue>();
  if (run && run->count == entry->count) return TakeFrames(run->frames, run->count, source);
  status_ = engine_->Damaged(StoreSpace::kChats, run_key.view());
  return true;
}

bool HistoryReader::TakeFrames(Bytes frames, uint64_t count, const Source& source) {
  uint64_t position = source.next - count + 1;
  Frame frame;
  if (!query_.newest) {
    for (; TakeFrame(&frames, &frame); ++position) {
      if (position > source.floor && !TakeItem(position, frame.payload)) return false;
    }
    return true;
  }
  // Frames can be found from the front only.
  std::vector<Bytes> payloads;
  while (TakeFrame(&frames, &frame)) payloads.push_back(frame.payload);
  for (position = source.next; !payloads.empty() && position > source.floor; --position) {
    if (!TakeItem(position, payloads.back())) return false;
    payloads.pop_back();
  }
  return true;
}

bool HistoryReader::TakeItem(uint64_t position, Bytes payload) {
  if (!items_.empty() &&
      (items_.size() >= query_.limit || payloads_.size() + payload.size() > query_.bytes_max)) {
    return false;
  }
  items_.push_back({position, payloads_.size(), payload.size()});
  payloads_ += AsString(payload);
  return true;
}

void HistoryReader::Fill(HistoryPage* page) const {
  page->items.reserve(payloads_.size() + kItemHeadSize * items_.size());
  const auto append = [&](const Item& item) {
    uint8_t head[kItemHeadSize];
    StoreBig(head, item.position);
    StoreBig(head + sizeof(uint64_t), static_cast<uint32_t>(item.size));
    page->items += AsString(head);
    page->items.append(payloads_, item.offset, item.size);
  };
  if (query_.newest) {
    std::for_each(items_.rbegin(), items_.rend(), append);
  } else {
    std::for_each(items_.begin(), items_.end(), append);
  }
  page->count = static_cast<uint32_t>(items_.size());
  if (!items_.empty()) {
    page->last_position = query_.newest ? items_.front().position : items_.back().position;
  }
}

StoreStatus Engine::ReadHistory(const HistoryQuery& query, HistoryPage* page) {
  std::string account;
  uint64_t since = 0;
  const StoreStatus loaded = LoadAccount(query.user, &account, &since);
  if (loaded != StoreStatus::kDone) return loaded;
  return HistoryReader(this, query, since).Read(page);
}

}  // namespace solec
