// StatStore and ExportStore.

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/frame.h"
#include "store/maintenance.h"
#include "store/run_codec.h"
#include "store/store_view.h"

namespace solec {

namespace {

absl::Status DamagedEntry(StoreSpace space, std::string_view key) {
  return absl::DataLossError(absl::StrCat("the entry ", absl::CHexEscape(std::string(key)), " of ",
                                          std::string(StoreSpaceName(space)),
                                          " cannot be decoded; see solec store check"));
}

// --- counts ---

class Counter {
 public:
  explicit Counter(const StoreView* view) : view_(*view) {}

  absl::StatusOr<StoreStats> Count() {
    stats_.schema = view_.schema();
    stats_.server_name = view_.server_name();
    stats_.last_position = view_.state().position;
    stats_.chat_cutoff = view_.cutoffs().chats;
    stats_.post_cutoff = view_.cutoffs().posts;
    for (size_t i = 0; i < kStoreSpaceCount; ++i) {
      const auto space = static_cast<StoreSpace>(i);
      if (space == StoreSpace::kSpools && !view_.database().has_spools()) break;
      if (absl::Status counted = CountSpace(space); !counted.ok()) return counted;
    }
    const auto peers = view_.LoadPeers();
    if (!peers.ok()) return peers.status();
    stats_.peers = peers->size();
    for (const auto& [name, peer] : *peers) {
      stats_.spool_messages += peer.last - peer.value.trimmed;
      stats_.spool_bytes += peer.last_bytes - peer.value.trimmed_bytes;
    }
    std::vector<std::string> names;
    rocksdb::Env* const env = rocksdb::Env::Default();
    const std::string folder = view_.path() + "/db";
    env->GetChildren(folder, &names).PermitUncheckedError();
    for (const std::string& name : names) {
      uint64_t size = 0;
      if (name.ends_with(".log") && env->GetFileSize(folder + "/" + name, &size).ok()) {
        stats_.log_bytes += size;
      }
    }
    return std::move(stats_);
  }

 private:
  absl::Status CountSpace(StoreSpace space) {
    StoreSpaceStats counts;
    counts.name = StoreSpaceName(space);
    view_.database()->GetIntProperty(view_.database().space(space),
                                     rocksdb::DB::Properties::kTotalSstFilesSize,
                                     &counts.table_bytes);
    std::optional<absl::Status> damaged;
    absl::Status visited = view_.Visit(space, [&](auto key, auto value) {
      ++counts.entries;
      counts.key_bytes += key.size();
      counts.value_bytes += value.size();
      if (CountEntry(space, key, value)) return true;
      damaged = DamagedEntry(space, key);
      return false;
    });
    stats_.spaces.push_back(std::move(counts));
    return damaged.value_or(visited);
  }

  bool CountEntry(StoreSpace space, std::string_view key, std::string_view value) {
    switch (space) {
      case StoreSpace::kMeta:
      case StoreSpace::kSpools:  // see StoreView::LoadPeers
        return true;
      case StoreSpace::kUsers:
      case StoreSpace::kChannels: {
        const std::optional<RowName> row = ParseRowKey(key);
        if (!row) return false;
        if (space == StoreSpace::kUsers) {
          stats_.users += row->kind == kRowAccount;
          stats_.contacts += row->kind == kRowContact;
          stats_.joined += row->kind == kRowJoined;
        } else {
          stats_.channels += row->kind == kRowSettings;
          stats_.members += row->kind == kRowMember;
        }
        return true;
      }
      case StoreSpace::kInbox: {
        const std::optional<InboxValue> entry = ParseInbox(value);
        if (entry) stats_.inbox_messages += entry->count;
        return entry.has_value();
      }
      case StoreSpace::kChats:
      case StoreSpace::kPosts: {
        const std::optional<RunValue> run = ParseRun(value, &buffer_);
        if (!run || key.size() < kPositionSize) return false;
        const bool chat = space == StoreSpace::kChats;
        const std::string_view begin = key.substr(0, key.size() - kPositionSize);
        if (begin != last_begin_) ++(chat ? stats_.chats : stats_.histories);
        last_begin_ = begin;
        (chat ? stats_.chat_messages : stats_.post_messages) += run->count;
        (chat ? stats_.chat_bytes : stats_.post_bytes) += run->frames.size();
        return true;
      }
    }
    return false;
  }

