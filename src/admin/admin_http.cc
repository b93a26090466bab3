#include "admin/admin_http.h"

#include <atomic>
#include <thread>

#include <httplib.h>
#include <unistd.h>

#include "admin/metrics.h"
#include "admin/page.h"
#include "io/endpoint.h"

namespace solec {

static constexpr size_t kWorkers = 8;
static constexpr time_t kTimeoutSeconds = 5;

struct AdminHttp::Impl {
  AdminContext context;
  httplib::Server server;
  std::string address;
  std::atomic<bool> ready{true};
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<AdminHttp>> AdminHttp::Start(const std::string& endpoint,
                                                            AdminContext context) {
  auto impl = std::make_unique<Impl>();
  Impl* const it = impl.get();
  it->context = std::move(context);
  // The library does not say why it cannot listen, so somebody else tries first.
  absl::StatusOr<int> probe = OpenListener(endpoint, false);
  if (!probe.ok()) {
    return absl::Status(probe.status().code(), "admin " + std::string(probe.status().message()));
  }
  close(*probe);
  const size_t colon = endpoint.rfind(':');
  std::string host = endpoint.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const int port = std::atoi(endpoint.c_str() + colon + 1);

  it->server.new_task_queue = [] { return new httplib::ThreadPool(kWorkers); };
  it->server.set_read_timeout(kTimeoutSeconds);
  it->server.set_write_timeout(kTimeoutSeconds);
  // A request a connection: an idle one would keep a worker from the others.
  it->server.set_keep_alive_max_count(1);
  // Before the library reads a body, of whatever size: no request here has one.
  it->server.set_pre_routing_handler(
      [](const httplib::Request& request, httplib::Response& response) {
        if (request.method == "GET" || request.method == "HEAD") {
          return httplib::Server::HandlerResponse::Unhandled;
        }
        response.status = 405;
        response.set_header("Allow", "GET, HEAD");
        return httplib::Server::HandlerResponse::Handled;
      });
  // Without SO_REUSEPORT, which the library sets: a second server must not share the port.
  it->server.set_socket_options([](int fd) {
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  auto json = [it](std::string_view command) {
    return [it, command](const httplib::Request&, httplib::Response& response) {
      response.set_content(RunAdminCommand(it->context, command), "application/json");
    };
  };
  it->server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(kPage, "text/html; charset=utf-8");
  });
  it->server.Get("/metrics", [it](const httplib::Request&, httplib::Response& response) {
    response.set_content(PrometheusText(it->context), "text/plain; version=0.0.4; charset=utf-8");
  });
  it->server.Get("/livez", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  it->server.Get("/readyz", [it](const httplib::Request&, httplib::Response& response) {
    // With a full disk the server still delivers and reads; users belong to it, so taking it away
    // helps nobody. One that cannot write at all should be looked at before it gets more of them.
    const DiskStore* store = it->context.shards->disk_store();
    const StoreFigures figures = store == nullptr ? StoreFigures() : store->figures();
    const bool ready = it->ready && !figures.failed;
    response.status = ready ? 200 : 503;
    response.set_content(!it->ready        ? "draining\n"
                         : figures.failed  ? "the store cannot write\n"
                         : figures.full    ? "ok, but the disk is full\n"
                                           : "ok\n",
                         "text/plain");
  });
  it->server.Get("/varz", json(R"({"command":"stats"})"));
  it->server.Get("/connz", json(R"({"command":"connections"})"));
  it->server.Get("/linkz", json(R"({"command":"link list"})"));

  const int bound = port == 0 ? it->server.bind_to_any_port(host.c_str())
                              : (it->server.bind_to_port(host.c_str(), port) ? port : -1);
  if (bound < 0) {
    return absl::UnavailableError("admin " + endpoint +
                                  ": cannot listen there; is another server there?");
  }
  it->address = endpoint.substr(0, colon + 1) + std::to_string(bound);
  it->thread = std::thread([it] { it->server.listen_after_bind(); });
  return std::unique_ptr<AdminHttp>(new AdminHttp(std::move(impl)));
}

AdminHttp::AdminHttp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AdminHttp::~AdminHttp() {
  // stop() does nothing to a server whose thread has not come to listen yet.
  while (!impl_->server.is_running()) std::this_thread::yield();
  impl_->server.stop();
  impl_->thread.join();
}

const std::string& AdminHttp::address() const {
  return impl_->address;
}
void AdminHttp::SetReady(bool ready) {
  impl_->ready = ready;
}

}  // namespace solec
