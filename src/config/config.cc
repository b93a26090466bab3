#include "config/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace solec {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kSizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};
constexpr Unit kShortTimes[] = {{"us", 1}, {"ms", 1'000}};
constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}};

template <size_t N>
bool ParseWithUnit(std::string_view text, const Unit (&units)[N], uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (error != std::errc()) return false;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    return !__builtin_mul_overflow(*value, known.factor, value);
  }
  return false;
}

template <size_t N>
std::string FormatWithUnit(uint64_t value, const Unit (&units)[N], bool largest_first) {
  const Unit* best = nullptr;
  for (const Unit& unit : units) {
    const bool fits = value % unit.factor == 0 && value >= unit.factor;
    if (fits && (best == nullptr || !largest_first)) best = &unit;
  }
  if (best == nullptr) return "0" + std::string(largest_first ? "B" : "s");
  return std::to_string(value / best->factor) + std::string(best->name);
}

// What a key of [limits] holds.
enum class LimitKind { kCount, kSize, kTime };

struct LimitKey {
  std::string_view name;
  LimitKind kind;
  uint64_t Limits::*wide;
  uint32_t Limits::*narrow;
  uint64_t least;
  uint64_t most;
  bool may_be_unlimited;
};

constexpr uint64_t kDayMs = 24 * 3'600'000;
constexpr LimitKey kLimitKeys[] = {
    {"login_timeout", LimitKind::kTime, &Limits::login_timeout_ms, nullptr, 10, kDayMs, false},
    {"login_tries", LimitKind::kCount, nullptr, &Limits::login_tries, 1, 255, false},
    {"message_bytes_max", LimitKind::kSize, &Limits::message_bytes_max, nullptr, 1, 61'440, false},
    {"output_bytes_max", LimitKind::kSize, &Limits::output_bytes_max, nullptr, 256 << 10,
     uint64_t{1} << 30, false},
    {"output_stall_timeout", LimitKind::kTime, &Limits::output_stall_timeout_ms, nullptr, 100,
     kDayMs, false},
    {"messages_per_second_max", LimitKind::kCount, &Limits::messages_per_second_max, nullptr, 1,
     1'000'000'000, true},
    {"connections_max", LimitKind::kCount, &Limits::connections_max, nullptr, 1, 100'000'000, true},
    {"connections_per_address_max", LimitKind::kCount, &Limits::connections_per_address_max,
     nullptr, 1, 100'000'000, true},
    {"sessions_per_user_max", LimitKind::kCount, &Limits::sessions_per_user_max, nullptr, 1, 10'000,
     false},
    {"contacts_per_user_max", LimitKind::kCount, &Limits::contacts_per_user_max, nullptr, 0,
     1'000'000, false},
    {"channels_per_user_max", LimitKind::kCount, &Limits::channels_per_user_max, nullptr, 0,
     100'000, false},
    {"members_per_channel_max", LimitKind::kCount, &Limits::members_per_channel_max, nullptr, 1,
     100'000'000, false},
    {"waiting_bytes_per_user_max", LimitKind::kSize, &Limits::waiting_bytes_per_user_max, nullptr,
     0, uint64_t{1} << 40, false},
    {"memory_store_bytes_max", LimitKind::kSize, &Limits::memory_store_bytes_max, nullptr, 1 << 20,
     uint64_t{1} << 46, false},
    {"spool_bytes_max", LimitKind::kSize, &Limits::spool_bytes_max, nullptr, 0, uint64_t{1} << 46,
     false},
    {"spool_age_max", LimitKind::kTime, &Limits::spool_age_max_ms, nullptr, 0, 365 * kDayMs, false},
    {"password_queue_max", LimitKind::kCount, &Limits::password_queue_max, nullptr, 1, 1'000'000,
     false},
    {"password_memory", LimitKind::kSize, &Limits::password_memory_bytes, nullptr, 8 << 10,
     uint64_t{4} << 30, false},
    {"password_passes", LimitKind::kCount, &Limits::password_passes, nullptr, 1, 100, false},
};

uint64_t LimitValue(const Limits& limits, const LimitKey& key) {
  return key.wide != nullptr ? limits.*key.wide : limits.*key.narrow;
}

std::string FormatLimit(uint64_t value, LimitKind kind) {
  if (value == kUnlimited) return "\"unlimited\"";
  if (kind == LimitKind::kSize) return "\"" + FormatWithUnit(value, kSizes, true) + "\"";
  if (kind == LimitKind::kTime) return "\"" + FormatWithUnit(value, kTimes, false) + "\"";
  return std::to_string(value);
}

// Takes values out of a table; the first error is kept. What is never asked for is unknown.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  const std::string& error() const { return error_; }

  void Fail(const toml::source_region& where, const std::string& text) {
    if (!error_.empty()) return;
    std::ostringstream stream;
    stream << path_ << ":" << where.begin.line << ":" << where.begin.column << ": " << text;
    error_ = stream.str();
  }

  void CheckKeys(const toml::table& table, const std::string& name,
                 const std::set<std::string_view>& known) {
    for (const auto& [key, value] : table) {
      if (known.contains(key.str())) continue;
      Fail(key.source(), "unknown key '" + name + std::string(key.str()) + "'");
    }
  }

  void Text(const toml::table& table, std::string_view key, std::string* value) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (auto text = node->value_exact<std::string>()) *value = *text;
    else Fail(node->source(), "'" + std::string(key) + "' must be a string");
  }

  void Flag(const toml::table& table, std::string_view key, bool* value) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (auto flag = node->value_exact<bool>()) *value = *flag;
    else Fail(node->source(), "'" + std::string(key) + "' must be true or false");
  }

  void Texts(const toml::table& table, std::string_view key, std::vector<std::string>* values) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    values->clear();
    if (array == nullptr) return Fail(node->source(), "'" + std::string(key) + "' must be a list");
    for (const toml::node& item : *array) {
      if (auto text = item.value_exact<std::string>()) values->push_back(*text);
      else Fail(item.source(), "'" + std::string(key) + "' must be a list of strings");
    }
  }

  // One of `words`; its place in the list.
  void Word(const toml::table& table, std::string_view key,
            const std::vector<std::string_view>& words, size_t* place) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto text = node->value_exact<std::string>();
    std::string choice;
    for (size_t i = 0; i < words.size(); ++i) {
      if (text && *text == words[i]) {
        *place = i;
        return;
      }
      choice += (i == 0 ? "" : ", ") + ("\"" + std::string(words[i]) + "\"");
    }
    Fail(node->source(), "'" + std::string(key) + "' must be one of " + choice);
  }

  void Limit(const toml::table& table, const LimitKey& key, Limits* limits) {
    const toml::node* node = table.get(key.name);
    if (node == nullptr) return;
    uint64_t value = 0;
    bool understood = false;
    if (auto number = node->value_exact<int64_t>(); number && *number >= 0) {
      value = static_cast<uint64_t>(*number);
      understood = key.kind != LimitKind::kTime;
    } else if (auto text = node->value_exact<std::string>()) {
      if (*text == "unlimited" && key.may_be_unlimited) {
        value = kUnlimited;
        understood = true;
      } else if (key.kind == LimitKind::kSize) {
        understood = ParseSize(*text, &value);
      } else if (key.kind == LimitKind::kTime) {
        understood = ParseDuration(*text, &value);
      }
    }
    const bool in_range = (value == kUnlimited && key.may_be_unlimited) ||
                          (value >= key.least && value <= key.most);
    if (!understood || !in_range) {
      const char* kind = key.kind == LimitKind::kSize   ? "a size"
                         : key.kind == LimitKind::kTime ? "a time"
                                                        : "a number";
      Fail(node->source(), "'" + std::string(key.name) + "' must be " + kind + " from " +
                               FormatLimit(key.least, key.kind) + " to " +
                               FormatLimit(key.most, key.kind) +
                               (key.may_be_unlimited ? ", or \"unlimited\"" : ""));
      return;
    }
    if (key.wide != nullptr) limits->*key.wide = value;
    else limits->*key.narrow = static_cast<uint32_t>(value);
  }

  const toml::table* Table(const toml::table& table, std::string_view key) {
    static const toml::table kEmpty;
    const toml::node* node = table.get(key);
    if (node == nullptr) return &kEmpty;
    if (node->is_table()) return node->as_table();
    Fail(node->source(), "'" + std::string(key) + "' must be a table");
    return &kEmpty;
  }

 private:
  const std::string& path_;
  std::string error_;
};

