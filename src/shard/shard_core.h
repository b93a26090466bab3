// One core's world without its I/O: the users, channels and sessions that live on this shard, and
// what every frame and every mail means. It decides; ConnectionDriver and Mailboxes carry out. So
// the whole of it runs unchanged on the kernel and on the simulated network.
//
// One shard's thread. A frame's life: OnFrame -> (core_messages.cc) the route -> (core_deliver.cc)
// outputs and mail. The files: core_login.cc, core_messages.cc, core_deliver.cc, core_waiting.cc,
// core_channels.cc, core_requests.cc, core_history.cc, core_mail.cc, core_control.cc; of links to
// other servers: core_peers.cc, core_links.cc, core_link_input.cc, core_link_output.cc,
// core_foreign.cc.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "base/limits.h"
#include "chat/target.h"
#include "io/resolver.h"
#include "link/link_message.h"
#include "net/connection.h"
#include "net/connection_driver.h"
#include "net/connection_limits.h"
#include "proto/message_view.h"
#include "shard/control.h"
#include "shard/counters.h"
#include "shard/mailboxes.h"
#include "shard/peer.h"
#include "shard/session.h"
#include "store/login_proofs.h"
#include "store/password_checker.h"
#include "store/store.h"

namespace solec {

using ControlDone = absl::AnyInvocable<void(ControlReply)>;

struct ShardEnvironment {
  std::string server_name;  // folded
  uint32_t shard = 0;
  uint64_t hash_key = 0;    // the same for all shards
  Limits limits;
  Policy policy;
  MailRings* rings = nullptr;
  StorePort* store = nullptr;
  PasswordChecker* passwords = nullptr;
  ConnectionLimits* connection_limits = nullptr;
  uint64_t now_ns = 0;
  LoginProofs::Key proof_key{};  // the same for all shards
  std::vector<PeerEntry> peers{};  // the same for all shards
  uint64_t random_seed = 0;        // for the names of streams, and for when to dial
  Resolver* resolver = nullptr;    // null: only addresses in numbers are dialled
  // A line about links, now and then; does not block. Null: nobody wants to know.
  std::function<void(std::string_view)> log{};
};

class ShardCore {
 public:
  explicit ShardCore(const ShardEnvironment& environment);
  ~ShardCore();
  ShardCore(const ShardCore&) = delete;
  ShardCore& operator=(const ShardCore&) = delete;

  // --- the loop (shard.h) ---

  void SetNow(uint64_t now_ns) { now_ns_ = now_ns; }
  // Mails, completions of the store, verdicts on passwords. True if there were any.
  bool TakeIn();
  // Turns what this turn gathered into output and mail: channels' batches, receipts.
  void GatherTurn();
  // There is something for TakeIn or GatherTurn already.
  // Connections are on hold until another shard makes room: nobody rings for that, it is looked
  // for.
  bool WaitsForRoom() const { return !waiting_for_room_.empty(); }
  bool HasGathered() const {
    return !dirty_channels_.empty() || !dirty_receipts_.empty() || settled_run_.count != 0 ||
           !dirty_peers_.empty() || store_->HasCompletions();
  }
  // Pings, dials and what else peers have to do at a time.
  void RunTimers();
  uint64_t NextTimerNs() const { return peer_timers_.NextNs(); }
  // Makes what this turn asked of the store visible to it; the last thing of a turn.
  void FlushStore() { store_->Flush(); }
  // Sends a connection that moves to its shard, with the input that was not parsed.
  void MailHandOver(Connection* connection, uint64_t native_handle);
  // Connections that came from other shards since the last call: handle and held input.
  struct HandOver {
    uint64_t native_handle = 0;
    ServerSequence sequence;
    uint32_t features = 0;
    uint32_t since_ms = 0;
    uint64_t tls = 0;  // in MovingTls
  };
  struct Arrival {
    HandOver state;
    std::unique_ptr<TlsSession> tls;
    std::string address;  // if it was counted by address
    std::string input;
  };
  std::vector<Arrival> TakeArrivals() { return std::exchange(arrivals_, {}); }
  void Arrive(Connection* connection, const Arrival& arrival);

  void Control(const ControlRequest& request, ControlDone done);
  void Reconfigure(const Limits& limits, const Policy& policy,
                   const std::vector<PeerEntry>& peers);
  // Ends all connections with Error 0x44, and whatever still comes.
  void Drain();
  bool drained() const {
    return draining_ && connections_.count() == 0 && store_->IsQuiet();
  }

