#include "store/memory_store.h"

#include <algorithm>
#include <memory>

namespace solec {

// What one entry costs beyond its text: a node of a map, a string, its part of an index.
static constexpr uint64_t kEntryOverhead = 96;
// What a user costs of whom something waits, beyond the messages: an empty deque takes a block.
static constexpr uint64_t kWaitingOverhead = 640;

MemoryStore::User* MemoryStore::FindUser(std::string_view name) {
  auto found = users_by_name_.find(name);
  return found == users_by_name_.end() ? nullptr : found->second;
}

bool MemoryStore::Charge(uint64_t bytes) {
  if (bytes > bytes_max_ - byte_count_) return false;
  byte_count_ += bytes;
  return true;
}

// --- users ---

void MemoryStore::LoadUser(std::string_view name, StoreDone done) {
  const User* user = FindUser(name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  UserRecord record{user->password_hash, user->contacts, user->channels, {}, {}};
  if (user->waiting != nullptr) {
    record.delivered = user->waiting->delivered;
    record.last = user->waiting->runs.back().mark;
  }
  Complete(std::move(done), std::move(record));
}

void MemoryStore::AddUser(std::string_view name, std::string_view password_hash, StoreDone done) {
  if (FindUser(name) != nullptr) return Complete(std::move(done), StoreStatus::kExists);
  if (!Charge(2 * kEntryOverhead + name.size() + password_hash.size())) {
    return Complete(std::move(done), StoreStatus::kFull);
  }
  auto [entry, added] = users_.try_emplace(std::string(name));
  entry->second.password_hash = password_hash;
  users_by_name_.emplace(entry->first, &entry->second);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::SetPassword(std::string_view name, std::string_view hash, StoreDone done) {
  User* user = FindUser(name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  const size_t old_size = user->password_hash.size();
  if (hash.size() > old_size && !Charge(hash.size() - old_size)) {
    return Complete(std::move(done), StoreStatus::kFull);
  }
  if (hash.size() < old_size) Refund(old_size - hash.size());
  user->password_hash = hash;
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::RemoveUser(std::string_view name, StoreDone done) {
  User* user = FindUser(name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  uint64_t bytes = 2 * kEntryOverhead + name.size() + user->password_hash.size();
  for (const ContactRecord& contact : user->contacts) {
    bytes += kEntryOverhead + contact.address.size();
  }
  for (const std::string& channel : user->channels) bytes += kEntryOverhead + channel.size();
  if (user->waiting) bytes += kWaitingOverhead;
  for (size_t i = 0; user->waiting && i < user->waiting->runs.size(); ++i) {
    bytes += kEntryOverhead + user->waiting->runs[i].frames.size();
  }
  Refund(bytes);
  users_by_name_.erase(name);
  users_.erase(users_.find(name));
  Complete(std::move(done), StoreStatus::kDone);
}

static auto ContactPlace(std::vector<ContactRecord>& contacts, std::string_view address) {
  return std::lower_bound(contacts.begin(), contacts.end(), address,
                          [](const ContactRecord& contact, std::string_view wanted) {
                            return contact.address < wanted;
                          });
}

void MemoryStore::PutContact(std::string_view user_name, std::string_view address, bool agreed,
                             StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  auto place = ContactPlace(user->contacts, address);
  if (place != user->contacts.end() && place->address == address) {
    place->agreed = agreed;
  } else {
    if (!Charge(kEntryOverhead + address.size())) {
      return Complete(std::move(done), StoreStatus::kFull);
    }
    user->contacts.insert(place, ContactRecord{std::string(address), agreed});
  }
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::RemoveContact(std::string_view user_name, std::string_view address,
                                StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  auto place = ContactPlace(user->contacts, address);
  if (place == user->contacts.end() || place->address != address) {
    return Complete(std::move(done), StoreStatus::kNotFound);
  }
  Refund(kEntryOverhead + address.size());
  user->contacts.erase(place);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::PutJoined(std::string_view user_name, std::string_view channel, StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  auto place = std::lower_bound(user->channels.begin(), user->channels.end(), channel);
  if (place == user->channels.end() || *place != channel) {
    if (!Charge(kEntryOverhead + channel.size())) {
      return Complete(std::move(done), StoreStatus::kFull);
    }
    user->channels.insert(place, std::string(channel));
  }
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::RemoveJoined(std::string_view user_name, std::string_view channel,
                               StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  auto place = std::lower_bound(user->channels.begin(), user->channels.end(), channel);
  if (place == user->channels.end() || *place != channel) {
    return Complete(std::move(done), StoreStatus::kNotFound);
  }
  Refund(kEntryOverhead + channel.size());
  user->channels.erase(place);
  Complete(std::move(done), StoreStatus::kDone);
}

// The keys of an ordered map after `after`, at most `limit`.
template <class Map>
static std::vector<std::string> KeysAfter(const Map& map, std::string_view after, size_t limit) {
  std::vector<std::string> keys;
  for (auto entry = map.upper_bound(after); entry != map.end() && keys.size() < limit; ++entry) {
    keys.push_back(entry->first);
  }
  return keys;
}

void MemoryStore::ListUsers(std::string_view after, size_t limit, StoreDone done) {
  Complete(std::move(done), KeysAfter(users_, after, limit));
}

// --- channels ---

void MemoryStore::LoadChannel(std::string_view channel, StoreDone done) {
  auto found = channels_.find(channel);
  if (found == channels_.end()) return Complete(std::move(done), StoreStatus::kNotFound);
  Complete(std::move(done), ChannelRecord{KeysAfter(found->second, "", SIZE_MAX)});
}

void MemoryStore::AddChannel(std::string_view channel, StoreDone done) {
  if (channels_.contains(channel)) return Complete(std::move(done), StoreStatus::kExists);
  if (!Charge(kEntryOverhead + channel.size())) {
    return Complete(std::move(done), StoreStatus::kFull);
  }
  channels_.try_emplace(std::string(channel));
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::RemoveChannel(std::string_view channel, StoreDone done) {
  auto found = channels_.find(channel);
  if (found == channels_.end()) return Complete(std::move(done), StoreStatus::kNotFound);
  uint64_t bytes = kEntryOverhead + channel.size();
  for (const auto& member : found->second) bytes += kEntryOverhead + member.first.size();
  Refund(bytes);
  channels_.erase(found);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::PutMember(std::string_view channel, std::string_view address, StoreDone done) {
  auto found = channels_.find(channel);
  if (found == channels_.end()) return Complete(std::move(done), StoreStatus::kNotFound);
  if (!found->second.contains(address)) {
    if (!Charge(kEntryOverhead + address.size())) {
      return Complete(std::move(done), StoreStatus::kFull);
    }
    found->second.emplace(address, 0);
  }
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::RemoveMember(std::string_view channel, std::string_view address,
                               StoreDone done) {
  auto found = channels_.find(channel);
  if (found == channels_.end()) return Complete(std::move(done), StoreStatus::kNotFound);
  auto member = found->second.find(address);
  if (member == found->second.end()) return Complete(std::move(done), StoreStatus::kNotFound);
  Refund(kEntryOverhead + address.size());
  found->second.erase(member);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::ListChannels(std::string_view after, size_t limit, StoreDone done) {
  Complete(std::move(done), KeysAfter(channels_, after, limit));
}

// --- waiting messages ---

void MemoryStore::KeepDirect(const DirectMessages& messages, const KeepTicket& ticket) {
  User* user = FindUser(messages.user);
  if (user == nullptr) return CompleteTicket(ticket, StoreStatus::kNotFound);
  Trim(user, messages.delivered);
  const bool first = user->waiting == nullptr;
  const size_t size = messages.first.size() + messages.second.size();
  if (!Charge(kEntryOverhead + size + (first ? kWaitingOverhead : 0))) {
    return CompleteTicket(ticket, StoreStatus::kFull);
  }
  if (first) {
    user->waiting = std::make_unique<Waiting>();
    user->waiting->delivered = {last_position_, messages.bytes - size};
  }
  last_position_ += ticket.count;
  Run run{{last_position_, messages.bytes}, ticket.count, std::string(AsString(messages.first))};
  run.frames.append(AsString(messages.second));
  user->waiting->runs.push_back(std::move(run));
  if (!messages.peer.empty()) spools_->Mark({messages.peer, ticket.number, ticket.count});
  CompleteTicket(ticket, StoreStatus::kDone, last_position_);
}

void MemoryStore::ReadHistory(const HistoryQuery&, StoreDone done) {
  Complete(std::move(done), StoreStatus::kFailed);  // asked for only where KeepsAll
}

void MemoryStore::ReadWaiting(std::string_view user_name, uint64_t after, size_t bytes_max,
                              StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  WaitingPage page;
  page.up_to = {std::max(after, last_position_), 0};
  if (user->waiting != nullptr) {
    for (const Run& run : user->waiting->runs) {
      if (run.mark.position <= after) continue;
      if (page.count != 0 && page.frames.size() + run.frames.size() > bytes_max) {
        page.more = true;
        break;
      }
      page.frames += run.frames;
      page.count += run.count;
      page.up_to = run.mark;
    }
    if (!page.more) page.up_to = {last_position_, user->waiting->runs.back().mark.bytes};
  }
  Complete(std::move(done), std::move(page));
}

void MemoryStore::SetDelivered(std::string_view user_name, InboxMark mark, StoreDone done) {
  User* user = FindUser(user_name);
  if (user == nullptr) return Complete(std::move(done), StoreStatus::kNotFound);
  Trim(user, mark);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::Trim(User* user, InboxMark mark) {
  Waiting* waiting = user->waiting.get();
  if (waiting == nullptr || mark.position <= waiting->delivered.position) return;
  waiting->delivered = mark;
  while (!waiting->runs.empty() && waiting->runs.front().mark.position <= mark.position) {
    Refund(kEntryOverhead + waiting->runs.front().frames.size());
    waiting->runs.pop_front();
  }
  if (!waiting->runs.empty()) return;
  Refund(kWaitingOverhead);
  user->waiting.reset();
}

// --- peers ---

void MemoryStore::LoadPeer(std::string_view peer, StoreDone done) {
  Complete(std::move(done), spools_->Load(peer, shard_));
}

void MemoryStore::ForgetPeer(std::string_view peer) {
  spools_->Forget(peer, shard_);
}

void MemoryStore::SetOutStream(std::string_view peer, uint64_t stream, uint64_t base,
                               StoreDone done) {
  spools_->SetOutStream(peer, stream, base);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::SetInStream(std::string_view peer, uint64_t stream, StoreDone done) {
  spools_->SetInStream(peer, stream);
  Complete(std::move(done), StoreStatus::kDone);
}

void MemoryStore::KeepOutgoing(const OutgoingMessages& messages, const KeepTicket& ticket) {
  if (!spools_->Append(messages.peer, messages.first, messages.second, ticket.count, shard_)) {
    return CompleteTicket(ticket, StoreStatus::kFull);
  }
  last_position_ += ticket.count;
  CompleteTicket(ticket, StoreStatus::kDone, last_position_);
}

// There is no history to refer to: each spool has the frames.
void MemoryStore::KeepChannel(std::string_view, Bytes frames,
                              std::span<const std::string_view> peers,
                              std::span<const ReceivedMessages> received,
                              const KeepTicket& ticket) {
  for (std::string_view peer : peers) {
    if (!spools_->Append(peer, frames, {}, ticket.count, shard_)) {
      spools_->CountDropped(ticket.count);
    }
  }
  for (const ReceivedMessages& messages : received) spools_->Mark(messages);
  last_position_ += ticket.count;
  CompleteTicket(ticket, StoreStatus::kDone, last_position_);
}

void MemoryStore::MarkReceived(const ReceivedMessages& messages, const KeepTicket& ticket) {
  spools_->Mark(messages);
  CompleteTicket(ticket, StoreStatus::kDone);
}

void MemoryStore::ReadSpool(std::string_view peer, uint64_t after, size_t bytes_max,
                            StoreDone done) {
  Complete(std::move(done), spools_->Read(peer, after, bytes_max));
}

void MemoryStore::TrimSpool(std::string_view peer, uint64_t up_to, StoreDone done) {
  spools_->Trim(peer, up_to);
  Complete(std::move(done), StoreStatus::kDone);
}

// --- turns ---

bool MemoryStore::Poll() {
  // What these completions ask for in their turn completes in the next call.
  size_t count = completed_.size();
  if (!HasCompletions()) return false;
  // Taken before the completions run: a peer that they load has its record from later on.
  const std::vector<MemorySpools::Growth> grown = spools_->TakeGrowth(shard_);
  while (count-- > 0) {
    Completed next = std::move(completed_.front());
    completed_.pop_front();
    if (next.done) next.done(next.completion);
    else kept_handler_(next.ticket, next.completion.status, next.position);
  }
  for (const MemorySpools::Growth& one : grown) {
    spool_handler_({.peer = one.peer, .last = one.last});
  }
  return true;
}

}  // namespace solec
