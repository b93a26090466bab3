#include "tools/solec/link_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "tools/solec/safe_text.h"

namespace solec {
namespace {

using Json = nlohmann::json;

constexpr std::array kHead = {"PEER",     "STATE",  "SINCE",    "LINK",    "WAITING", "BYTES",
                              "OLDEST",   "SENT",   "RESENT",   "RECEIVED", "BOUNCED", "REFUSED"};
// The words; what follows are numbers, which stand to the right.
constexpr size_t kWordColumns = 4;
using Row = std::array<std::string, kHead.size()>;

std::string Word(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "-";
  const std::string text = SafeLine(found->get<std::string>());
  return text.empty() ? "-" : text;
}

uint64_t Number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

bool Flag(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// "dialled, tls": how the link came to be.
std::string LinkText(const Json& link) {
  if (!link.contains("dialled")) return "-";
  return std::string(Flag(link, "dialled") ? "dialled" : "accepted") +
         (Flag(link, "tls") ? ", tls" : ", plain");
}

Row RowOf(const Json& link) {
  const uint64_t refused = Number(link, "refused_source") + Number(link, "refused_channel") +
                           Number(link, "refused_transit") + Number(link, "refused_other");
  const uint64_t waiting = Number(link, "spool_messages");
  return {Word(link, "name"),
          Word(link, "state"),
          SpanText(Number(link, "state_ms")),
          LinkText(link),
          std::to_string(waiting),
          waiting == 0 ? "-" : SizeText(Number(link, "spool_bytes")),
          waiting == 0 ? "-" : SpanText(Number(link, "spool_oldest_ms")),
          std::to_string(Number(link, "sent")),
          std::to_string(Number(link, "resent")),
          std::to_string(Number(link, "received")),
          std::to_string(Number(link, "bounced")),
          std::to_string(refused)};
}

std::string ErrorLine(const Json& link) {
  std::string line = "    " + SpanText(Number(link, "last_error_ms")) + " ago, at " +
                     Word(link, "last_error_step") + ": " + Word(link, "last_error");
  if (link.contains("dial_in_ms")) {
    line += "; dials again in " + SpanText(Number(link, "dial_in_ms"));
  }
  return line + "\n";
}

// Terminals count characters, not bytes; names of servers and all other words here are ASCII.
void AppendRow(const Row& row, const std::array<size_t, kHead.size()>& widths, std::string* text) {
  std::string line;
  for (size_t column = 0; column < row.size(); ++column) {
    if (column != 0) line += "  ";
    const std::string blanks(widths[column] - row[column].size(), ' ');
    line += column < kWordColumns ? row[column] + blanks : blanks + row[column];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  *text += line + "\n";
}

}  // namespace

std::string LinkTableText(const Json& links) {
  if (!links.is_array() || links.empty()) return "";
  Row head;
  std::copy(kHead.begin(), kHead.end(), head.begin());
  std::vector<Row> rows = {head};
  for (const Json& link : links) rows.push_back(RowOf(link));
  std::array<size_t, kHead.size()> widths{};
  for (const Row& row : rows) {
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    AppendRow(rows[i], widths, &text);
    if (i != 0 && links[i - 1].contains("last_error")) text += ErrorLine(links[i - 1]);
  }
  return text;
}

std::string LinkStepsText(const Json& steps) {
  std::string text;
  if (!steps.is_array()) return text;
  for (const Json& step : steps) {
    char row[64];
    std::snprintf(row, sizeof(row), "%-8.16s %-8.16s", Word(step, "step").c_str(),
                  Word(step, "result").c_str());
    std::string line = row;
    if (const std::string said = Word(step, "text"); said != "-") line += " " + said;
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string SpanText(uint64_t ms) {
  constexpr struct {
    uint64_t ms;
    const char* name;
  } kUnits[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "min"}, {1'000, "s"}};
  for (const auto& unit : kUnits) {
    if (ms >= 2 * unit.ms) return std::to_string(ms / unit.ms) + " " + unit.name;
  }
  return std::to_string(ms) + " ms";
}

std::string SizeText(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", value, unit);
  return text;
}

}  // namespace solec