  Mailboxes& mailboxes() { return mailboxes_; }
  ConnectionTable& connections() { return connections_; }
  ShardCounters& counters() { return counters_; }

  // How a connection's peer is known for the limit per address; set by the loop.
  std::function<std::string(SocketId)> peer_text;
  // Bytes that a connection's peer has not acknowledged; set by the loop.
  std::function<uint64_t(SocketId)> unacked_bytes;

  // --- what ConnectionDriver tells (see ConnectionHandler) ---

  bool MayAccept(Connection* connection);
  void OnDialed(Connection* connection, uint64_t ticket);
  void OnDialFailed(uint64_t ticket, DialStep step, std::string_view text);
  FrameVerdict OnFrame(Connection* connection, const Frame& frame, size_t behind);
  void OnEnding(Connection* connection);
  void OnOutputDrained(Connection* connection);
  void OnHoldExpired(Connection* connection);
  void OnFreed(Connection* connection);
  ConnectionConfig connection_config() const {
    return {limits_.login_timeout_ms, limits_.output_stall_timeout_ms, output_low_};
  }
  void CountReceived(uint64_t size) {
    counters_.bytes_received.Add(size);
    counters_.receives.Add();
  }
  void CountSent(uint64_t size) {
    counters_.bytes_sent.Add(size);
    counters_.sends.Add();
  }

 private:
  // Whose message it is: the session is told what became of it. No session: nobody is.
  struct Origin {
    uint32_t shard = 0;
    Handle<Session> session;
    uint64_t number = 0;  // 0: no receipts
    OriginKind kind = OriginKind::kSession;
  };

  // A Message frame in up to two parts (so that it need not be built before it is copied), or, in
  // `first` alone, a run of whole Message frames that one session sent to one target.
  struct FrameParts {
    Bytes first{}, second{};
    uint32_t count = 1;
    size_t size() const { return first.size() + second.size(); }
    void CopyTo(uint8_t* to) const {
      std::memcpy(to, first.data(), first.size());
      if (!second.empty()) std::memcpy(to + first.size(), second.data(), second.size());
    }
  };

  uint32_t ShardOf(std::string_view name) const {
    return static_cast<uint32_t>(HashText(name, hash_key_) % shard_count_);
  }
  std::string FullAddress(std::string_view name) const { return FormatAddress(name, server_name_); }
  // The key of an address of this server, or empty for another server's.
  std::string_view OwnName(std::string_view address) const;

  // --- logins: core_login.cc ---
  uint32_t KnownFeatures() const;
  FrameVerdict OnLoginFrame(Connection* connection, const Frame& frame);
  FrameVerdict CheckUser(Connection* connection, const SequenceStep& step, ServerSequence before);
  void OnPasswordVerdict(const PasswordVerdict& verdict);
  void FinishLogin(Connection* connection, std::string_view name, bool valid);
  void OpenSession(Connection* connection, User* user, Handle<User> handle);
  void AddImplicitAccount(Connection* connection, User* user, std::string name);
  // A check that the user was kept in memory for is over.
  void EndLoginPending(Handle<User> handle);

  // --- residents: core_residents.cc ---
  // The user, asked from the store if it is not resident: then its state is kLoading.
  User* FindOrLoad(std::string_view name);
  void LoadUser(Handle<User> handle);
  void OnUserLoaded(Handle<User> handle, StoreCompletion& completion);
  Channel* FindOrLoadChannel(std::string_view name);
  void LoadChannel(Handle<Channel> handle);
  void OnChannelLoaded(Handle<Channel> handle, StoreCompletion& completion);
  void SetPresent(Channel* channel, Handle<Channel> handle);
  void SetAbsent(Channel* channel, Handle<Channel> handle);
  // Forgets channels that were not used lately, as long as those in memory are too large together.
  void EvictChannels();
  // Holds the connection until the user (or channel) is loaded; its frame is shown again then.
  template <class T>
  FrameVerdict WaitFor(T* object, Connection* connection) {
    object->waiters.push_back(connection->socket);
    connections_.Hold(connection, kHoldRequest);
    return FrameVerdict::kHoldBefore;
  }
  template <class T>
  void WakeWaiters(T* object);

