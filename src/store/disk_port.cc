#include "store/disk_port.h"

#include <cstring>

#include "store/record_links.h"

namespace solec {

namespace {

// Copies the parts of a record behind one another.
uint8_t* Append(uint8_t* at, const void* from, size_t size) {
  if (size != 0) std::memcpy(at, from, size);
  return at + size;
}

}  // namespace

DiskPort::~DiskPort() {
  for (const std::string& record : overflow_) {
    RecordHead head;
    std::memcpy(&head, record.data(), sizeof(head));
    delete head.request;
    delete head.large;
  }
}

// --- requests ---

StoreRequest* DiskPort::NewRequest(StoreRequestKind kind, std::string_view name, StoreDone done) {
  auto* request = new StoreRequest;
  request->kind = kind;
  request->shard = shard_;
  request->name = name;
  request->done = std::move(done);
  ++under_way_;
  return request;
}

void DiskPort::ToWriter(StoreRequest* request) {
  RecordHead head;
  head.kind = RecordHead::Kind::kRequest;
  head.request = request;
  if (request->is_urgent()) urgent_ = true;
  Write(head, {});
}

void DiskPort::ToReader(StoreRequest* request) {
  shared_->to_reader.Add(request);
  reads_ = true;
}

void DiskPort::LoadUser(std::string_view name, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kLoadUser, name, std::move(done)));
}

void DiskPort::AddUser(std::string_view name, std::string_view password_hash, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kAddUser, name, std::move(done));
  request->text = password_hash;
  ToWriter(request);
}

void DiskPort::SetPassword(std::string_view name, std::string_view hash, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kSetPassword, name, std::move(done));
  request->text = hash;
  ToWriter(request);
}

void DiskPort::RemoveUser(std::string_view name, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kRemoveUser, name, std::move(done)));
}

void DiskPort::PutContact(std::string_view user, std::string_view address, bool agreed,
                          StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kPutContact, user, std::move(done));
  request->text = address;
  request->agreed = agreed;
  ToWriter(request);
}

void DiskPort::RemoveContact(std::string_view user, std::string_view address, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kRemoveContact, user, std::move(done));
  request->text = address;
  ToWriter(request);
}

void DiskPort::PutJoined(std::string_view user, std::string_view channel, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kPutJoined, user, std::move(done));
  request->text = channel;
  ToWriter(request);
}

void DiskPort::RemoveJoined(std::string_view user, std::string_view channel, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kRemoveJoined, user, std::move(done));
  request->text = channel;
  ToWriter(request);
}

void DiskPort::ListUsers(std::string_view after, size_t limit, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kListUsers, after, std::move(done));
  request->limit = limit;
  ToWriter(request);
}

void DiskPort::LoadChannel(std::string_view channel, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kLoadChannel, channel, std::move(done)));
}

void DiskPort::AddChannel(std::string_view channel, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kAddChannel, channel, std::move(done)));
}

void DiskPort::RemoveChannel(std::string_view channel, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kRemoveChannel, channel, std::move(done)));
}

void DiskPort::PutMember(std::string_view channel, std::string_view address, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kPutMember, channel, std::move(done));
  request->text = address;
  ToWriter(request);
}

void DiskPort::RemoveMember(std::string_view channel, std::string_view address, StoreDone done) {
  StoreRequest* const request =
      NewRequest(StoreRequestKind::kRemoveMember, channel, std::move(done));
  request->text = address;
  ToWriter(request);
}

void DiskPort::ListChannels(std::string_view after, size_t limit, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kListChannels, after, std::move(done));
  request->limit = limit;
  ToWriter(request);
}

void DiskPort::SetDelivered(std::string_view user, InboxMark mark, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kSetDelivered, user, std::move(done));
  request->mark = mark;
  ToWriter(request);
}

void DiskPort::ReadWaiting(std::string_view user, uint64_t after, size_t bytes_max,
                           StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kReadWaiting, user, std::move(done));
  request->after = after;
  request->limit = bytes_max;
  ToReader(request);
}

void DiskPort::ReadHistory(const HistoryQuery& query, StoreDone done) {
  StoreRequest* const request =
      NewRequest(StoreRequestKind::kReadHistory, query.user, std::move(done));
  request->query = query;
  ToReader(request);
}

// --- messages ---

void DiskPort::KeepDirect(const DirectMessages& messages, const KeepTicket& ticket) {
  if (ticket.number != 0) urgent_ = true;
  RecordHead head;
  head.kind = RecordHead::Kind::kDirect;
  head.waiting_only = messages.waiting_only;
  head.ticket = ticket;
  head.delivered = messages.delivered;
  head.bytes = messages.bytes;
  const Parts parts{messages.user, messages.sender, messages.peer, messages.first, messages.second};
  if (GrowLast(head, parts)) return;
  ++under_way_;
  Write(head, parts);
}

