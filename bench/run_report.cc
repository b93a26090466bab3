#include "bench/run_report.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

namespace solec {

static constexpr std::pair<const char*, double> kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

std::string ShortNumber(double value) {
  const char* unit = "";
  for (const auto& [step, name] : {std::pair{1e9, " G"}, {1e6, " M"}, {1e3, " k"}}) {
    if (value >= step) {
      value /= step;
      unit = name;
      break;
    }
  }
  char text[32];
  const int digits = value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : 2;
  std::snprintf(text, sizeof(text), "%.*f%s", digits, value, unit);
  return text;
}

std::string ShortTime(uint64_t ns) {
  const auto value = static_cast<double>(ns);
  char text[32];
  if (ns < 1'000)
    std::snprintf(text, sizeof(text), "%.0f ns", value);
  else if (ns < 1'000'000)
    std::snprintf(text, sizeof(text), "%.1f us", value / 1e3);
  else if (ns < 1'000'000'000)
    std::snprintf(text, sizeof(text), "%.2f ms", value / 1e6);
  else
    std::snprintf(text, sizeof(text), "%.2f s", value / 1e9);
  return text;
}

std::string FigureText(const RunFigure& figure) {
  if (figure.unit == "ns") return ShortTime(static_cast<uint64_t>(figure.value));
  if (figure.unit == "us") return ShortTime(static_cast<uint64_t>(figure.value * 1e3));
  const std::string number = ShortNumber(figure.value);
  const bool prefixed = number.find(' ') != std::string::npos;
  const bool joined = prefixed || figure.unit.empty() || figure.unit.starts_with('/');
  return number + (joined ? "" : " ") + figure.unit;
}

static std::string LatencyText(const Histogram& histogram) {
  std::string text;
  for (const auto& [name, percent] : kPercentiles) {
    text += std::string(name) + " " + ShortTime(histogram.Percentile(percent)) + "  ";
  }
  return text + "max " + ShortTime(histogram.max());
}

static std::string SequenceText(const RunReport& report) {
  return std::to_string(report.lost) + " lost, " + std::to_string(report.doubled) + " doubled, " +
         std::to_string(report.reordered) + " reordered, " + std::to_string(report.damaged) +
         " damaged";
}

std::string ReportAsText(const RunReport& report) {
  constexpr int kLabelWidth = 34;
  std::string text = report.title + "\n";
  auto line = [&text](const std::string& label, const std::string& value) {
    text += "  " + label +
            std::string(
                static_cast<size_t>(std::max<int>(1, kLabelWidth - static_cast<int>(label.size()))),
                ' ') +
            value + "\n";
  };
  for (const RunFigure& figure : report.figures) line(figure.label, FigureText(figure));
  for (const RunLatency& latency : report.latencies) {
    if (latency.histogram.count() != 0) line(latency.label, LatencyText(latency.histogram));
  }
  if (report.checked) line("messages", SequenceText(report));
  if (report.unaccepted != 0) line("without a receipt", std::to_string(report.unaccepted));
  for (const auto& [kind, count] : report.errors) line("error: " + kind, std::to_string(count));
  for (const std::string& note : report.notes) text += "  note: " + note + "\n";
  return text;
}

std::string ReportAsJson(const RunReport& report) {
  nlohmann::ordered_json json;
  json["title"] = report.title;
  for (const RunFigure& figure : report.figures) json["figures"][figure.key] = figure.value;
  for (const RunLatency& latency : report.latencies) {
    const Histogram& histogram = latency.histogram;
    auto& out = json["latencies_ns"][latency.key];
    out["count"] = histogram.count();
    for (const auto& [name, percent] : kPercentiles) out[name] = histogram.Percentile(percent);
    out["max"] = histogram.max();
    out["mean"] = histogram.mean();
  }
  json["lost"] = report.lost;
  json["doubled"] = report.doubled;
  json["reordered"] = report.reordered;
  json["damaged"] = report.damaged;
  json["unaccepted"] = report.unaccepted;
  json["errors"] = nlohmann::ordered_json::object();
  for (const auto& [kind, count] : report.errors) json["errors"][kind] = count;
  json["notes"] = report.notes;
  return json.dump(2) + "\n";
}

absl::Status WriteReport(const std::string& path, std::string_view text) {
  std::FILE* const file = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr)
    written = (file == stdout ? std::fflush(file) : std::fclose(file)) == 0 && written;
  if (written) return absl::OkStatus();
  return absl::UnknownError("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace solec