bool IsServerName(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  for (const char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') return false;
  }
  return true;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

bool ParseSize(std::string_view text, uint64_t* bytes) {
  return ParseWithUnit(text, kSizes, bytes);
}

bool ParseDuration(std::string_view text, uint64_t* milliseconds) {
  return ParseWithUnit(text, kTimes, milliseconds);
}

absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& path) {
  Reader reader(path);
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    reader.Fail(parsed.error().source(), std::string(parsed.error().description()));
    return absl::InvalidArgumentError(reader.error());
  }
  const toml::table& root = parsed.table();
  Config config;
  reader.CheckKeys(root, "", {"server", "policy", "tls", "limits", "peer", "admin", "io", "log"});

  const toml::table& server = *reader.Table(root, "server");
  reader.CheckKeys(server, "server.", {"name", "listen", "listen_tls", "shards", "data_dir"});
  reader.Text(server, "name", &config.server_name);
  reader.Texts(server, "listen", &config.listen);
  reader.Texts(server, "listen_tls", &config.listen_tls);
  reader.Text(server, "data_dir", &config.data_dir);
  config.server_name = Lower(config.server_name);
  if (!IsServerName(config.server_name)) {
    const toml::node* node = server.get("name");
    reader.Fail(node == nullptr ? server.source() : node->source(),
                node == nullptr ? "'server.name' is required"
                                : "'name' must be letters, digits, '.' and '-'");
  }
  if (const toml::node* node = server.get("shards")) {
    const auto number = node->value_exact<int64_t>();
    const auto word = node->value_exact<std::string>();
    if (number && *number >= 1 && *number <= 256) config.shards = static_cast<uint64_t>(*number);
    else if (!word || *word != "auto") {
      reader.Fail(node->source(), "'shards' must be \"auto\" or a number from 1 to 256");
    }
  }
  if (!config.listen_tls.empty()) {
    reader.Fail(server.get("listen_tls")->source(), "'listen_tls': this build has no TLS");
  }

  const toml::table& policy = *reader.Table(root, "policy");
  reader.CheckKeys(policy, "policy.", {"contacts", "accounts", "channels"});
  size_t contacts = 0, accounts = 0, channels = 0;
  reader.Word(policy, "contacts", {"required", "open"}, &contacts);
  reader.Word(policy, "accounts", {"closed", "any"}, &accounts);
  reader.Word(policy, "channels", {"users", "admin"}, &channels);
  config.policy = {contacts == 1, accounts == 1, channels == 0};
  if (config.policy.accounts_any) {
    for (const std::string& endpoint : config.listen) {
      if (endpoint.starts_with("127.") || endpoint.starts_with("[::1]") ||
          endpoint.starts_with("localhost:")) {
        continue;
      }
      reader.Fail(policy.get("accounts")->source(),
                  "'accounts' = \"any\" is for loopback only, and the server listens on " + endpoint);
    }
  }

  const toml::table& tls = *reader.Table(root, "tls");
  reader.CheckKeys(tls, "tls.", {"certificate", "key"});
  reader.Text(tls, "certificate", &config.tls_certificate);
  reader.Text(tls, "key", &config.tls_key);

  const toml::table& limits = *reader.Table(root, "limits");
  std::set<std::string_view> limit_names;
  for (const LimitKey& key : kLimitKeys) limit_names.insert(key.name);
  reader.CheckKeys(limits, "limits.", limit_names);
  for (const LimitKey& key : kLimitKeys) reader.Limit(limits, key, &config.limits);

  if (const toml::node* node = root.get("peer")) {
    const toml::array* peers = node->as_array();
    if (peers == nullptr) reader.Fail(node->source(), "'peer' must be written [[peer]]");
    for (size_t i = 0; peers != nullptr && i < peers->size(); ++i) {
      const toml::table* table = (*peers)[i].as_table();
      if (table == nullptr) {
        reader.Fail(node->source(), "'peer' must be written [[peer]]");
        break;
      }
      reader.CheckKeys(*table, "peer.", {"name", "address", "public_key", "allow_plain", "dial"});
      PeerConfig peer;
      reader.Text(*table, "name", &peer.name);
      reader.Text(*table, "address", &peer.address);
      reader.Text(*table, "public_key", &peer.public_key);
      reader.Flag(*table, "allow_plain", &peer.allow_plain);
      reader.Flag(*table, "dial", &peer.dial);
      peer.name = Lower(peer.name);
      if (!IsServerName(peer.name)) reader.Fail(table->source(), "'peer.name' is not a server name");
      config.peers.push_back(std::move(peer));
    }
  }

  const toml::table& admin = *reader.Table(root, "admin");
  reader.CheckKeys(admin, "admin.", {"listen", "socket"});
  reader.Text(admin, "listen", &config.admin_listen);
  reader.Text(admin, "socket", &config.admin_socket);
  if (config.admin_socket.empty() && !config.data_dir.empty()) {
    config.admin_socket = config.data_dir + "/admin.sock";
  }

  const toml::table& io = *reader.Table(root, "io");
  reader.CheckKeys(io, "io.", {"receive_buffers", "spin"});
  const std::vector<std::string_view> buffers = {"auto", "plain", "bundles", "incremental"};
  size_t buffer = 0;
  reader.Word(io, "receive_buffers", buffers, &buffer);
  config.receive_buffers = buffers[buffer];
  if (const toml::node* node = io.get("spin")) {
    constexpr uint64_t kSpinUsMax = 10'000;
    const auto spin = node->value_exact<std::string>();
    if (!spin || !ParseWithUnit(*spin, kShortTimes, &config.spin_us) ||
        config.spin_us > kSpinUsMax) {
      reader.Fail(node->source(), "'spin' must be a time from \"0us\" to \"10ms\"");
    }
  }

  const toml::table& log = *reader.Table(root, "log");
  reader.CheckKeys(log, "log.", {"level", "format"});
  const std::vector<std::string_view> levels = {"trace", "debug", "info", "warn", "error"};
  size_t level = 2, format = 0;
  reader.Word(log, "level", levels, &level);
  reader.Word(log, "format", {"text", "json"}, &format);
  config.log_level = levels[level];
  config.log_json = format == 1;

  if (!reader.error().empty()) return absl::InvalidArgumentError(reader.error());
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(path + ": cannot be read");
  return ParseConfig(text.str(), path);
}

