#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace solec {

SimOptions Scenario::OptionsOf(uint64_t seed) {
  SimRandom random(seed ^ 0x5ca1ab1e);
  SimOptions options;
  options.seed = seed;
  options.shard_count = static_cast<uint32_t>(random.Between(1, 4));
  options.faults.delay_ns_max = random.Percent(20) ? 0 : random.Below(30'000'000);
  options.faults.tiny_segment_percent = random.Below(50);
  options.faults.socket_buffer_bytes = 1'000 << random.Below(7);
  options.faults.starved_percent = random.Below(20);
  options.limits.output_bytes_max = (128 << 10) << random.Below(3);
  options.limits.output_stall_timeout_ms = 2'000;
  options.ring_bytes = random.Percent(50) ? 128 * 1024 : 256 * 1024;
  options.password_delay_ns_max = random.Percent(30) ? 0 : random.Below(100'000'000);
  options.durable = seed % 2 == 0;
  options.commit_delay_ns_max = random.Percent(30) ? 0 : random.Below(30'000'000);
  return options;
}

Scenario::Scenario(uint64_t seed)
    : random_(seed ^ 0xfeedface), world_(OptionsOf(seed)) {
  ledger_.durable = world_.durable();
}

void Scenario::SetUp() {
  for (uint64_t i = 0; i < kUsers; ++i) world_.AddUser(UserName(i));
  for (uint64_t i = 0; i < kUsers; ++i) {
    for (uint64_t j = 0; j < i; ++j) {
      const std::string a = UserName(i), b = UserName(j);
      const uint64_t kind = random_.Below(10);
      if (kind < 5) {
        world_.AddContacts(a, b);
        contacts_.insert({Full(a), Full(b)});
        contacts_.insert({Full(b), Full(a)});
      } else if (kind < 7) {
        unsettled_.insert({Full(a), Full(b)});
        unsettled_.insert({Full(b), Full(a)});
      } else if (kind < 8) {
        world_.Control(ControlKind::kContactAdd, a, b);  // one side only: not enough
      }
    }
  }
  for (uint64_t c = 0; c < 3; ++c) {
    const std::string channel = "#c" + std::to_string(c);
    for (uint64_t i = 0; i < kUsers; ++i) {
      if (!random_.Percent(60)) continue;
      world_.JoinChannel(UserName(i), channel);
      ledger_.members[Full(channel)].insert(Full(UserName(i)));
    }
  }
  ledger_.changing.insert(Full("#coming.and.going"));
}

std::vector<std::string> Scenario::Run() {
  SetUp();
  const uint64_t actions = random_.Between(40, 160);
  for (uint64_t i = 0; i < actions && world_.problem().empty(); ++i) {
    Act();
    NoteSuccess();
  }
  const bool drain_early = random_.Percent(15);
  if (!drain_early) {
    RunToQuiet();
    LogInAll();
    RunToQuiet();
  }
  std::vector<std::string> wrong;
  if (world_.problem().empty()) wrong = ledger_.Check(!drain_early);
  if (!wrong.empty()) wrong.push_back("connections:\n" + world_.Describe());
  DrainAll();
  if (!world_.problem().empty()) wrong.push_back(world_.problem());
  const std::string left = world_.Leftovers();
  if (!left.empty()) wrong.push_back("left over:\n" + left);
  return wrong;
}

bool Scenario::IsUsable(size_t session) const {
  const SessionRecord& record = *ledger_.sessions[session];
  return !record.cut && record.login_is_valid && record.expected_end == ErrorCode::kNone &&
         !record.session->client().ended();
}

std::vector<size_t> Scenario::Usable() const {
  std::vector<size_t> usable;
  for (size_t i = 0; i < ledger_.sessions.size(); ++i) {
    if (IsUsable(i)) usable.push_back(i);
  }
  return usable;
}

void Scenario::NoteSuccess() {
  for (const auto& record : ledger_.sessions) {
    if (record->success_ns != UINT64_MAX) continue;
    for (const SimSession::Received& received : record->session->received()) {
      if (received.type() == PayloadType::kSuccess) record->success_ns = received.at_ns;
    }
  }
}

void Scenario::Act() {
  const std::vector<size_t> usable = Usable();
  const uint64_t what = random_.Below(100);
  if (usable.size() < 2 || (what < 12 && usable.size() < kSessionsOpenMax)) return LogIn();
  const size_t session = usable[random_.Below(usable.size())];
  SimClient& client = ledger_.sessions[session]->session->client();
  if (what < 55) {
    SendSome(session);
  } else if (what < 65) {
    Ask(session);
  } else if (what < 67) {
    BreakRule(session);
  } else if (what < 74) {
    Cut(session);
  } else if (what < 75 && ledger_.durable) {
    Crash();
  } else if (what < 80) {
    client.reading = !client.reading;
  } else if (what < 90) {
    world_.RunFor(random_.Below(60'000'000));
  } else {
    for (uint64_t steps = random_.Below(200); steps > 0; --steps) world_.Step();
  }
}

