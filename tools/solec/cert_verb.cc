#include "tools/solec/cert_verb.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <nlohmann/json.hpp>

#include "net/tls_certificate.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

constexpr int kDaysDefault = 3650;
constexpr int kDaysMax = 36500;
constexpr int64_t kSecondsPerDay = 24 * 3600;
// Clocks of the two sides differ a little.
constexpr int64_t kBeginSeconds = -3600;

struct CertOptions {
  std::string name;
  std::string out = ".";
  int days = kDaysDefault;
  bool force = false;
  bool json = false;
  std::string config;  // taken so that all verbs of an operator look alike
};

absl::Status Failed(const std::string& path, const char* what, int error) {
  std::string text = path + std::string(" ") + what + ": " + std::strerror(error);
  if (error == EEXIST) {
    return absl::AlreadyExistsError(path +
                                    " is there already; --force replaces it, and the pin with it");
  }
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(text);
  }
  return absl::InvalidArgumentError(text);
}

// A new file beside `path`, complete and on the disk; then it takes the name.
absl::Status WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new";
  unlink(fresh.c_str());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return Failed(path, "cannot be written", errno);
  const bool written =
      fchmod(fd, mode) == 0 &&
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (written && rename(fresh.c_str(), path.c_str()) == 0) return absl::OkStatus();
  const int why = written ? errno : error;
  unlink(fresh.c_str());
  return Failed(path, "cannot be written", why);
}

int RunCertCreate(const CertOptions& options) {
  if (options.name.empty() || options.name.size() > 255 ||
      options.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789.-:") != std::string::npos) {
    return ReportFailure(absl::InvalidArgumentError(
        "'" + options.name + "' is no server's name; write for example a.example"));
  }
  const std::string certificate = options.out + "/" + options.name + ".pem";
  const std::string key = options.out + "/" + options.name + ".key";
  for (const std::string& path : {certificate, key}) {
    if (!options.force && access(path.c_str(), F_OK) == 0) {
      return ReportFailure(Failed(path, "", EEXIST));
    }
  }
  const absl::StatusOr<CertificateFiles> files =
      MakeSelfSigned(options.name, kBeginSeconds, options.days * kSecondsPerDay);
  if (!files.ok()) return ReportFailure(files.status());
  // The key first: a certificate without its key is of no use to anybody.
  absl::Status written = WriteFile(key, files->key_pem, 0600);
  if (written.ok()) written = WriteFile(certificate, files->certificate_pem, 0644);
  if (!written.ok()) return ReportFailure(written);
  if (options.json) {
    const nlohmann::json line = {{"name", options.name},
                                 {"certificate", certificate},
                                 {"key", key},
                                 {"public_key", files->pin}};
    std::printf("%s\n", line.dump().c_str());
    return kExitDone;
  }
  std::printf("%s\n", files->pin.c_str());
  std::fprintf(stderr,
               "wrote %s and %s, good for %d days\n"
               "in this server's config:   [tls]\n"
               "                           certificate = \"%s\"\n"
               "                           key = \"%s\"\n"
               "in that of its peers:      public_key = \"%s\"\n",
               certificate.c_str(), key.c_str(), options.days, certificate.c_str(), key.c_str(),
               files->pin.c_str());
  return kExitDone;
}

}  // namespace

void AddCertVerb(CLI::App* app, Verb* chosen) {
  CLI::App* const group =
      app->add_subcommand("cert", "Certificates (for the server's operator)");
  group->require_subcommand(1);
  AddVerb<CertOptions>(
      group, chosen, "create", "Create a self-signed certificate and print its pin",
      [](CLI::App* verb, CertOptions* options) {
        verb->add_option("NAME", options->name, "The server's name")->required()->type_name("");
        verb->add_option("--out", options->out, "Write NAME.pem and NAME.key there [.]")
            ->type_name("DIR");
        verb->add_option("--days", options->days, "How long it is good for [3650]")
            ->type_name("N")
            ->check(CLI::Range(1, kDaysMax));
        verb->add_flag("--force", options->force, "Replace what is there");
        verb->add_flag("--json", options->json, "One JSON object on standard output");
        verb->add_option("--config", options->config, "Not needed: nothing is read from it")
            ->type_name("FILE");
      },
      RunCertCreate);
}

}  // namespace solec
