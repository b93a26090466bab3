// The users and channels that are in memory: asked from the store when they are needed, forgotten
// when others need the room.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

// Names that were asked for and are no channel, remembered so that the store is not asked again.
static constexpr size_t kAbsentChannelsMax = 1'024;
// Members of all channels in memory together, about; each channel counts for some more.
static constexpr size_t kResidentMembersMax = 2 << 20;
static constexpr size_t kChannelOverhead = 16;
// What the store could not say is asked again, but not at once.
static constexpr uint64_t kAskAgainNs = 1'000'000'000;

// --- users ---

User* ShardCore::FindOrLoad(std::string_view name) {
  Handle<User> handle = users_.HandleOf(name);
  if (User* user = users_.Get(handle)) {
    if (user->state == UserState::kFailed && now_ns_ - user->failed_at_ns >= kAskAgainNs) {
      user->state = UserState::kLoading;
      LoadUser(handle);
    }
    users_.MarkIdle(handle);  // one that nobody turns out to need can be forgotten
    return user;
  }
  handle = users_.Create(name);
  counters_.users_now.Set(users_.count());
  LoadUser(handle);
  return users_.Get(handle);
}

void ShardCore::LoadUser(Handle<User> handle) {
  store_->LoadUser(users_.Get(handle)->name, [this, handle](StoreCompletion& completion) {
    OnUserLoaded(handle, completion);
  });
}

void ShardCore::OnUserLoaded(Handle<User> handle, StoreCompletion& completion) {
  User* user = users_.Get(handle);
  if (user == nullptr || user->state != UserState::kLoading) return;
  user->state = UserState::kAbsent;
  if (completion.status == StoreStatus::kDone) {
    auto& record = std::get<UserRecord>(completion.value);
    user->state = UserState::kPresent;
    user->password_hash = std::move(record.password_hash);
    for (ContactRecord& contact : record.contacts) {
      user->contacts.emplace(std::move(contact.address), contact.agreed);
    }
    for (std::string& channel : record.channels) user->channels.insert(std::move(channel));
    if (record.last.position != 0) {
      user->inbox = std::make_unique<Inbox>(record.delivered, record.last);
    }
  } else if (completion.status != StoreStatus::kNotFound) {
    user->state = UserState::kFailed;
    user->failed_at_ns = now_ns_;
  }
  TakePostponed(user);
  WakeWaiters(user);
  users_.MarkIdle(handle);
  users_.EvictIdle();
  counters_.users_now.Set(users_.count());
}

// --- channels ---

Channel* ShardCore::FindOrLoadChannel(std::string_view name) {
  Handle<Channel> handle = channels_.HandleOf(name);
  if (Channel* channel = channels_.Get(handle)) {
    channel->used = true;
    if (channel->state == ChannelState::kFailed && now_ns_ - channel->failed_at_ns >= kAskAgainNs) {
      channel->state = ChannelState::kLoading;
      LoadChannel(handle);
    }
    return channel;
  }
  handle = channels_.Create(name);
  channels_.Get(handle)->members_by_shard.resize(shard_count_);
  LoadChannel(handle);
  return channels_.Get(handle);
}

void ShardCore::LoadChannel(Handle<Channel> handle) {
  store_->LoadChannel(channels_.Get(handle)->name, [this, handle](StoreCompletion& completion) {
    OnChannelLoaded(handle, completion);
  });
}

void ShardCore::OnChannelLoaded(Handle<Channel> handle, StoreCompletion& completion) {
  Channel* channel = channels_.Get(handle);
  if (channel == nullptr || channel->state != ChannelState::kLoading) return;
  if (completion.status == StoreStatus::kDone) {
    SetPresent(channel, handle);
    for (std::string& member : std::get<ChannelRecord>(completion.value).members) {
      CountMember(channel, member, true);
      channel->members.insert(std::move(member));
    }
    resident_members_ += channel->members.size();
  } else if (completion.status == StoreStatus::kNotFound) {
    SetAbsent(channel, handle);
  } else {
    channel->state = ChannelState::kFailed;
    channel->failed_at_ns = now_ns_;
  }
  TakePostponed(channel);
  WakeWaiters(channel);
  while (absent_channels_.size() > kAbsentChannelsMax) {
    const Handle<Channel> oldest = absent_channels_.front();
    absent_channels_.pop_front();
    Channel* absent = channels_.Get(oldest);
    if (absent != nullptr && absent->state == ChannelState::kAbsent) channels_.Destroy(oldest);
  }
  EvictChannels();
  counters_.channels_now.Set(channels_.count());
}

void ShardCore::SetPresent(Channel* channel, Handle<Channel> handle) {
  channel->state = ChannelState::kPresent;
  present_channels_.push_back(handle);
  resident_members_ += kChannelOverhead;
}

void ShardCore::SetAbsent(Channel* channel, Handle<Channel> handle) {
  if (channel->state == ChannelState::kPresent) {
    resident_members_ -= channel->members.size() + kChannelOverhead;
    channel->members.clear();
    std::fill(channel->members_by_shard.begin(), channel->members_by_shard.end(), 0u);
    channel->members_by_peer.clear();
  }
  channel->state = ChannelState::kAbsent;
  absent_channels_.push_back(handle);
}

// Each that was used since it was looked at last is passed over once. One round at most: what is in
// use stays, however much it is.
void ShardCore::EvictChannels() {
  for (size_t left = present_channels_.size();
       left != 0 && resident_members_ > kResidentMembersMax; --left) {
    const Handle<Channel> handle = present_channels_.front();
    present_channels_.pop_front();
    Channel* channel = channels_.Get(handle);
    if (channel == nullptr || channel->state != ChannelState::kPresent) continue;
    if (std::exchange(channel->used, false) || channel->batch != nullptr) {
      present_channels_.push_back(handle);
      continue;
    }
    resident_members_ -= channel->members.size() + kChannelOverhead;
    channels_.Destroy(handle);
  }
}

}  // namespace solec