  const StoreView& view_;
  StoreStats stats_;
  std::string last_begin_;  // of the chat or history that is counted
  std::string buffer_;      // of one run's frames
};

// --- everything ---

class Exporter {
 public:
  Exporter(const StoreView* view, const ExportSink& sink) : view_(*view), sink_(sink) {}

  absl::Status Export() {
    if (absl::Status status = ExportUsers(); !status.ok() || ended_) return status;
    if (absl::Status status = ExportChannels(); !status.ok() || ended_) return status;
    auto peers = view_.LoadPeers();
    if (!peers.ok()) return peers.status();
    peers_ = *std::move(peers);
    ExportPeers();
    for (StoreSpace space : {StoreSpace::kChats, StoreSpace::kPosts, StoreSpace::kInbox}) {
      if (ended_) return absl::OkStatus();
      if (absl::Status status = ExportMessages(space); !status.ok()) return status;
    }
    return ended_ ? absl::OkStatus() : ExportSpools();
  }

 private:
  // Visits until `look` reports damage, or the sink has had enough.
  absl::Status Visit(StoreSpace space,
                     const std::function<bool(std::string_view, std::string_view)>& look) {
    std::optional<absl::Status> damaged;
    absl::Status visited = view_.Visit(space, [&](auto key, auto value) {
      if (!look(key, value)) damaged = DamagedEntry(space, key);
      return !damaged && !ended_;
    });
    return damaged.value_or(visited);
  }

  absl::Status ExportUsers() {
    std::string name;
    ExportedUser user;
    const auto finish = [&] {
      user.name = name;
      if (!name.empty() && sink_.user && !sink_.user(user)) ended_ = true;
      user = ExportedUser();
    };
    absl::Status visited = Visit(StoreSpace::kUsers, [&](auto key, auto value) {
      const std::optional<RowName> row = ParseRowKey(key);
      if (!row) return false;
      if (row->owner != name) {
        finish();
        name = row->owner;
      }
      return AddRow(*row, value, &user);
    });
    if (visited.ok() && !ended_) finish();
    return visited;
  }

  static bool AddRow(const RowName& row, std::string_view value, ExportedUser* user) {
    if (row.kind == kRowAccount) {
      const std::optional<AccountValue> account = ParseAccount(value);
      if (!account) return false;
      user->since = account->since;
      user->record.password_hash = account->password_hash;
    } else if (row.kind == kRowDelivered) {
      const std::optional<InboxMark> mark = ParseMark(value);
      if (!mark) return false;
      user->record.delivered = *mark;
    } else if (row.kind == kRowContact) {
      user->record.contacts.push_back({std::string(row.rest), value == "1"});
    } else if (row.kind == kRowJoined) {
      user->record.channels.emplace_back(row.rest);
    } else {
      return false;
    }
    return true;
  }

  absl::Status ExportChannels() {
    std::string name;
    ExportedChannel channel;
    const auto finish = [&] {
      channel.name = name;
      if (!name.empty() && sink_.channel && !sink_.channel(channel)) ended_ = true;
      channel = ExportedChannel();
    };
    absl::Status visited = Visit(StoreSpace::kChannels, [&](auto key, auto) {
      const std::optional<RowName> row = ParseRowKey(key);
      if (!row) return false;
      if (row->owner != name) {
        finish();
        name = row->owner;
      }
      if (row->kind == kRowMember) channel.record.members.emplace_back(row->rest);
      return row->kind == kRowMember || row->kind == kRowSettings;
    });
    if (visited.ok() && !ended_) finish();
    return visited;
  }