std::string FormatConfig(const Config& config) {
  auto list = [](const std::vector<std::string>& items) {
    std::string text = "[";
    for (const std::string& item : items) text += (text == "[" ? "\"" : ", \"") + item + "\"";
    return text + "]";
  };
  std::ostringstream out;
  out << "[server]\nname = \"" << config.server_name << "\"\nlisten = " << list(config.listen)
      << "\nlisten_tls = " << list(config.listen_tls) << "\nshards = ";
  if (config.shards == 0) out << "\"auto\"\n";
  else out << config.shards << "\n";
  if (!config.data_dir.empty()) out << "data_dir = \"" << config.data_dir << "\"\n";
  out << "[policy]\ncontacts = \"" << (config.policy.contacts_open ? "open" : "required")
      << "\"\naccounts = \"" << (config.policy.accounts_any ? "any" : "closed")
      << "\"\nchannels = \"" << (config.policy.channels_by_users ? "users" : "admin")
      << "\"\n[limits]\n";
  for (const LimitKey& key : kLimitKeys) {
    out << key.name << " = " << FormatLimit(LimitValue(config.limits, key), key.kind) << "\n";
  }
  for (const PeerConfig& peer : config.peers) {
    out << "[[peer]]\nname = \"" << peer.name << "\"\naddress = \"" << peer.address
        << "\"\npublic_key = \"" << peer.public_key << "\"\nallow_plain = "
        << (peer.allow_plain ? "true" : "false") << "\ndial = " << (peer.dial ? "true" : "false")
        << "\n";
  }
  out << "[admin]\nlisten = \"" << config.admin_listen << "\"\nsocket = \"" << config.admin_socket
      << "\"\n[io]\nreceive_buffers = \"" << config.receive_buffers << "\"\nspin = \""
      << config.spin_us << "us\"\n[log]\nlevel = \"" << config.log_level << "\"\nformat = \""
      << (config.log_json ? "json" : "text") << "\"\n";
  return out.str();
}

}  // namespace solec
