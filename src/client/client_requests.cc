#include <utility>

#include "client/client.h"
#include "client/error_status.h"

// The part of Client that asks for something and waits for the Result with its tag.

namespace solec {
namespace {

std::string_view FeatureName(Feature feature) {
  switch (feature) {
    case kFeaturePing:
      return "pings";
    case kFeatureReceipts:
      return "receipts";
    case kFeatureRequests:
      return "requests";
    case kFeatureHistory:
      return "history";
    case kFeatureResume:
      return "resuming";
  }
  return "an unknown feature";
}

std::string What(std::string_view verb, std::string_view object) {
  std::string text(verb);
  if (!object.empty()) text += ' ';
  return text += object;
}

}  // namespace

template <class Request>
absl::Status Client::Ask(Request request, Feature feature, std::string_view what, Answer* answer) {
  CountHandled();
  if (!ended_.ok()) return ended_;
  if (!Has(feature)) {
    return absl::UnimplementedError(std::string(what) + ": " + server_ + " does not offer " +
                                    std::string(FeatureName(feature)) +
                                    " (the feature was not agreed at login)");
  }
  answer->tag = request.tag = ++last_tag_;
  if (!session_.SendRequest(request)) {
    return absl::InvalidArgumentError(std::string(what) +
                                      ": the address is not valid UTF-8, or too long");
  }
  answer_ = answer;
  absl::Status status;
  while (status.ok() && !answer->result) {
    const size_t before = answer->bytes;
    status = PumpUntil(Deadline::In(options_.answer_timeout_ms),
                       [&] { return answer->result || answer->bytes > before; });
  }
  answer_ = nullptr;
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(std::string(what) + ": no answer from " + server_ +
                                       " within " + TextOfMs(options_.answer_timeout_ms));
  }
  if (!status.ok()) return status;
  if (answer->too_large) {
    return absl::ResourceExhaustedError(std::string(what) + ": the answer is larger than " +
                                        std::to_string(options_.answer_bytes_max) + " bytes");
  }
  return StatusOfError(*answer->result, what);
}

absl::Status Client::Join(std::string_view channel) {
  Answer answer;
  return Ask(solec::Join{.tag = 0, .user = {}, .channel = channel}, kFeatureRequests,
             What("join", channel), &answer);
}

absl::Status Client::Leave(std::string_view channel) {
  Answer answer;
  return Ask(solec::Leave{.tag = 0, .user = {}, .channel = channel}, kFeatureRequests,
             What("leave", channel), &answer);
}

absl::Status Client::ContactAdd(std::string_view address) {
  Answer answer;
  return Ask(solec::ContactAdd{.tag = 0, .address = address}, kFeatureRequests,
             What("add contact", address), &answer);
}

absl::Status Client::ContactRemove(std::string_view address) {
  Answer answer;
  return Ask(solec::ContactRemove{.tag = 0, .address = address}, kFeatureRequests,
             What("remove contact", address), &answer);
}

absl::StatusOr<std::vector<ListEntry>> Client::List(ListKind kind, std::string_view of) {
  const std::string_view verb = kind == ListKind::kContacts   ? "list contacts"
                                : kind == ListKind::kChannels ? "list channels"
                                                              : "list members of";
  Answer answer;
  const absl::Status status =
      Ask(solec::List{.tag = 0, .kind = kind, .of = of}, kFeatureRequests, What(verb, of), &answer);
  if (!status.ok()) return status;
  return std::move(answer.list);
}

absl::StatusOr<std::vector<HistoryEntry>> Client::History(std::string_view address, uint64_t after,
                                                          uint16_t limit) {
  Answer answer;
  const absl::Status status =
      Ask(HistoryRequest{.tag = 0, .address = address, .after = after, .limit = limit},
          kFeatureHistory, What("history of", address.empty() ? "everything" : address), &answer);
  if (!status.ok()) return status;
  return std::move(answer.history);
}

}  // namespace solec