  absl::Status ExportMessages(StoreSpace space) {
    if (!sink_.message) return absl::OkStatus();
    return Visit(space, [&](auto key, auto value) {
      ExportedMessage message;
      Bytes frames;
      uint64_t count = 0;
      uint64_t cutoff = view_.cutoffs().chats;
      if (space == StoreSpace::kInbox) {
        const std::optional<std::string_view> user = ParseOwnerOfRun(key);
        const std::optional<InboxValue> entry = ParseInbox(value);
        if (!user || !entry) return false;
        if (!entry->is_inline) return true;  // it is in the chat
        const std::optional<RunValue> run = RunOf(*entry, &buffer_);
        if (!run) return false;
        message.kind = ExportedMessage::Kind::kWaiting;
        message.one = *user;
        frames = run->frames;
        count = entry->count;
      } else {
        const std::optional<RunValue> run = ParseRun(value, &buffer_);
        if (!run) return false;
        frames = run->frames;
        count = run->count;
        if (space == StoreSpace::kPosts) {
          const std::optional<std::string_view> channel = ParseOwnerOfRun(key);
          if (!channel) return false;
          message.kind = ExportedMessage::Kind::kChannel;
          message.one = *channel;
          cutoff = view_.cutoffs().posts;
        } else {
          const std::optional<ChatName> chat = ParseChatKey(key);
          if (!chat) return false;
          message.one = chat->lower;
          message.other = chat->higher;
        }
      }
      const uint64_t last = *PositionOfKey(key);
      if (count > last) return false;
      message.position = last - count;
      Frame frame;
      while (!ended_ && TakeFrame(&frames, &frame)) {
        ++message.position;
        message.payload = frame.payload;
        if (message.position > cutoff && !sink_.message(message)) ended_ = true;
      }
      return true;
    });
  }

  void ExportPeers() {
    for (const auto& [name, peer] : peers_) {
      if (ended_ || !sink_.peer) return;
      const PeerValue& value = peer.value;
      ended_ = !sink_.peer({.name = name,
                            .record = {.out_stream = value.out_stream,
                                       .out_base = value.out_base,
                                       .out_first = value.trimmed + 1,
                                       .out_last = peer.last,
                                       .out_bytes = peer.last_bytes - value.trimmed_bytes,
                                       .in_stream = value.in_stream,
                                       .in_held = value.in_held,
                                       .in_early = value.in_early}});
    }
  }

  // What has been given up is skipped, and what has left its channel's history.
  absl::Status ExportSpools() {
    if (!sink_.message) return absl::OkStatus();
    absl::Status unreadable;
    absl::Status visited = Visit(StoreSpace::kSpools, [&](auto key, auto value) {
      const std::optional<std::string_view> peer = ParseOwnerOfRun(key);
      const std::optional<SpoolValue> row = ParseSpool(value);
      if (!peer || !row || row->count > *PositionOfKey(key)) return false;
      std::string posts;
      std::optional<RunValue> run;
      if (row->is_reference) {
        if (row->position <= view_.cutoffs().posts) return true;
        const absl::StatusOr<bool> found = view_.Find(
            StoreSpace::kPosts, RunKey(OwnerBegin(row->channel), row->position), &posts);
        if (!found.ok()) unreadable = found.status();
        if (!found.ok() || !*found) return unreadable.ok();
        run = ParseRun(posts, &buffer_);
      } else {
        run = RunOf(*row, &buffer_);
      }
      if (!run || run->count != row->count) return false;
      Bytes frames = run->frames;
      const auto known = peers_.find(*peer);
      const uint64_t trimmed = known == peers_.end() ? 0 : known->second.value.trimmed;
      ExportedMessage message;
      message.kind = ExportedMessage::Kind::kSpool;
      message.one = *peer;
      message.position = *PositionOfKey(key) - row->count;
      Frame frame;
      while (!ended_ && TakeFrame(&frames, &frame)) {
        ++message.position;
        message.payload = frame.payload;
        if (message.position > trimmed && !sink_.message(message)) ended_ = true;
      }
      return true;
    });
    return unreadable.ok() ? visited : unreadable;
  }

  const StoreView& view_;
  const ExportSink& sink_;
  std::map<std::string, StoreView::Peer, std::less<>> peers_;
  std::string buffer_;  // of one run's frames
  bool ended_ = false;  // the sink has had enough
};

}  // namespace

absl::StatusOr<StoreStats> StatStore(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<StoreView>> view = StoreView::Open(path);
  if (!view.ok()) return view.status();
  return Counter(view->get()).Count();
}

absl::Status ExportStore(const std::string& path, const ExportSink& sink) {
  const absl::StatusOr<std::unique_ptr<StoreView>> view = StoreView::Open(path);
  if (!view.ok()) return view.status();
  return Exporter(view->get(), sink).Export();
}

}  // namespace solec