void DiskPort::KeepChannel(std::string_view channel, Bytes frames,
                           std::span<const std::string_view> peers,
                           std::span<const ReceivedMessages> received, const KeepTicket& ticket) {
  if (ticket.number != 0 || !peers.empty() || !received.empty()) urgent_ = true;
  RecordHead head;
  head.kind = RecordHead::Kind::kChannel;
  head.ticket = ticket;
  PackLinks(peers, received, &links_);
  ++under_way_;
  Write(head, {channel, {}, links_, frames, {}});
}

// Messages that go on where the last record ends are one run with it: one row in the end, and one
// ticket.
bool DiskPort::GrowLast(const RecordHead& head, const Parts& parts) {
  if (last_ == nullptr || last_->kind != head.kind) return false;
  KeepTicket& before = last_->ticket;
  const KeepTicket& ticket = head.ticket;
  const char* const owner = reinterpret_cast<const char*>(last_ + 1);
  const std::string_view last_owner(owner, last_->owner_size);
  const std::string_view last_sender(owner + last_owner.size(), last_->sender_size);
  const std::string_view last_links(last_sender.data() + last_sender.size(), last_->links_size);
  const uint64_t next_number = before.number == 0 ? 0 : before.number + before.count;
  // Ordinals are an inbox's; what goes elsewhere has none.
  const bool to_inbox = head.kind == RecordHead::Kind::kDirect;
  const uint64_t next_ordinal = before.ordinal + (to_inbox ? ticket.count : 0);
  const size_t more = parts.first.size() + parts.second.size();
  if (parts.owner != last_owner || parts.sender != last_sender || parts.links != last_links ||
      head.waiting_only != last_->waiting_only || ticket.kind != before.kind ||
      ticket.shard != before.shard || ticket.session != before.session ||
      ticket.object != before.object || ticket.number != next_number ||
      ticket.ordinal != next_ordinal || last_size_ + more > kRunBytesMax) {
    return false;
  }
  uint8_t* at = lane_->to_writer.Extend(more);
  if (at == nullptr) return false;
  at = Append(at, parts.first.data(), parts.first.size());
  Append(at, parts.second.data(), parts.second.size());
  before.count += ticket.count;
  before.ordinal = ticket.ordinal;
  last_->delivered = head.delivered;
  last_->bytes = head.bytes;
  last_size_ += more;
  return true;
}

void DiskPort::Write(const RecordHead& head, const Parts& parts) {
  SOLEC_ASSERT(parts.owner.size() <= UINT16_MAX && parts.sender.size() <= UINT16_MAX);
  SOLEC_ASSERT(parts.links.size() <= UINT32_MAX);
  const size_t size = sizeof(RecordHead) + parts.size();
  last_ = nullptr;
  const auto fill = [&](uint8_t* at) {
    auto* const placed = new (at) RecordHead(head);
    placed->owner_size = static_cast<uint16_t>(parts.owner.size());
    placed->sender_size = static_cast<uint16_t>(parts.sender.size());
    placed->links_size = static_cast<uint32_t>(parts.links.size());
    at = Append(at + sizeof(RecordHead), parts.owner.data(), parts.owner.size());
    at = Append(at, parts.sender.data(), parts.sender.size());
    at = Append(at, parts.links.data(), parts.links.size());
    at = Append(at, parts.first.data(), parts.first.size());
    Append(at, parts.second.data(), parts.second.size());
    return placed;
  };
  if (overflow_.empty() && size <= lane_->to_writer.record_bytes_max()) {
    if (uint8_t* at = lane_->to_writer.Reserve(size); at != nullptr) {
      last_ = fill(at);
      last_size_ = size;
      return;
    }
  }
  // The order of what waits is kept: nothing goes past it into the ring.
  std::string record(size, '\0');
  fill(reinterpret_cast<uint8_t*>(record.data()));
  overflow_bytes_ += size;
  overflow_.push_back(std::move(record));
  MoveOverflow();
}

void DiskPort::MoveOverflow() {
  while (!overflow_.empty()) {
    std::string& record = overflow_.front();
    const bool fits = record.size() <= lane_->to_writer.record_bytes_max();
    uint8_t* const at = lane_->to_writer.Reserve(fits ? record.size() : sizeof(RecordHead));
    if (at == nullptr) return;
    overflow_bytes_ -= record.size();
    if (fits) {
      std::memcpy(at, record.data(), record.size());
    } else {
      auto* const head = new (at) RecordHead;
      head->kind = RecordHead::Kind::kLarge;
      lane_->large_bytes.fetch_add(record.size(), std::memory_order_relaxed);
      head->large = new std::string(std::move(record));
    }
    overflow_.pop_front();
  }
}

// --- peers ---

void DiskPort::LoadPeer(std::string_view peer, StoreDone done) {
  ToWriter(NewRequest(StoreRequestKind::kLoadPeer, peer, std::move(done)));
}

void DiskPort::ForgetPeer(std::string_view peer) {
  ToWriter(NewRequest(StoreRequestKind::kForgetPeer, peer, [](StoreCompletion&) {}));
}

