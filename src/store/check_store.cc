// CheckStore: every checksum, every entry, and what entries say of each other.

#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "store/committed_mark.h"
#include "store/maintenance.h"
#include "store/run_codec.h"
#include "store/store_view.h"

namespace solec {

namespace {

constexpr size_t kTextsMax = 100;

bool IsLocal(std::string_view address) {
  return address.find('@') == std::string_view::npos;
}

class Checker {
 public:
  explicit Checker(const StoreView* view) : view_(*view) {}

  StoreCheck Check() {
    CheckFiles();
    Visit(StoreSpace::kMeta, [this](auto key, auto value) { CheckMeta(key, value); });
    Visit(StoreSpace::kUsers, [this](auto key, auto value) { CheckUser(key, value); });
    owner_.clear();
    Visit(StoreSpace::kChannels, [this](auto key, auto value) { CheckChannel(key, value); });
    Visit(StoreSpace::kChats, [this](auto key, auto value) {
      if (!ParseChatKey(key)) return Fault(StoreSpace::kChats, key, "is no key of a chat");
      CheckRun(StoreSpace::kChats, key, value);
    });
    Visit(StoreSpace::kPosts, [this](auto key, auto value) {
      if (!ParseOwnerOfRun(key)) return Fault(StoreSpace::kPosts, key, "is no key of a channel");
      CheckRun(StoreSpace::kPosts, key, value);
    });
    Visit(StoreSpace::kInbox, [this](auto key, auto value) { CheckInbox(key, value); });
    Visit(StoreSpace::kSpools, [this](auto key, auto value) { CheckSpool(key, value); });
    return std::move(result_);
  }

 private:
  template <class Look>
  void Visit(StoreSpace space, Look look) {
    last_begin_.clear();
    const absl::Status visited = view_.Visit(space, [&](auto key, auto value) {
      ++result_.entries;
      look(key, value);
      return true;
    });
    if (!visited.ok()) AddFault(std::string(visited.message()));
  }

  void AddFault(std::string text) {
    ++result_.fault_count;
    if (result_.faults.size() < kTextsMax) result_.faults.push_back(std::move(text));
  }
  void Fault(StoreSpace space, std::string_view key, std::string_view what) {
    AddFault(absl::StrCat(std::string(StoreSpaceName(space)), ": ",
                          absl::CHexEscape(std::string(key)), " ", std::string(what)));
  }
  void Disagree(std::string text) {
    ++result_.disagreement_count;
    if (result_.disagreements.size() < kTextsMax) result_.disagreements.push_back(std::move(text));
  }
  bool Has(StoreSpace space, const StoreKey& key, std::string* value) {
    const absl::StatusOr<bool> found = view_.Find(space, key, value);
    if (!found.ok()) AddFault(std::string(found.status().message()));
    return !found.ok() || *found;  // an unreadable one was reported, and is not missing besides
  }
  bool Has(StoreSpace space, const StoreKey& key) {
    std::string value;
    return Has(space, key, &value);
  }

  void CheckFiles() {
    const rocksdb::Status verified = view_.database()->VerifyChecksum();
    if (!verified.ok()) AddFault(absl::StrCat("a table's checksum: ", verified.ToString()));
    const absl::StatusOr<std::optional<uint64_t>> committed =
        CommittedMark::Read(rocksdb::Env::Default(), view_.path());
    if (!committed.ok()) {
      AddFault(std::string(committed.status().message()));
    } else if (committed->value_or(0) > view_.database()->GetLatestSequenceNumber()) {
      AddFault("the last commits are missing: a log file is cut off or gone");
    }
  }

