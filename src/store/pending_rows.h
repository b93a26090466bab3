// The rows of users and channels that the current batch changes: the database does not show them
// before the batch is committed, and what comes later in it must see them. Owned by the engine's
// writer; bounded by the batch.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "store/layout.h"

namespace solec {

class PendingRows {
 public:
  void Put(StoreSpace space, std::string_view key, std::string_view value) {
    rows_[NameOf(space, key)] = std::string(value);
  }
  void Delete(StoreSpace space, std::string_view key) { rows_[NameOf(space, key)].reset(); }
  // All rows of a user or channel.
  void DeleteOwner(StoreSpace space, std::string_view owner) {
    const std::string begin = NameOf(space, OwnerBegin(owner).view());
    const std::string end = NameOf(space, OwnerEnd(owner).view());
    rows_.erase(rows_.lower_bound(begin), rows_.lower_bound(end));
    deleted_owners_.insert(begin);
  }

  enum class State : uint8_t { kUnknown, kPresent, kAbsent };
  // kUnknown: the database knows. `value` is filled if it is present.
  State Find(StoreSpace space, std::string_view key, std::string* value) const {
    if (rows_.empty() && deleted_owners_.empty()) return State::kUnknown;
    const std::string name = NameOf(space, key);
    if (auto row = rows_.find(name); row != rows_.end()) {
      if (!row->second) return State::kAbsent;
      *value = *row->second;
      return State::kPresent;
    }
    const size_t owner_end = name.find('\0', 1);
    return deleted_owners_.contains(name.substr(0, owner_end + 1)) ? State::kAbsent
                                                                   : State::kUnknown;
  }

  void Clear() {
    rows_.clear();
    deleted_owners_.clear();
  }

 private:
  static std::string NameOf(StoreSpace space, std::string_view key) {
    return std::string(1, static_cast<char>('0' + static_cast<int>(space))).append(key);
  }

  std::map<std::string, std::optional<std::string>, std::less<>> rows_;
  std::set<std::string> deleted_owners_;
};

}  // namespace solec