void DiskPort::SetOutStream(std::string_view peer, uint64_t stream, uint64_t base,
                            StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kSetOutStream, peer, std::move(done));
  request->stream = stream;
  request->base = base;
  ToWriter(request);
}

void DiskPort::SetInStream(std::string_view peer, uint64_t stream, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kSetInStream, peer, std::move(done));
  request->stream = stream;
  ToWriter(request);
}

void DiskPort::KeepOutgoing(const OutgoingMessages& messages, const KeepTicket& ticket) {
  urgent_ = true;
  RecordHead head;
  head.kind = RecordHead::Kind::kOutgoing;
  head.ticket = ticket;
  const Parts parts{messages.target, messages.sender, messages.peer, messages.first,
                    messages.second};
  if (GrowLast(head, parts)) return;
  ++under_way_;
  Write(head, parts);
}

void DiskPort::MarkReceived(const ReceivedMessages& messages, const KeepTicket& ticket) {
  urgent_ = true;
  RecordHead head;
  head.kind = RecordHead::Kind::kReceived;
  head.ticket = ticket;
  PackLinks({}, {&messages, 1}, &links_);
  ++under_way_;
  Write(head, {{}, {}, links_, {}, {}});
}

void DiskPort::ReadSpool(std::string_view peer, uint64_t after, size_t bytes_max, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kReadSpool, peer, std::move(done));
  request->after = after;
  request->limit = bytes_max;
  ToReader(request);
}

void DiskPort::TrimSpool(std::string_view peer, uint64_t up_to, StoreDone done) {
  StoreRequest* const request = NewRequest(StoreRequestKind::kTrimSpool, peer, std::move(done));
  request->after = up_to;
  ToWriter(request);
}

// --- turns ---

void DiskPort::Flush() {
  last_ = nullptr;
  if (!overflow_.empty()) {
    MoveOverflow();
    lane_->starved.exchange(true);  // as in HasRoom
    MoveOverflow();
  }
  if (lane_->to_writer.Publish() || urgent_) {
    lane_->queue_bytes.store(ByteCount(), std::memory_order_relaxed);
    // A ring that fills up is not to wait for more company.
    const bool urgent = urgent_ || !overflow_.empty() || !lane_->to_writer.HalfFree();
    urgent_ = false;
    shared_->writer_bell.Ring(urgent);
  }
  if (reads_) {
    reads_ = false;
    shared_->reader_bell.Ring(true);
  }
}

void DiskPort::Finish(StoreRequest* request) {
  const std::unique_ptr<StoreRequest> owned(request);
  --under_way_;
  request->done(request->completion);
}

bool DiskPort::Poll() {
  bool any = false;
  size_t size = 0;
  while (const uint8_t* record = lane_->from_writer.Peek(&size)) {
    LaneCompletion completion;
    std::memcpy(&completion, record, sizeof(completion));
    lane_->from_writer.Pop();
    any = true;
    if (completion.peer_size != 0) {
      const Bytes rest(record + sizeof(completion), size - sizeof(completion));
      spool_handler_({.peer = AsString(rest.first(completion.peer_size)),
                      .last = completion.last_position,
                      .first = completion.ticket.number,
                      .count = completion.ticket.count,
                      .frames = rest.subspan(completion.peer_size)});
    } else if (completion.request != nullptr) {
      completion.request->completion.status = completion.status;
      Finish(completion.request);
    } else {
      --under_way_;
      kept_handler_(completion.ticket, completion.status, completion.last_position);
    }
  }
  // Room was made for a writer that may wait for some.
  if (lane_->from_writer.Release() && lane_->blocked.exchange(false)) {
    shared_->writer_bell.Ring(true);
  }
  for (StoreRequest* request = lane_->read_done.TakeAll(); request != nullptr;) {
    StoreRequest* const next = request->next;
    Finish(request);
    request = next;
    any = true;
  }
  if (!overflow_.empty()) {
    MoveOverflow();
    if (lane_->to_writer.Publish()) shared_->writer_bell.Ring(true);
  }
  return any;
}

bool DiskPort::HasCompletions() const {
  return lane_->from_writer.HasPublished() || !lane_->read_done.empty();
}

bool DiskPort::HasRoom() const {
  if (!overflow_.empty() || under_way_ >= kRequestsMax) return false;
  const auto has_room = [this] {
    return lane_->to_writer.HalfFree() &&
           lane_->large_bytes.load(std::memory_order_acquire) < DiskLane::kLargeBytesMax;
  };
  if (has_room()) return true;
  // The writer wakes a starved shard. Said first and then looked again, so that one of the two
  // sees the other.
  lane_->starved.exchange(true);
  return has_room();
}

uint64_t DiskPort::ByteCount() const {
  return lane_->to_writer.UsedBytes() + overflow_bytes_ +
         lane_->large_bytes.load(std::memory_order_relaxed);
}

}  // namespace solec
