// What shards write to each other. A mail is one record in a mailbox: this header, then `text_size`
// bytes of names (parts separated by a zero byte, which no valid name holds), then the rest: frames
// or nothing. Mails never leave the process, so the layout is the compiler's.
//
// Two classes, each with rings of its own, so that answers can always be taken in: handling a
// Request may write Answers; handling an Answer writes no Request, but for the next page of a list,
// and needs no room for what it writes beyond what Mailboxes::Post keeps (see there). This is what
// makes full rings harmless.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/pool.h"

namespace solec {

struct Session;

enum class MailClass : uint8_t { kRequest, kAnswer };
inline constexpr size_t kMailClassCount = 2;

enum class MailType : uint8_t {
  // --- requests ---
  kHandOver,       // rest: HandOver, then input that was not parsed yet
  kDirect,         // text: target name \0 sender address. rest: `count` Messages of one session.
                   // `flags`: an OriginKind
  kToChannel,      // text: channel \0 sender address. rest, `flags`: as kDirect
  kJoin,           // text: channel \0 user address. A user of the sender's shard wants to join; a
                   // channel of another server: goes to the shard of that peer
  kLeave,          // text: as kJoin
  kContactNotice,  // text: user \0 address. `code` 1: address has added user to its contacts, 0:
                   // removed
  kListMembers,    // text: channel \0 asker's address \0 after. The next page is wanted
  // --- answers ---
  kSettled,     // what became of `count` messages of a session, numbered from `number` on: `code`
  kMembership,  // text: channel \0 user name. Answer to kJoin (`flags` 1) or kLeave (0): `code`.
                // kMembershipOfPeer in `flags`: `session` is a peer's, `number` its serial and tag
  kContactAgreed,  // text: user \0 address. `flags`: whether address has user in its contacts
  kMembers,  // a page of members; text: channel. Goes round all shards, which mark who is online
  kChannelBatch,  // text: channel. rest: `count` BatchOrigin, then frames: for all members here
  kCopies,        // text: channel of another server. rest: `count` frames, for all members here
  kBounce,        // text: user \0 target. A message of that user could not be delivered in the
                  // end: `code`, `number` its timestamp
  kHoldSender,    // a session of this shard writes to a slow reader: stop reading from it
  kResumeSender,
};

struct MailHeader {
  MailType type{};
  uint8_t code = 0;
  uint8_t flags = 0;
  uint16_t shard = 0;        // of `session`; for kMembers: the shard that asked
  uint16_t text_size = 0;
  uint32_t count = 0;
  uint64_t number = 0;       // of the first message in its session, 0: nobody counts
  uint64_t name_hash = 0;    // of the target, so that it is computed once
  Handle<Session> session;   // whom an answer is for
};

inline constexpr uint8_t kMembershipOfPeer = 1 << 2;  // in `flags`

// A mail does not grow beyond this: a bound on what one makes its reader do at a time.
inline constexpr size_t kExtendedMailBytesMax = 32 * 1024;

// A mail as its reader sees it; the views live until the handler returns.
struct Mail {
  MailHeader header;
  std::string_view text;
  Bytes rest;
};

inline Mail ReadMail(const uint8_t* record, size_t size) {
  Mail mail;
  std::memcpy(&mail.header, record, sizeof(MailHeader));
  const uint8_t* text = record + sizeof(MailHeader);
  mail.text = {reinterpret_cast<const char*>(text), mail.header.text_size};
  mail.rest = Bytes(text + mail.header.text_size,
                    size - sizeof(MailHeader) - mail.header.text_size);
  return mail;
}

// Takes the next zero-separated part off `text`.
inline std::string_view TakePart(std::string_view* text) {
  const size_t end = text->find('\0');
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return part;
}

}  // namespace solec