  // --- messages from clients: core_messages.cc ---
  FrameVerdict OnMessage(Connection* connection, Session* session, const Frame& frame,
                         size_t behind);
  FrameVerdict ResolveRoute(Connection* connection, Session* session, const MessageView& message,
                            ErrorCode* refused);
  FrameVerdict Malformed(Connection* connection);
  bool RouteHolds(const Session& session, const Route& route, const User& sender);
  FrameVerdict SendAlongRoute(Connection* connection, Session* session, const FrameParts& frame,
                              size_t behind);
  void SendToPeer(Session* session, const User& sender, const FrameParts& frame,
                  const Origin& origin);
  FrameVerdict RefuseMessage(Connection* connection, Session* session, ErrorCode code);
  FrameVerdict OnServiceMessage(Connection* connection, Session* session,
                                const MessageView& message);

  // --- delivery: core_deliver.cc ---
  void DeliverToUser(User* user, Handle<User> handle, const FrameParts& frame, size_t behind,
                     const Origin& origin);
  void MarkDelivered(const FrameParts& frame, const Origin& origin);
  static std::string_view PeerOfFrame(Bytes frame);
  // `PutMessages`, and counts them as delivered.
  void AppendMessages(Connection* to, const FrameParts& frame, size_t behind);
  void PutMessages(Connection* to, const FrameParts& frame, size_t behind);
  void CheckOutput(Connection* to);
  void HoldSenderOf(Connection* slow, uint32_t shard, Handle<Session> sender);
  void ReleaseHeldSenders(Session* session);
  // `count` messages from `origin` on are settled: ErrorCode::kNone, or why they were refused.
  void Settle(const Origin& origin, ErrorCode code, uint32_t count = 1);
  void SettleHere(Handle<Session> handle, uint64_t number, uint64_t count, ErrorCode code);
  void FlushSettled();
  void SendError(Connection* connection, ErrorCode code);

  // --- kept messages: core_waiting.cc ---
  void KeepDirect(User* user, Handle<User> handle, const FrameParts& frame, const Origin& origin,
                  bool waiting_only = false);
  void OnKept(const KeepTicket& ticket, StoreStatus status, uint64_t last_position);
  void StartCatchUp(Connection* connection, Handle<Session> handle, User* user);
  void PumpCatchUp(Handle<Session> handle);
  void OnWaitingPage(Handle<Session> handle, StoreCompletion& completion);
  void GoLive(Connection* to, Handle<Session> handle);
  void EndCatchUp(Session* session, Inbox* inbox);
  uint64_t OutputPlace(const Session& session, const Connection& connection) const;
  uint64_t ArrivedPlace(const Session& session, const Connection& connection) const;
  void MarkDelivery(Session* session, const Inbox& inbox);
  void LookHowFar(Session* session, const Connection& connection);
  // The peer of `session` has all that it was sent up to a number.
  void OnAccepted(Connection* connection, Session* session, uint64_t up_to);
  void EndDelivery(Connection* connection, Session* session, User* user);
  void SaveDelivered(User* user);
  bool IsOutputKept(const User& user) const;
  void RescueOutput(Connection* connection, const Session& session, User* user,
                    Handle<User> handle);
  void CopyUnsent(const User& user, Connection* to, Session* session);
  // Keeps a channel's frames until older messages of the user have been sent, and sends them then.
  void Defer(Connection* to, Session* session, Bytes frames);
  void SendDeferred(Session* session);

