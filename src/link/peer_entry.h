// A peer as the configuration names it. Every shard has the same list, replaced by a reload.
#pragma once

#include <string>

namespace solec {

struct PeerEntry {
  std::string name;     // "b.example", folded
  std::string address;  // "b.example:7654"; empty: never dialled
  std::string pin;      // "sha256/…", of its key; empty: plain links only
  bool allow_plain = false;
  bool dial = true;

  friend bool operator==(const PeerEntry&, const PeerEntry&) = default;
};

}  // namespace solec
