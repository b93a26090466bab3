#include <cstdio>
#include <sstream>

#include "config/config.h"
#include "config/limit_keys.h"
#include "config/units.h"

namespace solec {
namespace {

// A TOML string of any text.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", byte);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Quote(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + Quote(item);
  return "[" + text + "]";
}

template <class T, size_t kCount>
void AddBounds(std::ostringstream* out, const char* table, const BoundKey<T> (&keys)[kCount],
               const T& limits) {
  *out << "[" << table << "]\n";
  for (const BoundKey<T>& key : keys) {
    *out << key.name << " = " << FormatLimit(LimitValue(limits, key), key.kind) << "\n";
  }
}

const char* Word(bool value) {
  return value ? "true" : "false";
}

}  // namespace

std::string FormatLimit(uint64_t value, LimitKind kind) {
  if (value == kUnlimited) return "\"unlimited\"";
  if (kind == LimitKind::kSize) return "\"" + FormatSize(value) + "\"";
  if (kind == LimitKind::kTime) return "\"" + FormatDuration(value) + "\"";
  return std::to_string(value);
}

std::string FormatConfig(const Config& config) {
  std::ostringstream out;
  out << "[server]\nname = " << Quote(config.server_name) << "\nlisten = " << Quote(config.listen)
      << "\nlisten_tls = " << Quote(config.listen_tls) << "\nshards = ";
  if (config.shards == 0)
    out << "\"auto\"\n";
  else
    out << config.shards << "\n";
  if (!config.data_dir.empty()) out << "data_dir = " << Quote(config.data_dir) << "\n";
  out << "[policy]\ncontacts = \"" << (config.policy.contacts_open ? "open" : "required")
      << "\"\naccounts = \"" << (config.policy.accounts_any ? "any" : "closed")
      << "\"\nchannels = \"" << (config.policy.channels_by_users ? "users" : "admin") << "\"\n";
  if (!config.tls_certificate.empty() || !config.tls_key.empty()) {
    out << "[tls]\ncertificate = " << Quote(config.tls_certificate)
        << "\nkey = " << Quote(config.tls_key) << "\n";
  }
  AddBounds(&out, "limits", kLimitKeys, config.limits);
  AddBounds(&out, "store", kStoreKeys, config.store);
  out << "when_full = \"" << (config.policy.deliver_when_full ? "deliver" : "refuse") << "\"\n";
  AddBounds(&out, "history", kHistoryKeys, config.history);
  for (const PeerConfig& peer : config.peers) {
    out << "[[peer]]\nname = " << Quote(peer.name) << "\naddress = " << Quote(peer.address)
        << "\npublic_key = " << Quote(peer.public_key)
        << "\nallow_plain = " << Word(peer.allow_plain) << "\ndial = " << Word(peer.dial) << "\n";
  }
  out << "[admin]\nlisten = " << Quote(config.admin_listen)
      << "\nsocket = " << Quote(config.admin_socket)
      << "\n[io]\nreceive_buffers = " << Quote(config.receive_buffers) << "\nspin = \""
      << config.spin_us << "us\"\n[log]\nlevel = " << Quote(config.log_level) << "\nformat = \""
      << (config.log_json ? "json" : "text") << "\"\n";
  return out.str();
}

std::string DefaultConfigText() {
  Config config;
  config.server_name = "a.example";
  std::string text = FormatConfig(config);
  text.insert(text.find("[policy]"), "# data_dir = \"/var/lib/solec\"\n");
  return text + R"(# [tls]
# certificate = "cert.pem"
# key = "key.pem"
# [[peer]]
# name = "b.example"
# address = "b.example:7654"
# public_key = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
# allow_plain = false
# dial = true
)";
}

}  // namespace solec
