#include "chat/user.h"

namespace solec {

bool IsIdle(const User& user) {
  return user.sessions.empty() && user.state != UserState::kLoading && user.waiters.empty() &&
         (user.inbox == nullptr || user.inbox->settled()) && user.logins_pending == 0;
}

Handle<User> UserTable::Create(std::string_view name) {
  const Handle<User> handle = users_.Create(name);
  by_name_.emplace(std::string(name), handle);
  return handle;
}

void UserTable::Destroy(Handle<User> handle) {
  by_name_.erase(users_.Get(handle)->name);
  users_.Destroy(handle);
}

void UserTable::MarkIdle(Handle<User> handle) {
  User* user = users_.Get(handle);
  if (user == nullptr || user->on_idle_list || !IsIdle(*user)) return;
  user->on_idle_list = true;
  user->idle_entries = static_cast<uint32_t>(user->contacts.size() + user->channels.size());
  idle_entries_ += user->idle_entries;
  idle_.push_back(handle);
}

void UserTable::EvictIdle() {
  while (idle_.size() - idle_first_ > kIdleMax ||
         (idle_entries_ > kIdleEntriesMax && idle_first_ != idle_.size())) {
    const Handle<User> handle = idle_[idle_first_++];
    User* user = users_.Get(handle);
    if (user == nullptr) continue;
    user->on_idle_list = false;
    idle_entries_ -= user->idle_entries;
    if (IsIdle(*user)) Destroy(handle);
  }
  if (idle_first_ > kIdleMax) {
    idle_.erase(idle_.begin(), idle_.begin() + static_cast<ptrdiff_t>(idle_first_));
    idle_first_ = 0;
  }
}

}  // namespace solec