  void CheckMeta(std::string_view key, std::string_view value) {
    if (key == kSchemaKey || key == kServerKey || key == kStateKey || key == kCutoffsKey) return;
    if (const std::optional<std::string_view> peer = ParsePeerKey(key); peer) {
      if (std::optional<PeerValue> parsed = ParsePeer(value); parsed) {
        peers_.emplace(*peer, *std::move(parsed));
      } else {
        Fault(StoreSpace::kMeta, key, "is no peer");
      }
      return;
    }
    if (!ParseClock(key, value)) Fault(StoreSpace::kMeta, key, "is unknown or cannot be decoded");
  }

  void CheckUser(std::string_view key, std::string_view value) {
    const std::optional<RowName> row = ParseRowKey(key);
    if (!row) return Fault(StoreSpace::kUsers, key, "is no key of a user");
    if (row->owner != owner_) {
      owner_ = row->owner;
      if (row->kind != kRowAccount) Fault(StoreSpace::kUsers, key, "belongs to no account");
    }
    switch (row->kind) {
      case kRowAccount: {
        const std::optional<AccountValue> account = ParseAccount(value);
        if (!account || account->since > view_.state().position) {
          Fault(StoreSpace::kUsers, key, "is no account");
        }
        return;
      }
      case kRowContact:
        if (value != "0" && value != "1") Fault(StoreSpace::kUsers, key, "is no contact");
        return;
      case kRowDelivered: {
        const std::optional<InboxMark> mark = ParseMark(value);
        if (!mark || mark->position > view_.state().position) {
          Fault(StoreSpace::kUsers, key, "is no mark");
        }
        return;
      }
      case kRowJoined:
        if (!value.empty()) Fault(StoreSpace::kUsers, key, "is no joined channel");
        if (IsLocal(row->rest) &&
            !Has(StoreSpace::kChannels, RowKey(row->rest, kRowMember, row->owner))) {
          Disagree(absl::StrCat("the user ", std::string(row->owner), " has joined ",
                                std::string(row->rest), ", which does not have it as a member"));
        }
        return;
      default:
        Fault(StoreSpace::kUsers, key, "is of no known kind");
    }
  }

  void CheckChannel(std::string_view key, std::string_view value) {
    const std::optional<RowName> row = ParseRowKey(key);
    if (!row) return Fault(StoreSpace::kChannels, key, "is no key of a channel");
    if (row->owner != owner_) {
      owner_ = row->owner;
      if (row->kind != kRowSettings) Fault(StoreSpace::kChannels, key, "belongs to no channel");
    }
    if (row->kind == kRowSettings) {
      if (value != kSettingsValue) Fault(StoreSpace::kChannels, key, "has unknown settings");
      return;
    }
    if (row->kind != kRowMember || !value.empty()) {
      return Fault(StoreSpace::kChannels, key, "is of no known kind");
    }
    if (IsLocal(row->rest) && !Has(StoreSpace::kUsers, RowKey(row->rest, kRowJoined, row->owner))) {
      Disagree(absl::StrCat("the channel ", std::string(row->owner), " has the member ",
                            std::string(row->rest), ", who has not joined it"));
    }
  }

  // The positions of runs rise, and no two runs overlap.
  void CheckPositions(StoreSpace space, std::string_view key, uint64_t count) {
    const uint64_t position = *PositionOfKey(key);
    const std::string_view begin = key.substr(0, key.size() - kPositionSize);
    if (position > view_.state().position) Fault(space, key, "lies beyond the store's position");
    if (count > position || (begin == last_begin_ && position - count < last_position_)) {
      Fault(space, key, "overlaps with the one before");
    }
    last_begin_ = begin;
    last_position_ = position;
  }

  void CheckRun(StoreSpace space, std::string_view key, std::string_view value) {
    const std::optional<RunValue> run = ParseRun(value, &buffer_);
    if (!run) return Fault(space, key, "is no run of messages");
    CheckPositions(space, key, run->count);
  }