void Scenario::LogIn() {
  auto record = std::make_unique<SessionRecord>();
  const std::string name = UserName(random_.Below(kUsers));
  record->user = Full(name);
  record->receipts = random_.Percent(60);
  record->acknowledges = record->receipts && random_.Percent(70);
  record->session = std::make_unique<SimSession>(
      &world_, static_cast<uint32_t>(random_.Below(world_.shard_count())));
  SimSession& session = *record->session;
  session.acknowledges = record->acknowledges;
  const std::string address = random_.Percent(50) ? name : name + "@A.Example";
  session.SendHandshake(record->receipts ? kSimFeatures : 0);
  const bool wrong = random_.Percent(15);
  uint64_t tries = wrong ? random_.Between(1, 3) : 0;
  record->login_is_valid = tries < 3;
  // One that tries again waits for no answer: what it sends is kept until its turn comes.
  for (; tries > 0; --tries) session.Send(UserAuth{address, "wrong"});
  if (record->login_is_valid) session.Send(UserAuth{address, "secret"});
  // A session that needed tries has Errors that are no answers to messages: it only listens.
  if (wrong) record->cut = true;
  ledger_.sessions.push_back(std::move(record));
  const size_t number = ledger_.sessions.size() - 1;
  if (!wrong && random_.Percent(50)) SendSome(number);  // in one burst with the login
}

Letter Scenario::ChooseLetter(size_t session) {
  const SessionRecord& record = *ledger_.sessions[session];
  Letter letter{session, static_cast<uint32_t>(record.letters.size() + 1), "", Due::kRefused,
                world_.now_ns()};
  const uint64_t what = random_.Below(100);
  if (what < 50) {
    letter.target = Full(UserName(random_.Below(kUsers)));
    const std::pair<std::string, std::string> pair{record.user, letter.target};
    if (contacts_.contains(pair)) letter.due = Due::kDelivered;
    if (unsettled_.contains(pair)) letter.due = Due::kEither;
  } else if (what < 85) {
    letter.target = Full("#c" + std::to_string(random_.Below(3)));
    if (ledger_.members[letter.target].contains(record.user)) letter.due = Due::kDelivered;
  } else if (what < 95) {
    letter.target = *ledger_.changing.begin();
    letter.due = Due::kEither;
  } else {
    static constexpr std::string_view kNobody[] = {"nobody", "#nowhere", "x@other.example",  "",
                                                   "@",      "a..b",     "#c0@other.example"};
    letter.target = kNobody[random_.Below(std::size(kNobody))];
  }
  return letter;
}