  // --- channels: core_channels.cc ---
  void SendToChannel(Channel* channel, Handle<Channel> handle, const FrameParts& frame,
                     const Origin& origin);
  void FlushChannel(Channel* channel);
  void KeepChannel(const Channel& channel, Bytes batch);
  // To this connection: the frames, or what is deferred of them.
  void SendShared(Connection* to, Handle<Session> session, SharedBytes* bytes, uint32_t begin,
                  uint32_t end);
  void CountMember(Channel* channel, std::string_view address, bool joined);
  void FanOut(Fanout* fanout, SharedBytes* bytes, const std::vector<BatchOrigin>& origins);
  uint64_t FanOutTo(const FanoutMember& member, SharedBytes* bytes,
                    const std::vector<BatchOrigin>& origins, uint64_t count);
  void AddToFanout(std::string_view channel, Connection* connection, Handle<Session> handle);
  void RemoveFromFanout(Session* session, Handle<Session> handle, std::string_view channel);
  void LeaveFanout(Session* session, size_t place);
  // At the owner: a join or leave of `address`; `answer` goes back to the member's shard.
  void ChangeMembership(std::string_view channel_name, std::string_view address, bool join,
                        uint32_t answer_to, MailHeader answer);
  void FinishMembership(uint32_t to, MailHeader answer, std::string_view channel,
                        std::string_view address, ErrorCode code);
  // At the member's shard: the owner has answered.
  void OnMembership(const MailHeader& header, std::string_view channel, std::string_view user);
  void AnswerMembership(const MailHeader& header, ErrorCode code);
  void SendMembersPage(std::string_view channel_name, std::string_view asker,
                       std::string_view after, MailHeader answer);
  void OnMembersPage(MailHeader header, std::string_view channel, std::string page);

  // --- requests: core_requests.cc ---
  FrameVerdict OnRequestFrame(Connection* connection, Session* session, const Frame& frame);
  FrameVerdict OnHistoryRequest(Connection* connection, Session* session,
                                const HistoryRequest& request);
  FrameVerdict StartRequest(Connection* connection, Session* session, RequestKind kind,
                            uint16_t tag, std::string_view address);
  void RunRequest(Handle<Session> handle);
  void RunMembership(Session* session, User* user, const Target& target, bool join);
  void RunContact(Handle<Session> handle, User* user, const Target& target, bool add);
  void RunList(Handle<Session> handle);
  // Whether a list has to wait for output to leave; it is run again then.
  bool ListHasToWait(Session* session, Connection* connection);
  // `after_change` runs once the store has the change.
  void ChangeContact(Handle<User> user, std::string address, bool add,
                     absl::AnyInvocable<void(ErrorCode)> after_change);
  void OnContactNotice(std::string_view user_name, std::string_view address, bool added);
  void OnContactAgreed(std::string_view user_name, std::string_view address, bool agreed);
  void AddListItem(Session* session, std::string_view address, uint8_t flags);
  void FinishRequest(Handle<Session> handle, ErrorCode code);
  void RunNextServiceLine(Handle<Session> handle);

  // --- histories: core_history.cc ---
  void StartHistory(Handle<Session> handle, const User& user, const Target& target);
  void RunHistory(Handle<Session> handle);
  void OnHistoryPage(Handle<Session> handle, StoreCompletion& completion);
  void AddHistoryItem(Session* session, uint64_t position, Bytes payload);

  // --- peers: core_peers.cc ---
  // The peer that a session stands for, or nullptr: a user's.
  Peer* PeerOf(const Session& session) { return peers_here_.Get(session.peer); }
  void ConfigurePeers(const std::vector<PeerEntry>& peers);
  void AddPeer(const PeerEntry& entry);
  void ChangePeer(Peer* peer, const PeerEntry& entry);
  void RemovePeer(Peer* peer);
  void DestroyIfIdle(Peer* peer);
  void LoadPeer(Peer* peer);
  void OnPeerLoaded(Peer* peer, StoreCompletion& completion);
  void SetPeerState(Peer* peer, PeerState state);
  void NoteError(Peer* peer, LinkStep step, std::string text);
  void LogPeer(Peer* peer, std::string_view text);
  void LogStranger(std::string_view name);
  void ArmPeer(Peer* peer);
  void RunPeer(Peer* peer);
  void ScheduleDial(Peer* peer);
  void StartDial(Peer* peer);
  void FailDial(Peer* peer, LinkStep step, std::string text);
  PeerStatus PeerStatusOf(const Peer& peer) const;
  void DialAgain(Peer* peer);
  void OnResolved(const ResolveAnswer& answer);
  void ListPeers(ControlDone done);
  void TestPeer(const std::string& name, ControlDone done);
  void FinishTests(Peer* peer, LinkStep step, LinkTestResult result, std::string text);
  uint64_t Random();
  void MarkDirty(Peer* peer);
  void GatherPeers();

