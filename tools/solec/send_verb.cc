#include "tools/solec/send_verb.h"

#include <cstdio>

#include "client/error_status.h"
#include "tools/solec/account_options.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/event_text.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/safe_text.h"
#include "tools/solec/word_shield.h"

namespace solec {
namespace {

struct SendOptions {
  AccountOptions account;
  std::string target;
  std::vector<std::string> words;  // shielded: see word_shield.h
};

// Sends messages one after another and tells what became of each.
class Sender {
 public:
  Sender(Client* client, const SendOptions& options)
      : client_(client), target_(options.target), json_(options.account.json) {}

  absl::Status Send(std::string_view text) {
    const absl::StatusOr<uint64_t> number = client_->Send(target_, text, NowSeconds());
    if (!number.ok()) return number.status();
    return TakeEvents();
  }

  // Waits until the server has answered for all of them.
  absl::Status Finish() {
    const uint64_t sent = client_->receipts().sent();
    if (client_->Has(kFeatureReceipts) && sent > 0) {
      const absl::Status status = client_->WaitAccepted(sent);
      // A refusal is told by TakeEvents, with all the others.
      if (client_->receipts().answered() < sent) return status;
    }
    const absl::Status closed = client_->Close();
    const absl::Status status = TakeEvents();
    if (!status.ok() && !absl::IsCancelled(status)) return status;
    return client_->Has(kFeatureReceipts) ? absl::OkStatus() : closed;
  }

  int Summarize() const {
    const uint64_t sent = client_->receipts().sent();
    const bool receipts = client_->Has(kFeatureReceipts);
    if (json_) {
      // With receipts each message has had its own line.
      if (!receipts) std::printf("{\"type\":\"sent\",\"count\":%llu}\n", AsLong(sent - refused_));
    } else if (refused_ == 0) {
      std::printf("%s %llu message%s\n", receipts ? "accepted" : "sent", AsLong(sent),
                  sent == 1 ? "" : "s");
      if (!receipts) {
        std::fprintf(stderr, "solec: this server gives no receipts; it reported no error\n");
      }
    } else {
      std::fprintf(stderr, "solec: %llu of %llu messages were refused\n", AsLong(refused_),
                   AsLong(sent));
    }
    return refused_ == 0 ? kExitDone : kExitFailure;
  }

 private:
  static unsigned long long AsLong(uint64_t number) { return number; }

  absl::Status TakeEvents() {
    return client_->Poll(0, [this](const ClientEvent& event) {
      std::visit([this](const auto& kind) { On(kind); }, event);
    });
  }

  // Comes only from a server without receipts, which will not deliver it a second time.
  static void On(const ReceivedMessage& message) {
    std::fprintf(stderr, "meanwhile: %s\n", MessageText(message, NowSeconds()).c_str());
  }

  void On(const MessagesAccepted& accepted) {
    for (; json_ && accepted_ < accepted.up_to; ++accepted_) {
      const uint64_t number = accepted_ + 1;
      if (client_->receipts().CodeOf(number) != ErrorCode::kNone) continue;
      std::printf("%s\n", AcceptedJson(number).c_str());
    }
  }

  void On(const MessageRejected& rejected) {
    ++refused_;
    if (json_) std::printf("%s\n", RejectedJson(rejected.number, rejected.code).c_str());
    Tell("message " + std::to_string(rejected.number) + " to " + target_, rejected.code);
  }

  void On(const MessageBounced& bounce) {
    ++refused_;
    if (json_) std::printf("%s\n", BounceJson(bounce).c_str());
    Tell("a message to " + bounce.target, bounce.code);
  }

  void On(const ServerError& error) {
    ++refused_;
    if (json_) std::printf("%s\n", ErrorJson(error.code).c_str());
    Tell("a message to " + target_, error.code);
  }

  static void Tell(const std::string& what, ErrorCode code) {
    const std::string text = what + " was refused: " + std::string(ErrorAdvice(code));
    std::fprintf(stderr, "solec: %s\n", SafeText(text).c_str());
  }

  Client* const client_;
  const std::string target_;
  const bool json_;
  uint64_t refused_ = 0;
  uint64_t accepted_ = 0;  // told so far
};

// The next line of standard input without its end. Past the longest message it is cut one byte
// later, so that Send says what is wrong. False at the end of input.
bool ReadLine(std::string* line) {
  line->clear();
  int byte;
  while ((byte = std::fgetc(stdin)) != EOF && byte != '\n') {
    if (line->size() <= kContentBytesMax) *line += static_cast<char>(byte);
  }
  if (line->ends_with('\r')) line->pop_back();
  return byte != EOF || !line->empty();
}

absl::Status SendLines(Sender* sender) {
  std::string line;
  for (uint64_t count = 1; ReadLine(&line); ++count) {
    if (line.empty()) continue;
    const absl::Status status = sender->Send(line);
    if (absl::IsInvalidArgument(status)) {
      // Not the command line was wrong, but the data.
      return absl::FailedPreconditionError("line " + std::to_string(count) + ": " +
                                           std::string(status.message()));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

int RunSend(const SendOptions& options) {
  std::string text;
  for (const std::string& word : options.words) {
    if (!text.empty()) text += ' ';
    text += UnshieldWord(word);
  }
  const absl::StatusOr<std::unique_ptr<Client>> client = LogIn(options.account);
  if (!client.ok()) return ReportFailure(client.status());
  Sender sender(client->get(), options);
  const absl::Status sent = text == "-" ? SendLines(&sender) : sender.Send(text);
  // What was sent before a failure is still waited for, and told.
  const absl::Status finished = sender.Finish();
  const int code = sender.Summarize();
  if (!sent.ok()) return ReportFailure(sent);
  if (!finished.ok()) return ReportFailure(finished);
  return code;
}

}  // namespace

void AddSendVerb(CLI::App* app, Verb* chosen) {
  AddVerb<SendOptions>(
      app, chosen, "send", "Send a message, or one per line of standard input",
      [](CLI::App* verb, SendOptions* options) {
        AddAccountOptions(verb, &options->account);
        verb->add_option("TARGET", options->target,
                         "bob@a.example, #room@a.example; bob: same server")
            ->required()
            ->type_name("");
        verb->add_option("TEXT", options->words,
                         "The message; - : a message per line of standard input")
            ->required()
            ->type_name("");
        verb->footer(
            "Ends with status 0 only once the server has accepted every message (where it gives\n"
            "receipts). A text that begins with - goes after --: solec send a@b c@b -- -x");
      },
      RunSend);
}

}  // namespace solec
