#include "shard/mailboxes.h"

#include <cstring>

namespace solec {

MailRings::MailRings(uint32_t shard_count, size_t ring_bytes)
    : shard_count_(shard_count), sleepers_(std::make_unique<Sleeper[]>(shard_count)) {
  rings_.resize(size_t{shard_count} * shard_count * kMailClassCount);
  for (size_t i = 0; i < rings_.size(); ++i) {
    const size_t pair = i / kMailClassCount;
    if (pair / shard_count == pair % shard_count) continue;
    rings_[i] = std::make_unique<SpscRing>(ring_bytes);
  }
}

Mailboxes::Mailboxes(MailRings* rings, uint32_t shard)
    : rings_(rings), shard_(shard), backlog_(rings->shard_count() * kMailClassCount) {}

void Mailboxes::Fill(uint8_t* to, const MailHeader& header, std::string_view text, Bytes rest,
                     Bytes more) {
  std::memcpy(to, &header, sizeof(header));
  to += sizeof(header);
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  to += text.size();
  if (!rest.empty()) std::memcpy(to, rest.data(), rest.size());
  to += rest.size();
  if (!more.empty()) std::memcpy(to, more.data(), more.size());
}

uint8_t* Mailboxes::Reserve(uint32_t to, MailClass mail_class, size_t size) {
  SOLEC_ASSERT(to != shard_);
  // What waits already goes first.
  if (!Backlog(to, mail_class).empty()) return nullptr;
  return rings_->Ring(shard_, to, mail_class).Reserve(size);
}

bool Mailboxes::Offer(uint32_t to, MailClass mail_class, MailHeader header, std::string_view text,
                      Bytes rest, Bytes more) {
  header.text_size = static_cast<uint16_t>(text.size());
  const size_t size = sizeof(header) + text.size() + rest.size() + more.size();
  uint8_t* at = Reserve(to, mail_class, size);
  if (at == nullptr) return false;
  Fill(at, header, text, rest, more);
  last_mail_ = at;
  last_size_ = size;
  last_to_ = to;
  last_class_ = mail_class;
  return true;
}

bool Mailboxes::Extend(uint32_t to, MailClass mail_class, const MailHeader& header,
                       std::string_view text, Bytes rest, Bytes more) {
  if (last_mail_ == nullptr || to != last_to_ || mail_class != last_class_) return false;
  const size_t size = last_size_ + rest.size() + more.size();
  if (size > kExtendedMailBytesMax || !Backlog(to, mail_class).empty()) return false;
  MailHeader last;
  std::memcpy(&last, last_mail_, sizeof(last));
  const std::string_view last_text(reinterpret_cast<const char*>(last_mail_) + sizeof(last),
                                   last.text_size);
  const bool goes_on =
      last.type == header.type && last.session == header.session && last_text == text &&
      (header.number == 0 ? last.number == 0 : last.number + last.count == header.number);
  if (!goes_on) return false;
  uint8_t* at = rings_->Ring(shard_, to, mail_class).Extend(rest.size() + more.size());
  if (at == nullptr) return false;
  std::memcpy(at, rest.data(), rest.size());
  if (!more.empty()) std::memcpy(at + rest.size(), more.data(), more.size());
  ++last.count;
  last_size_ = size;
  std::memcpy(last_mail_, &last, sizeof(last));
  return true;
}

void Mailboxes::Post(uint32_t to, MailClass mail_class, MailHeader header, std::string_view text,
                     Bytes rest, Bytes more) {
  if (Offer(to, mail_class, header, text, rest, more)) return;
  header.text_size = static_cast<uint16_t>(text.size());
  std::string record(sizeof(header) + text.size() + rest.size() + more.size(), '\0');
  Fill(reinterpret_cast<uint8_t*>(record.data()), header, text, rest, more);
  if (mail_class == MailClass::kAnswer) answer_backlog_bytes_ += record.size();
  Backlog(to, mail_class).push_back(std::move(record));
}

bool Mailboxes::HasMail() const {
  for (uint32_t from = 0; from < shard_count(); ++from) {
    if (from == shard_) continue;
    for (size_t i = 0; i < kMailClassCount; ++i) {
      if (rings_->Ring(from, shard_, static_cast<MailClass>(i)).HasPublished()) return true;
    }
  }
  return false;
}

}  // namespace solec
