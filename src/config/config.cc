#include "config/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/limit_keys.h"
#include "config/units.h"

namespace solec {
namespace {

// Of a whole config file; a larger one is not one.
constexpr size_t kFileBytesMax = size_t{1} << 20;

// Takes values out of a table; the first error is kept. What is never asked for is unknown.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  const std::string& error() const { return error_; }

  void Fail(const toml::source_region& where, const std::string& text) {
    FailAt(where.begin, text);
  }

  void FailAt(const toml::source_position& where, const std::string& text) {
    if (!error_.empty()) return;
    // What is missing altogether has no place; it belongs to the file's beginning.
    const auto line = std::max<toml::source_index>(where.line, 1);
    const auto column = std::max<toml::source_index>(where.column, 1);
    error_ = path_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + text;
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
    if (auto text = node->value_exact<std::string>())
      *value = *text;
    else
      Fail(node->source(), "'" + std::string(key) + "' must be a string");
  }

  void Flag(const toml::table& table, std::string_view key, bool* value) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (auto flag = node->value_exact<bool>())
      *value = *flag;
    else
      Fail(node->source(), "'" + std::string(key) + "' must be true or false");
  }

  void Texts(const toml::table& table, std::string_view key, std::vector<std::string>* values) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    values->clear();
    if (array == nullptr) return Fail(node->source(), "'" + std::string(key) + "' must be a list");
    for (const toml::node& item : *array) {
      if (auto text = item.value_exact<std::string>())
        values->push_back(*text);
      else
        Fail(item.source(), "'" + std::string(key) + "' must be a list of strings");
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
    const bool in_range =
        (value == kUnlimited && key.may_be_unlimited) || (value >= key.least && value <= key.most);
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
    if (key.wide != nullptr)
      limits->*key.wide = value;
    else
      limits->*key.narrow = static_cast<uint32_t>(value);
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

// TOML allows no control characters but these, and toml++ 3.3 stops the program at some of them.
// False, with the place of the first one, if there are any.
bool HasOnlyText(std::string_view text, toml::source_position* where) {
  *where = {1, 1};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7F) return false;
    if (c == '\n') *where = {where->line + 1, 1};
    else if ((byte & 0xC0) != 0x80) ++where->column;
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

absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& path) {
  Reader reader(path);
  if (toml::source_position where; !HasOnlyText(text, &where)) {
    reader.FailAt(where, "a control character; a config is plain text");
    return absl::InvalidArgumentError(reader.error());
  }
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
    if (number && *number >= 1 && *number <= 256)
      config.shards = static_cast<uint64_t>(*number);
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
      reader.Fail(
          policy.get("accounts")->source(),
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
      if (!IsServerName(peer.name))
        reader.Fail(table->source(), "'peer.name' is not a server name");
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
    if (!spin || !ParseShortDuration(*spin, &config.spin_us) || config.spin_us > kSpinUsMax) {
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
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  // A folder opens but does not read: bad() tells it from an empty file.
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(path + ": cannot be read; name a file that this user may read");
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(path + ": too large for a config file");
  }
  return ParseConfig(text, path);
}

}  // namespace solec