  void CheckInbox(std::string_view key, std::string_view value) {
    const std::optional<std::string_view> user = ParseOwnerOfRun(key);
    const std::optional<InboxValue> entry = ParseInbox(value);
    if (!user) return Fault(StoreSpace::kInbox, key, "is no key of an inbox");
    if (!entry || (entry->is_inline && !RunOf(*entry, &buffer_))) {
      return Fault(StoreSpace::kInbox, key, "is no entry of an inbox");
    }
    CheckPositions(StoreSpace::kInbox, key, entry->count);
    const uint64_t position = *PositionOfKey(key);
    if (entry->is_inline || position <= view_.cutoffs().chats) return;
    std::string run_value;
    if (!Has(StoreSpace::kChats, RunKey(ChatBegin(*user, entry->sender), position), &run_value)) {
      return Fault(StoreSpace::kInbox, key, "leads to messages that are missing");
    }
    const std::optional<RunValue> run = ParseRun(run_value, &buffer_);
    if (run && run->count != entry->count) {
      Fault(StoreSpace::kInbox, key, "counts other messages than the chat has");
    }
  }

  // Numbers and bytes go on from row to row, and what is not given up is there.
  void CheckSpool(std::string_view key, std::string_view value) {
    const std::optional<std::string_view> name = ParseOwnerOfRun(key);
    const std::optional<SpoolValue> row = ParseSpool(value);
    if (!name) return Fault(StoreSpace::kSpools, key, "is no key of a spool");
    const uint64_t last = *PositionOfKey(key);
    if (!row || row->count > last || (!row->is_reference && !RunOf(*row, &buffer_))) {
      return Fault(StoreSpace::kSpools, key, "is no row of a spool");
    }
    const std::string_view begin = key.substr(0, key.size() - kPositionSize);
    const PeerValue& peer = peers_[std::string(*name)];
    const bool is_first = begin != last_begin_;
    // The first that is left may be one that is given up, or hold the first that is not.
    if (is_first ? last - row->count > peer.trimmed : last - row->count != last_position_) {
      Fault(StoreSpace::kSpools, key, "does not follow the one before");
    } else if (is_first ? last > peer.trimmed && row->bytes_up_to < peer.trimmed_bytes
                        : row->bytes_up_to - row->bytes != last_bytes_) {
      Fault(StoreSpace::kSpools, key, "counts other bytes than the one before");
    }
    last_begin_ = begin;
    last_position_ = last;
    last_bytes_ = row->bytes_up_to;
    if (row->is_reference && last > peer.trimmed) CheckReference(key, *row);
  }

  void CheckReference(std::string_view key, const SpoolValue& row) {
    if (row.position > view_.state().position) {
      return Fault(StoreSpace::kSpools, key, "refers to what lies beyond the store's position");
    }
    if (row.position <= view_.cutoffs().posts) return;  // retention took it
    std::string posts;
    if (!Has(StoreSpace::kPosts, RunKey(OwnerBegin(row.channel), row.position), &posts)) {
      // Their channel was removed; nobody can tell whether they were.
      return Disagree(absl::StrCat("the spool entry ", absl::CHexEscape(std::string(key)),
                                   " refers to messages of ", std::string(row.channel),
                                   " that are gone"));
    }
    const std::optional<RunValue> run = ParseRun(posts, &buffer_);
    if (run && (run->count != row.count || run->frames.size() != row.bytes)) {
      Fault(StoreSpace::kSpools, key, "counts other messages than the channel has");
    }
  }

  const StoreView& view_;
  StoreCheck result_;
  std::string buffer_;  // of one run's frames
  std::map<std::string, PeerValue, std::less<>> peers_;
  uint64_t last_bytes_ = 0;  // of a spool, up to the row before
  std::string owner_;       // of the rows that are looked at
  std::string last_begin_;  // of the run before
  uint64_t last_position_ = 0;
};

}  // namespace

absl::StatusOr<StoreCheck> CheckStore(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<StoreView>> view = StoreView::Open(path);
  if (!view.ok()) return view.status();
  return Checker(view->get()).Check();
}

}  // namespace solec