void Scenario::SendSome(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  const uint64_t count = random_.Percent(70) ? random_.Between(1, 3) : random_.Between(4, 40);
  Letter letter = ChooseLetter(session);
  for (uint64_t i = 0; i < count; ++i) {
    if (i == 0 || random_.Percent(30)) letter = ChooseLetter(session);  // often to the same
    letter.number = static_cast<uint32_t>(record.letters.size() + 1);
    std::string source, target = letter.target;
    Due due = letter.due;
    // The server's own name may be left out.
    const bool own = target.ends_with("@a.example");
    if (random_.Percent(70) && own) target.resize(target.find('@'));
    if (random_.Percent(30)) source = record.user.substr(0, record.user.find('@'));
    if (random_.Percent(20)) source = record.user;
    if (random_.Percent(2)) {
      source = record.user == Full("u0") ? "u1" : "u0";
      due = Due::kRefused;
    }
    record.letters.push_back(letter);
    record.letters.back().due = due;
    const size_t filling = random_.Percent(80) ? random_.Below(60) : random_.Below(6'000);
    record.session->SendMessage(target, Ledger::Content(record.user, letter, filling), source,
                                letter.timestamp());
  }
}

void Scenario::Ask(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  SimSession& client = *record.session;
  const std::string& channel = *ledger_.changing.begin();
  const uint64_t what = random_.Below(8);
  const auto tag = static_cast<uint16_t>(random_.Next());
  std::string contact = UserName(random_.Below(kUsers));
  if (!unsettled_.contains({record.user, Full(contact)})) contact = "nobody";
  if (!record.receipts) {
    static constexpr std::string_view kLines[] = {"help",        "channels", "contacts\nhelp",
                                                  "members #c0", "nonsense", ""};
    std::string line(kLines[random_.Below(std::size(kLines))]);
    if (what == 0) line = "join " + channel;
    if (what == 1) line = "leave " + channel;
    if (what == 2) line = "add " + contact + "\nremove " + contact + "\nadd " + contact;
    // Not one of the messages that the ledger counts: nothing is ever said of it but the answer.
    client.SendMessage("server", line);
    return;
  }
  if (what == 7) {
    record.pings.push_back(static_cast<uint32_t>(random_.Next()));
    client.Send(Ping{record.pings.back()});
    return;
  }
  record.tags.push_back(tag);
  if (what == 0 || what == 1) client.Send(Join{tag, "", channel});
  if (what == 2) client.Send(Leave{tag, record.user, channel});
  if (what == 3) client.Send(ContactAdd{tag, contact});
  if (what == 4) client.Send(ContactRemove{tag, contact});
  if (what == 5) client.Send(List{tag, ListKind::kMembers, "#c1"});
  if (what == 6) client.Send(List{tag, ListKind::kContacts, ""});
}

void Scenario::BreakRule(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  record.cut = true;
  if (random_.Percent(50)) {
    record.expected_end = ErrorCode::kMalformed;
    std::string bytes;
    AppendFrame(Message{"", "u1", {1}, "text"}, &bytes);
    bytes[2] = static_cast<char>(bytes[2] - 1);  // a byte is missing
    record.session->SendRaw(AsBytes(bytes).first(bytes.size() - 1));
  } else {
    record.expected_end = ErrorCode::kNotAllowed;
    record.session->Send(Success{});
  }
  record.session->SendMessage("u1", "never looked at");
}

void Scenario::Cut(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  SimClient& client = record.session->client();
  record.cut = true;
  switch (random_.Below(4)) {
    case 0:
      client.Reset();
      break;
    case 1:
      client.Close();
      break;
    case 2:
      client.Vanish();
      break;
    default:
      client.FinishWriting();
      break;
  }
}

void Scenario::Crash() {
  NoteSuccess();
  for (const auto& record : ledger_.sessions) record->cut = true;
  world_.Crash();
}

// With everybody reading again, until no byte has moved for longer than any timer takes.
void Scenario::RunToQuiet() {
  for (const auto& record : ledger_.sessions) record->session->client().reading = true;
  auto moved = [this] {
    uint64_t bytes = 0;
    for (const auto& record : ledger_.sessions) {
      const SimConnection& connection = record->session->client().connection();
      bytes += connection.up.bytes_arrived + connection.down.bytes_arrived;
    }
    return bytes;
  };
  uint64_t before = UINT64_MAX;
  for (int i = 0; i < 100 && moved() != before && world_.problem().empty(); ++i) {
    before = moved();
    world_.RunFor(15'000'000'000);
  }
  NoteSuccess();
}

// What waits for a user comes at its next login. Those who vanished still count as sessions until
// the server has noticed, so first they are all cut for good.
void Scenario::LogInAll() {
  for (const auto& record : ledger_.sessions) {
    if (!record->cut) continue;
    SimConnection& connection = record->session->client().connection();
    connection.vanished = false;
    connection.client.closed = true;
    world_.network().ResetByClient(&connection);
  }
  world_.RunFor(5'000'000'000);
  for (uint64_t i = 0; i < kUsers; ++i) {
    auto record = std::make_unique<SessionRecord>();
    record->user = Full(UserName(i));
    record->receipts = true;
    record->acknowledges = true;
    record->session = std::make_unique<SimSession>(&world_, 0);
    record->session->acknowledges = true;
    record->session->SendLogin(record->user,
                               ledger_.durable ? kSimDurableFeatures : kSimFeatures);
    if (ledger_.durable) AskHistories(record.get());
    ledger_.sessions.push_back(std::move(record));
  }
}

void Scenario::AskHistories(SessionRecord* record) {
  std::vector<std::string> with;
  for (const auto& [channel, members] : ledger_.members) {
    if (members.contains(record->user)) with.push_back(channel);
  }
  for (const auto& [a, b] : contacts_) {
    if (a == record->user) with.push_back(b);
  }
  for (const std::string& address : with) {
    const auto tag = static_cast<uint16_t>(record->tags.size() + 1);
    record->tags.push_back(tag);
    record->histories.emplace(tag, address);
    record->session->Send(HistoryRequest{tag, address, 0, kHistoryLimitMax});
  }
}

void Scenario::DrainAll() {
  world_.Drain();
  world_.RunFor(20'000'000'000);
  for (const auto& record : ledger_.sessions) {
    if (!record->cut && !record->session->client().ended() && record->session->client().reading) {
      ADD_FAILURE() << "a session of " << record->user << " was not ended by the drain";
    }
  }
}

}  // namespace solec
