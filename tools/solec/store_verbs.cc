#include "tools/solec/store_verbs.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "store/maintenance.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/safe_text.h"
#include "tools/solec/store_export.h"
#include "tools/solec/store_source.h"

namespace solec {
namespace {

using Json = nlohmann::ordered_json;

struct StoreOptions {
  AdminOptions admin;
  std::string from;
  std::string folder;
  bool with_passwords = false;
};

void PrintJson(const Json& json) {
  std::printf("%s\n", SafeJson(json.dump(-1, ' ', false, Json::error_handler_t::replace)).c_str());
}

int RunCheck(const StoreOptions& options) {
  const auto source = StoreSource::Open(options.admin, options.from);
  if (!source.ok()) return ReportFailure(source.status());
  const absl::StatusOr<StoreCheck> check = CheckStore((*source)->path());
  if (!check.ok()) return ReportFailure(check.status());
  if (options.admin.json) {
    PrintJson({{"entries", check->entries},
               {"errors", check->fault_count},
               {"faults", check->faults},
               {"disagreement_count", check->disagreement_count},
               {"disagreements", check->disagreements}});
  } else {
    for (const std::string& fault : check->faults) std::printf("%s\n", SafeLine(fault).c_str());
    for (const std::string& text : check->disagreements) {
      std::printf("not an error, but: %s\n", SafeLine(text).c_str());
    }
    std::printf("%llu entries, %s errors\n", static_cast<unsigned long long>(check->entries),
                check->fault_count == 0 ? "no" : std::to_string(check->fault_count).c_str());
  }
  return check->fault_count == 0 ? kExitDone : kExitFailure;
}

// A figure, and what people call it.
struct Line {
  const char* name;
  const char* label;
  uint64_t StoreStats::*value;
};

constexpr Line kLines[] = {
    {"last_position", "last position", &StoreStats::last_position},
    {"chat_cutoff", "chats forgotten up to", &StoreStats::chat_cutoff},
    {"channel_cutoff", "channels forgotten up to", &StoreStats::post_cutoff},
    {"users", "users", &StoreStats::users},
    {"contacts", "contacts", &StoreStats::contacts},
    {"joined", "joined channels", &StoreStats::joined},
    {"channels", "channels", &StoreStats::channels},
    {"members", "members", &StoreStats::members},
    {"chats", "chats", &StoreStats::chats},
    {"chat_messages", "messages in chats", &StoreStats::chat_messages},
    {"chat_bytes", "bytes in chats", &StoreStats::chat_bytes},
    {"channel_histories", "histories of channels", &StoreStats::histories},
    {"channel_messages", "messages in channels", &StoreStats::post_messages},
    {"channel_bytes", "bytes in channels", &StoreStats::post_bytes},
    {"inbox_messages", "messages kept for users", &StoreStats::inbox_messages},
    {"peers", "peers", &StoreStats::peers},
    {"spool_messages", "messages for peers", &StoreStats::spool_messages},
    {"spool_bytes", "bytes for peers", &StoreStats::spool_bytes},
    {"log_bytes", "bytes of the log", &StoreStats::log_bytes},
};

int RunStats(const StoreOptions& options) {
  const auto source = StoreSource::Open(options.admin, options.from);
  if (!source.ok()) return ReportFailure(source.status());
  const absl::StatusOr<StoreStats> stats = StatStore((*source)->path());
  if (!stats.ok()) return ReportFailure(stats.status());
  if (options.admin.json) {
    Json json = {{"server", stats->server_name}, {"schema", stats->schema}};
    for (const Line& line : kLines) json[line.name] = (*stats).*line.value;
    Json& spaces = json["spaces"] = Json::array();
    for (const StoreSpaceStats& space : stats->spaces) {
      spaces.push_back({{"name", space.name},
                        {"entries", space.entries},
                        {"key_bytes", space.key_bytes},
                        {"value_bytes", space.value_bytes},
                        {"table_bytes", space.table_bytes}});
    }
    PrintJson(json);
    return kExitDone;
  }
  std::printf("%-26s %s\n%-26s %s\n", "server", SafeLine(stats->server_name).c_str(), "schema",
              SafeLine(stats->schema).c_str());
  for (const Line& line : kLines) {
    std::printf("%-26s %llu\n", line.label,
                static_cast<unsigned long long>((*stats).*line.value));
  }
  std::printf("\n%-26s %14s %14s %14s %14s\n", "space", "entries", "key bytes", "value bytes",
              "table bytes");
  for (const StoreSpaceStats& space : stats->spaces) {
    std::printf("%-26s %14llu %14llu %14llu %14llu\n", space.name.c_str(),
                static_cast<unsigned long long>(space.entries),
                static_cast<unsigned long long>(space.key_bytes),
                static_cast<unsigned long long>(space.value_bytes),
                static_cast<unsigned long long>(space.table_bytes));
  }
  return kExitDone;
}

int RunExport(const StoreOptions& options) {
  const auto source = StoreSource::Open(options.admin, options.from);
  if (!source.ok()) return ReportFailure(source.status());
  const ExportSink sink = JsonLines(options.with_passwords, [](const std::string& line) {
    return std::printf("%s\n", line.c_str()) >= 0;
  });
  const absl::Status status = ExportStore((*source)->path(), sink);
  return status.ok() ? kExitDone : ReportFailure(status);
}

int RunBackup(const StoreOptions& options) {
  const absl::Status status = BackUp(options.admin, options.folder);
  if (!status.ok()) return ReportFailure(status);
  if (options.admin.json) {
    std::printf("{\"ok\":true}\n");
  } else {
    std::printf("backed up into %s\n", SafeLine(options.folder).c_str());
  }
  return kExitDone;
}

void AddReadingOptions(CLI::App* verb, StoreOptions* options) {
  AddAdminOptions(verb, &options->admin);
  verb->add_option("--from", options->from, "Read the backup in DIR instead of the server's store")
      ->type_name("DIR");
}

}  // namespace

void AddStoreVerbs(CLI::App* app, Verb* chosen) {
  CLI::App* const store =
      app->add_subcommand("store", "What the server keeps on disk (for its operator)");
  store->require_subcommand(1);
  AddVerb<StoreOptions>(store, chosen, "check",
                        "Read all of it; tell what is damaged, with status 1 if anything is",
                        AddReadingOptions, RunCheck);
  AddVerb<StoreOptions>(store, chosen, "stats", "Count what is in it", AddReadingOptions,
                        RunStats);
  AddVerb<StoreOptions>(
      store, chosen, "export", "Print all of it, one JSON object a line",
      [](CLI::App* verb, StoreOptions* options) {
        AddReadingOptions(verb, options);
        verb->add_flag("--with-passwords", options->with_passwords,
                       "Users with the hashes of their passwords");
      },
      RunExport);
  AddVerb<StoreOptions>(
      store, chosen, "backup", "Put a copy, as of one moment, into DIR, which is empty or missing",
      [](CLI::App* verb, StoreOptions* options) {
        AddAdminOptions(verb, &options->admin);
        verb->add_option("DIR", options->folder)->required()->type_name("");
      },
      RunBackup);
}

}  // namespace solec
