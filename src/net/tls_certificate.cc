#include "net/tls_certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "absl/strings/escaping.h"

namespace solec {
namespace {

template <class T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* one) const { kFree(one); }
};
using X509Pointer = std::unique_ptr<X509, Freed<X509, X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using BioPointer = std::unique_ptr<BIO, Freed<BIO, BIO_free_all>>;
using ExtensionPointer =
    std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;

// The longest common name that X.509 has room for.
constexpr size_t kCommonNameBytesMax = 64;

std::string TextOf(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

bool AddExtension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool IsAddress(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

bool FillIn(X509* certificate, EVP_PKEY* key, const std::string& name, int64_t begin_s,
            int64_t end_s) {
  std::array<uint8_t, 16> serial;
  if (RAND_bytes(serial.data(), serial.size()) != 1) return false;
  serial[0] &= 0x7F;  // a positive number
  const std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>> number(
      BN_bin2bn(serial.data(), serial.size(), nullptr));
  if (number == nullptr) return false;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const bool named =
      name.size() > kCommonNameBytesMax ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                 0) == 1;
  // A certificate without a subject must have a critical alternative name (RFC 5280, 4.2.1.6).
  const std::string alternative = (IsAddress(name) ? "IP:" : "DNS:") + name;
  return named && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), begin_s) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), end_s) != nullptr &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         AddExtension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(certificate, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
         AddExtension(certificate, NID_subject_key_identifier, "hash") &&
         AddExtension(certificate, NID_subject_alt_name,
                      (name.size() > kCommonNameBytesMax ? "critical," : "") + alternative) &&
         X509_sign(certificate, key, EVP_sha256()) != 0;
}

}  // namespace

std::string TakeTlsErrorText() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

std::string PinOf(const X509& certificate) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &encoded);
  if (size <= 0) return {};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(encoded, static_cast<size_t>(size), digest.data());
  OPENSSL_free(encoded);
  return "sha256/" + absl::Base64Escape(
                         {reinterpret_cast<const char*>(digest.data()), digest.size()});
}

absl::StatusOr<CertificateFiles> MakeSelfSigned(const std::string& name, int64_t begin_s,
                                                int64_t end_s) {
  ERR_clear_error();
  const KeyPointer key(EVP_EC_gen("P-256"));
  const X509Pointer certificate(X509_new());
  if (key == nullptr || certificate == nullptr ||
      !FillIn(certificate.get(), key.get(), name, begin_s, end_s)) {
    return absl::InternalError("cannot make a certificate for " + name + ": " +
                               TakeTlsErrorText());
  }
  const BioPointer certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                               nullptr) != 1) {
    return absl::InternalError("cannot write a certificate: " + TakeTlsErrorText());
  }
  return CertificateFiles{TextOf(certificate_text.get()), TextOf(key_text.get()),
                          PinOf(*certificate)};
}

}  // namespace solec
