// The results of a run: figures for people, for programs (JSON), and as a page (HTML). Values; the
// texts are made once, at the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/histogram.h"

namespace solec {

struct RunFigure {
  std::string key;    // for programs: "deliveries_per_second"
  std::string label;  // for people
  double value;
  std::string unit;  // "/s", "B", "s", "us", "ns", "%", or empty
};

struct RunLatency {
  std::string key;  // "latency", "login_first"
  std::string label;
  Histogram histogram;  // nanoseconds
};

struct RunReport {
  std::string title;  // the scenario and what shaped it
  std::vector<RunFigure> figures;
  std::vector<RunLatency> latencies;
  std::map<std::string, uint64_t> errors;  // by kind; those that did not occur are left out
  std::vector<std::string> notes;
  bool checked = false;  // messages were sent, and their numbers checked
  uint64_t lost = 0, doubled = 0, reordered = 0, damaged = 0, unaccepted = 0;

  bool failed() const { return (lost | doubled | reordered | damaged | unaccepted) != 0; }
  void Add(std::string key, std::string label, double value, std::string unit = "") {
    figures.push_back({std::move(key), std::move(label), value, std::move(unit)});
  }
};

// "1.23 M", "456 k", "78.9": three digits, for people.
std::string ShortNumber(double value);
// "12.3 us".
std::string ShortTime(uint64_t ns);

// The value with its unit, for people.
std::string FigureText(const RunFigure& figure);

std::string ReportAsText(const RunReport& report);
std::string ReportAsJson(const RunReport& report);
std::string ReportAsHtml(const RunReport& report);

// "-" is stdout. The text of an error names the file and the reason.
absl::Status WriteReport(const std::string& path, std::string_view text);

}  // namespace solec
