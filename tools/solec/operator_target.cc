#include "tools/solec/operator_target.h"

#include <cstdio>
#include <utility>

#include "admin/commands.h"
#include "tools/solec/safe_text.h"

namespace solec {

absl::StatusOr<OperatorTarget> OperatorTarget::Find(const AdminOptions& options,
                                                    bool needs_server) {
  OperatorTarget target;
  if (!options.config.empty()) {
    absl::StatusOr<Config> config = LoadConfig(options.config);
    if (!config.ok()) return absl::InvalidArgumentError(std::string(config.status().message()));
    target.config_ = *std::move(config);
  }
  bool nobody_listens = false;
  absl::StatusOr<AdminClient> server = ConnectAdmin(options, &nobody_listens);
  if (server.ok()) {
    target.server_.emplace(*std::move(server));
    return target;
  }
  const bool has_store = target.config_.has_value() && !target.config_->data_dir.empty();
  if (needs_server || !nobody_listens || !has_store) return server.status();
  return target;
}

absl::StatusOr<std::unique_ptr<ClosedStore>> OperatorTarget::OpenStore() const {
  return ClosedStore::Open(*config_, [](std::string_view text) {
    std::fprintf(stderr, "solec: store: %s\n", SafeText(text).c_str());
  });
}

absl::StatusOr<nlohmann::json> OperatorTarget::Ask(const nlohmann::json& request) {
  if (server_.has_value()) return server_->Ask(request);
  const absl::StatusOr<std::unique_ptr<ClosedStore>> store = OpenStore();
  if (!store.ok()) return store.status();
  AdminContext context;
  context.control = (*store)->control();
  context.server_name = config_->server_name;
  return TakeAdminAnswer(RunAdminCommand(
      context, request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

}  // namespace solec