  // --- links: core_links.cc ---
  FrameVerdict CheckPeer(Connection* connection, const SequenceStep& step, ServerSequence before);
  FrameVerdict OnDialFrame(Connection* connection, const Frame& frame);
  static bool IsTls(const Connection& connection);
  static std::string PinOf(const Connection& connection);
  static bool WantsTls(const PeerEntry& entry);
  static LinkStep StepOf(DialStep step);
  bool IsKeyOf(const Connection& connection, const PeerEntry& entry, std::string* fault) const;
  FrameVerdict NotAllowed(Connection* connection, Peer* peer, std::string text);
  bool MayReplaceLink(const Peer& peer, bool dialled) const;
  FrameVerdict OpenLink(Connection* connection, Peer* peer, bool dialled);
  void DetachLink(Peer* peer);
  void EndLink(Peer* peer, CloseReason reason, ErrorCode code, std::string text);
  void OnLinkEnding(Connection* connection, Peer* peer);
  FrameVerdict OnLinkFrame(Connection* connection, Peer* peer, const Frame& frame, size_t behind);
  FrameVerdict OnLinkError(Peer* peer, ErrorCode code);

  // --- what comes over links: core_link_input.cc ---
  FrameVerdict OnLinkResume(Connection* connection, Peer* peer, const LinkResume& resume);
  void AnswerResume(Peer* peer);
  void BeginInput(Peer* peer);
  FrameVerdict OnLinkMessage(Connection* connection, Peer* peer, const Frame& frame,
                             size_t behind);
  void CountFromLink(Peer* peer);
  FrameVerdict RefuseLinkMessage(Peer* peer, uint64_t number, ErrorCode code);
  FrameVerdict PassOn(Connection* connection, Peer* peer, const LinkMessage& message, Bytes frame,
                      size_t behind, const Origin& origin);
  void DeliverFromLink(User* user, std::string_view sender, const FrameParts& frame, size_t behind,
                       const Origin& origin);
  void SettleLink(Peer* peer, uint64_t number, uint64_t count, ErrorCode code);
  void AddReceivedMark(Peer* peer, uint64_t number, uint64_t count);
  void FlushReceivedMarks(Peer* peer);
  void TakeCopy(Peer* peer, std::string channel, Bytes frame);
  void FlushCopies(Peer* peer);
  void FanOutCopies(std::string_view channel, SharedBytes* frames, uint32_t count);
  static uint64_t EchoHash(Bytes addresses, Bytes tail);

  // --- what goes over links: core_link_output.cc ---
  void OnSpoolGrowth(const SpoolGrowth& growth);
  void PumpSpool(Peer* peer);
  void OnSpoolPage(Peer* peer, StoreCompletion& completion);
  uint64_t LinkWindow() const;
  void AppendToLink(Peer* peer, Connection* connection, Bytes frames, uint32_t count);
  void NameStream(Peer* peer, uint64_t base);
  void SendResume(Peer* peer);
  FrameVerdict OnLinkAccepted(Connection* connection, Peer* peer, uint64_t up_to);
  FrameVerdict OnLinkRejected(Connection* connection, Peer* peer, const Rejected& rejected);
  void AdvanceAcked(Peer* peer, uint64_t to);
  void LookAtMarks(Peer* peer, const Connection& connection);
  void TrimSpool(Peer* peer);
  void BounceRejected(Peer* peer);
  void LookAtAge(Peer* peer);
  void OnAgePage(Peer* peer, StoreCompletion& completion);
  void BounceFrames(Peer* peer, Bytes frames, ErrorCode code);
  void OnBounce(std::string_view user_name, std::string_view target, uint64_t timestamp,
                ErrorCode code);

  // --- requests across servers: core_foreign.cc ---
  // The shard that a channel's requests go to: its own, or that of its peer.
  uint32_t HomeOfChannel(std::string_view channel) const;
  void OnForeignMembership(const Mail& mail);
  FrameVerdict OnLinkMembership(Connection* connection, Peer* peer, uint16_t tag,
                                std::string_view user, std::string_view channel, bool join);
  void AnswerPeerRequest(const MailHeader& header);
  FrameVerdict OnLinkResult(Peer* peer, const Result& result);
  void FailPeerRequests(Peer* peer);

  // --- mail: core_mail.cc ---
  void OnMail(const Mail& mail);
  void OnHandOver(const Mail& mail);
  void OnDirectMail(const Mail& mail);
  void OnChannelMail(const Mail& mail);
  void OnChannelBatch(const Mail& mail);
  // Sends it through the mailbox, or, if this is the shard, hands it straight to OnMail.
  void PostOrTake(uint32_t to, MailClass mail_class, const MailHeader& header,
                  std::string_view text, Bytes rest = {});
  // Keeps a mail until the user or channel that it needs is loaded.
  template <class T>
  void Postpone(T* object, const Mail& mail);
  template <class T>
  void TakePostponed(T* object);

