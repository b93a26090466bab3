// Every number of the protocol that is not a payload's layout: types, codes, features, versions,
// sizes, ports. A later draft of the protocol is followed by editing this file and payloads.h.
// [D]: fixed by the public draft of 18 April 2026; [C]: chosen by this project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace solec {

enum class PayloadType : uint8_t {
  kReserved = 0x00,
  kSuccess = 0x01,           // [D]
  kError = 0x02,             // [D]
  kHandshake = 0x03,         // [D]
  kUserAuth = 0x04,          // [D]
  kMessage = 0x05,           // [D]
  kServerAuth = 0x06,        // [D]
  kPing = 0x40,              // [C] from here to kHistoryItem
  kPong = 0x41,
  kAccepted = 0x42,
  kRejected = 0x43,
  kBounce = 0x44,
  kResult = 0x45,
  kJoin = 0x46,
  kLeave = 0x47,
  kContactAdd = 0x48,
  kContactRemove = 0x49,
  kList = 0x4A,
  kListItem = 0x4B,
  kHistoryRequest = 0x4C,
  kHistoryItem = 0x4D,
  kLinkResume = 0x4E,
  kTest = 0xFF,              // [D]
};

enum class ErrorCode : uint8_t {
  kNone = 0x00,              // in Result: done
  kUserAuthFailed = 0x01,    // [D] invalid username or password
  kNotFound = 0x02,          // [D] that user or channel cannot be reached
  kServerAuthFailed = 0x03,  // [D] unknown server name
  kMalformed = 0x40,         // [C] closes
  kNotAllowed = 0x41,        // [C] payload not allowed in this state; closes
  kOverLimit = 0x42,         // [C] size, rate or count; that payload is dropped
  kUnavailable = 0x43,       // [C] temporarily, try again later
  kShuttingDown = 0x44,      // [C] closes
  kTooSlow = 0x45,           // [C] this session read too slowly; closes
};

// "not found", "malformed payload", … for people; "unknown error" for a code that is not listed.
std::string_view ErrorText(ErrorCode code);

// Bits of Handshake.features [C].
enum Feature : uint32_t {
  kFeaturePing = 1u << 0,
  kFeatureReceipts = 1u << 1,
  kFeatureRequests = 1u << 2,
  kFeatureHistory = 1u << 3,
  kFeatureResume = 1u << 4,  // links only
};

// The type that a side may send only where its feature is agreed; 0 for those that need none.
// Result serves requests and history alike: either bit will do.
constexpr uint32_t FeaturesThatAllow(PayloadType type) {
  switch (type) {
    case PayloadType::kPing:
    case PayloadType::kPong:
      return kFeaturePing;
    case PayloadType::kAccepted:
    case PayloadType::kRejected:
    case PayloadType::kBounce:
      return kFeatureReceipts;
    case PayloadType::kResult:
      return kFeatureRequests | kFeatureHistory;
    case PayloadType::kJoin:
    case PayloadType::kLeave:
    case PayloadType::kContactAdd:
    case PayloadType::kContactRemove:
    case PayloadType::kList:
    case PayloadType::kListItem:
      return kFeatureRequests;
    case PayloadType::kHistoryRequest:
    case PayloadType::kHistoryItem:
      return kFeatureHistory;
    case PayloadType::kLinkResume:
      return kFeatureResume;
    default:
      return 0;
  }
}

inline constexpr uint8_t kVersionMajor = 0;  // [C]
inline constexpr uint8_t kVersionMinor = 4;  // [C]

inline constexpr uint16_t kPortPlain = 7653;  // [C]
inline constexpr uint16_t kPortTls = 7654;    // [C]

inline constexpr size_t kFrameHeaderSize = 3;                             // [D] type, length
inline constexpr size_t kPayloadBytesMax = 65'535;                        // [D] what uint16 holds
inline constexpr size_t kFrameBytesMax = kFrameHeaderSize + kPayloadBytesMax;
inline constexpr size_t kContentBytesMax = 61'440;                        // [C] 60 KiB
inline constexpr size_t kNameBytesMax = 64;                               // [C]
inline constexpr size_t kServerBytesMax = 255;                            // [C]
inline constexpr size_t kAddressBytesMax = 1 + kNameBytesMax + 1 + kServerBytesMax;

inline constexpr std::string_view kServiceName = "server";  // [C] the service address's name
inline constexpr uint16_t kHistoryLimitDefault = 100;        // [C]
inline constexpr uint16_t kHistoryLimitMax = 1000;           // [C]
inline constexpr uint32_t kReceiptDelayMaxMs = 20;           // [C]

// List.kind and ListItem.flags [C].
enum class ListKind : uint8_t { kContacts = 1, kChannels = 2, kMembers = 3 };
inline constexpr uint8_t kListItemAgreed = 1u << 0;  // the other side has agreed, or is online

}  // namespace solec
