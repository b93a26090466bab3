// The page of ReportAsHtml: one file, no scripts, nothing loaded from anywhere.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "bench/run_report.h"

namespace solec {
namespace {

constexpr std::string_view kStyle = R"(<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse}
td,th{padding:.15rem 1.5rem .15rem 0;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}
.bad{color:#b00020;font-weight:600}svg{width:100%;height:auto}rect{fill:#3b6ea5}text{font-size:11px;fill:#555}
</style>)";

std::string Escape(std::string_view text) {
  std::string escaped;
  for (char each : text) {
    if (each == '<')
      escaped += "&lt;";
    else if (each == '>')
      escaped += "&gt;";
    else if (each == '&')
      escaped += "&amp;";
    else
      escaped += each;
  }
  return escaped;
}

std::string Row(std::string_view label, std::string_view value, bool bad = false) {
  return "<tr><td>" + Escape(label) + "</td><td class=\"n" + (bad ? " bad" : "") + "\">" +
         Escape(value) + "</td></tr>\n";
}

// Bars over a logarithmic axis of time, two to each power of two.
std::string Chart(const Histogram& histogram) {
  constexpr int kWidth = 800, kHeight = 220, kBase = 195;
  std::map<int, uint64_t> bars;  // by half powers of two
  histogram.ForEachBucket([&bars](uint64_t, uint64_t high, uint64_t count) {
    bars[static_cast<int>(std::floor(2 * std::log2(static_cast<double>(high) + 1)))] += count;
  });
  if (bars.empty()) return "";
  uint64_t most = 0;
  for (const auto& [bar, count] : bars) most = std::max(most, count);
  const int first = bars.begin()->first, bar_count = bars.rbegin()->first - first + 1;
  const double width = static_cast<double>(kWidth) / bar_count;
  std::string svg = "<svg viewBox=\"0 0 " + std::to_string(kWidth) + " " + std::to_string(kHeight) +
                    "\" role=\"img\">\n";
  char line[256];
  const int label_step = std::max(1, bar_count / 8);
  for (int i = 0; i < bar_count; ++i) {
    const auto found = bars.find(first + i);
    const uint64_t count = found == bars.end() ? 0 : found->second;
    const double height = 180.0 * static_cast<double>(count) / static_cast<double>(most);
    const std::string from = ShortTime(static_cast<uint64_t>(std::exp2((first + i) / 2.0)));
    std::snprintf(line, sizeof(line),
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>from %s: "
                  "%llu</title></rect>\n",
                  i * width + 1, kBase - height, std::max(1.0, width - 2), height, from.c_str(),
                  static_cast<unsigned long long>(count));
    svg += line;
    if (i % label_step == 0) {
      std::snprintf(line, sizeof(line), "<text x=\"%.1f\" y=\"%d\">%s</text>\n", i * width,
                    kHeight - 8, from.c_str());
      svg += line;
    }
  }
  return svg + "</svg>\n";
}

}  // namespace

std::string ReportAsHtml(const RunReport& report) {
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                     Escape(report.title) + "</title>\n" + std::string(kStyle) +
                     "</head><body>\n<h1>" + Escape(report.title) + "</h1>\n<table>\n";
  for (const RunFigure& figure : report.figures) {
    page += Row(figure.label, FigureText(figure));
  }
  if (report.checked) {
    page += Row("lost", std::to_string(report.lost), report.lost != 0);
    page += Row("doubled", std::to_string(report.doubled), report.doubled != 0);
    page += Row("reordered", std::to_string(report.reordered), report.reordered != 0);
    page += Row("damaged", std::to_string(report.damaged), report.damaged != 0);
  }
  for (const auto& [kind, count] : report.errors) {
    page += Row("error: " + kind, std::to_string(count), true);
  }
  page += "</table>\n";
  for (const RunLatency& latency : report.latencies) {
    const Histogram& histogram = latency.histogram;
    if (histogram.count() == 0) continue;
    page += "<h2>" + Escape(latency.label) + "</h2>\n<table>\n";
    for (double percent : {50.0, 90.0, 99.0, 99.9}) {
      char name[16];
      std::snprintf(name, sizeof(name), "p%g", percent);
      page += Row(name, ShortTime(histogram.Percentile(percent)));
    }
    page += Row("max", ShortTime(histogram.max())) + "</table>\n" + Chart(histogram);
  }
  for (const std::string& note : report.notes) page += "<p>" + Escape(note) + "</p>\n";
  return page + "</body></html>\n";
}

}  // namespace solec