  // --- control: core_control.cc ---
  void ControlUser(const ControlRequest& request, ControlDone done);
  void RemoveUser(User* user, ControlDone done);
  void WithUser(const std::string& name, absl::AnyInvocable<void(User*)> then);
  void WithChannel(const std::string& name, absl::AnyInvocable<void(Channel*)> then);
  void ControlContact(const ControlRequest& request, ControlDone done);
  void ControlChannel(const ControlRequest& request, ControlDone done);
  void RemoveChannelMembers(Channel* channel);
  void EndSessions(User* user, CloseReason reason);
  ControlReply ListConnections();

  const std::string server_name_;
  const uint32_t shard_;
  const uint32_t shard_count_;
  const uint64_t hash_key_;
  Limits limits_;
  Policy policy_;
  uint64_t now_ns_;
  uint64_t output_high_ = 0;  // from here on senders are held
  uint64_t output_low_ = 0;   // and here they go on
  uint32_t epoch_ = 0;        // of the policy: routes found under another are looked up again
  bool draining_ = false;

  StorePort* const store_;
  PasswordChecker* const passwords_;
  ConnectionLimits* const connection_limits_;
  ShardCounters counters_;
  BufferPool buffers_;
  ConnectionTable connections_;
  Mailboxes mailboxes_;
  Pool<Session> sessions_;
  UserTable users_;
  NamedTable<Channel> channels_;
  NamedTable<Fanout> fanouts_;
  absl::flat_hash_map<std::string, PeerEntry, TextHash, TextEqual> peers_;  // all there are
  NamedTable<Peer> peers_here_;  // those that live on this shard
  TimerWheel peer_timers_;       // by index of their handles
  uint64_t random_state_;
  Resolver* const resolver_;
  std::vector<ResolveAnswer> resolved_;
  absl::flat_hash_map<uint64_t, std::string> dials_;  // under way: peer by ticket
  struct PeerTest {
    std::string peer;
    ControlDone done;
  };
  std::vector<PeerTest> peer_tests_;
  const std::function<void(std::string_view)> log_;
  LinkLog stranger_log_;  // of servers that are not known
  std::deque<Handle<Channel>> absent_channels_;   // the oldest first
  std::deque<Handle<Channel>> present_channels_;  // in the order of being looked at
  size_t resident_members_ = 0;                   // of all present channels, and some for each

  struct PendingLogin {
    SocketId socket;
    Handle<User> user;
    std::string name;
    std::string password_hash;  // that it is checked against
    LoginProof proof;
  };
  absl::flat_hash_map<uint64_t, PendingLogin> logins_;
  LoginProofs proofs_;
  uint64_t next_ticket_ = 1;
  std::vector<PasswordVerdict> verdicts_;
  absl::flat_hash_map<uint64_t, ControlDone> memberships_asked_;  // by an administrator, by ticket
  absl::flat_hash_map<uint32_t, std::string> counted_addresses_;  // by connection index
  std::vector<Arrival> arrivals_;
  size_t pending_mail_bytes_ = 0;

  // This turn's work.
  std::vector<Handle<Channel>> dirty_channels_;
  std::vector<Handle<Session>> dirty_receipts_;
  std::vector<Handle<Peer>> dirty_peers_;  // have marks or copies to pass on, or an Accepted
  struct RoomWaiter {
    SocketId socket;
    uint32_t to;  // the shard whose mailbox was full
  };
  std::vector<RoomWaiter> waiting_for_room_;
  std::vector<SocketId> waiting_for_store_;
  std::vector<std::string_view> batch_peers_;        // scratch, for a batch that is kept
  std::vector<ReceivedMessages> batch_received_;
  std::vector<BatchOrigin> batch_origins_;   // scratch, for batches that come by mail
  // Whose messages, of those that channels keep, wait for receipts; the oldest first.
  std::deque<BatchOrigin> kept_origins_;
  struct SettledRun {
    Origin origin;
    uint64_t count = 0;
    ErrorCode code = ErrorCode::kNone;
  } settled_run_;
};

}  // namespace solec
