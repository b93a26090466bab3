#include "net/tls_session.h"

#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <random>

#include "tests/unit/net/tls_pair.h"
#include "tests/unit/base/seed.h"

namespace solec {
namespace {

std::string Letters(size_t size) {
  std::string text(size, 'a');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

TEST(TlsSession, CarriesBytesBothWaysUnderOurProtocol) {
  TlsPair pair;
  pair.Carry();
  ASSERT_EQ(pair.client.session->state(), TlsState::kOpen);
  ASSERT_EQ(pair.server.session->state(), TlsState::kOpen);
  EXPECT_EQ(pair.server.session->Protocol(), "solec/1");
  EXPECT_EQ(pair.client.session->Protocol(), "solec/1");
  ASSERT_TRUE(pair.client.Write("hello server"));
  ASSERT_TRUE(pair.server.Write("hello client"));
  pair.Carry();
  EXPECT_EQ(pair.server.plain, "hello server");
  EXPECT_EQ(pair.client.plain, "hello client");
}

TEST(TlsSession, DoesNotSendWhatItIsGivenInTheClear) {
  TlsPair pair;
  pair.Carry();
  ASSERT_TRUE(pair.client.Write("a secret text"));
  EXPECT_EQ(pair.client.TakeOutput().find("secret"), std::string::npos);
}

TEST(TlsSession, TakesItsInputCutAnywhere) {
  for (const size_t piece : {1, 2, 3, 5, 17, 100, 1'000}) {
    TlsPair pair;
    pair.Carry(piece);
    ASSERT_EQ(pair.server.session->state(), TlsState::kOpen) << piece;
    ASSERT_TRUE(pair.client.Write(Letters(3'000)));
    ASSERT_TRUE(pair.server.Write(Letters(40'000)));
    ASSERT_TRUE(pair.server.Write("and more"));
    pair.Carry(piece);
    EXPECT_EQ(pair.server.plain, Letters(3'000)) << piece;
    EXPECT_EQ(pair.client.plain, Letters(40'000) + "and more") << piece;
  }
}

TEST(TlsSession, TakesAHandshakeAndAFrameCutAtEveryByte) {
  // One client's bytes, so that only the cut differs: the server's part does not depend on it until
  // the handshake's last message.
  TlsPair sizes;
  const size_t hello_size = sizes.client.TakeOutput().size();
  for (size_t cut = 0; cut <= hello_size; cut += 7) {
    TlsPair pair;
    const std::string hello = pair.client.TakeOutput();
    pair.server.Receive(AsBytes(hello.substr(0, cut)));
    pair.server.Receive(AsBytes(hello.substr(cut)));
    pair.Carry();
    ASSERT_TRUE(pair.client.Write("frame"));
    const std::string record = pair.client.TakeOutput();
    for (const char byte : record) pair.server.Receive(AsBytes(std::string_view(&byte, 1)));
    EXPECT_EQ(pair.server.plain, "frame") << cut;
  }
}

TEST(TlsSession, BringsManySlicesIntoAsFewRecordsAsTheyFit) {
  TlsPair pair;
  pair.Carry();
  const std::string small = Letters(100), large = Letters(40'000);
  std::vector<Bytes> slices;
  std::string all;
  for (int i = 0; i < 30; ++i) {
    slices.push_back(AsBytes(small));
    all += small;
  }
  slices.push_back(AsBytes(large));
  slices.push_back(AsBytes(small));
  all += large + small;
  ASSERT_TRUE(pair.server.Write(slices));
  const std::string output = pair.server.TakeOutput();
  const size_t records =
      (all.size() + TlsSession::kRecordBytesMax - 1) / TlsSession::kRecordBytesMax;
  EXPECT_EQ(output.size(), all.size() + records * TlsSession::kRecordOverhead);
  pair.client.Receive(AsBytes(output));
  EXPECT_EQ(pair.client.plain, all);
}

TEST(TlsSession, CarriesRandomSlicesUnchanged) {
  const uint64_t seed = Seed(1);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  TlsPair pair;
  pair.Carry();
  std::string all;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> texts;
    size_t room = TlsSession::kEncryptBytesMax;
    while (texts.size() < 64 && room != 0) {
      const size_t size = std::min<size_t>(1 + random() % (random() % 4 == 0 ? 60'000 : 300), room);
      texts.push_back(Letters(size));
      room -= size;
    }
    std::vector<Bytes> slices;
    for (const std::string& text : texts) {
      slices.push_back(AsBytes(text));
      all += text;
    }
    ASSERT_TRUE(pair.server.Write(slices));
    pair.Carry(1 + random() % 70'000);
  }
  EXPECT_TRUE(pair.client.plain == all);
}

TEST(TlsSession, HoldsNoBufferWhenEverythingWasSent) {
  TlsPair pair;
  pair.Carry();
  ASSERT_TRUE(pair.server.Write(Letters(50'000)));
  EXPECT_TRUE(pair.server.session->has_pending());
  EXPECT_EQ(pair.pool.free_bytes(64 * 1024), 0u);
  pair.Carry();
  EXPECT_TRUE(pair.server.session->quiet());
  EXPECT_EQ(pair.pool.free_bytes(64 * 1024), 64u * 1024);
}

TEST(TlsSession, GoesOnWithTheRestAfterAShortSend) {
  TlsPair pair;
  pair.Carry();
  ASSERT_TRUE(pair.server.Write(Letters(1'000)));
  std::string sent;
  while (!pair.server.session->quiet()) {
    const Bytes bytes = pair.server.session->BeginSend();
    const size_t size = std::min<size_t>(bytes.size(), 7);
    sent += AsString(bytes.first(size));
    const bool was_last = size == bytes.size();
    EXPECT_EQ(pair.server.session->Sent(size), was_last);
  }
  pair.client.Receive(AsBytes(sent));
  EXPECT_EQ(pair.client.plain, Letters(1'000));
}

// --- who the peer is ---

TEST(TlsSession, ShowsThePinOfTheKeyThatThePeerHasProved) {
  TlsPair pair(TestTls(), TestTls());
  EXPECT_EQ(pair.client.session->PeerPin(), "");
  pair.Carry();
  EXPECT_EQ(pair.client.session->PeerPin(), TestCertificate().pin);
  EXPECT_EQ(pair.server.session->PeerPin(), TestCertificate().pin);
  EXPECT_EQ(TestTls().pin(), TestCertificate().pin);
}

TEST(TlsSession, ShowsNoPinOfAClientWithoutACertificate) {
  TlsPair pair;
  pair.Carry();
  EXPECT_EQ(pair.server.session->state(), TlsState::kOpen);
  EXPECT_EQ(pair.server.session->PeerPin(), "");
}

// --- tickets ---

TEST(TlsSession, ComesBackWithATicketAndAShortHandshake) {
  TlsPair first;
  first.Carry();
  EXPECT_FALSE(first.server.session->resumed());
  const TlsTicket ticket = first.client.session->Ticket();
  ASSERT_NE(ticket, nullptr);
  first.client.session.reset();
  TlsPair second(TestTls(), TestTlsClient(), ticket.get());
  second.Carry();
  EXPECT_TRUE(second.server.session->resumed());
  EXPECT_TRUE(second.client.session->resumed());
  ASSERT_TRUE(second.client.Write("again"));
  second.Carry();
  EXPECT_EQ(second.server.plain, "again");
}

TEST(TlsSession, TakesATicketOfAContextWithTheSameKeysAndAnotherCertificate) {
  TlsPair first;
  first.Carry();
  const TlsTicket ticket = first.client.session->Ticket();
  const CertificateFiles other = *MakeSelfSigned("a.example", -60, 3'600);
  TlsContextOptions options = TestTlsOptions();
  options.certificate_pem = other.certificate_pem;
  options.key_pem = other.key_pem;
  const auto reloaded = *TlsContext::Make(options);
  TlsPair second(*reloaded, TestTlsClient(), ticket.get());
  second.Carry();
  EXPECT_TRUE(second.server.session->resumed());
}

TEST(TlsSession, MakesAWholeHandshakeOfATicketOfOtherKeys) {
  TlsPair first;
  first.Carry();
  const TlsTicket ticket = first.client.session->Ticket();
  TlsContextOptions options = TestTlsOptions();
  options.ticket_keys = TlsTicketKeys::Make();
  const auto other = *TlsContext::Make(options);
  TlsPair second(*other, TestTlsClient(), ticket.get());
  second.Carry();
  EXPECT_EQ(second.server.session->state(), TlsState::kOpen);
  EXPECT_FALSE(second.server.session->resumed());
}

TEST(TlsSession, KeepsThePinOfAPeerThatComesBackWithATicket) {
  TlsPair first(TestTls(), TestTls());
  first.Carry();
  const TlsTicket ticket = first.client.session->Ticket();
  TlsPair second(TestTls(), TestTls(), ticket.get());
  second.Carry();
  ASSERT_TRUE(second.server.session->resumed());
  EXPECT_EQ(second.server.session->PeerPin(), TestCertificate().pin);
}

// --- the end ---

TEST(TlsSession, SaysGoodbyeAfterWhatItHasSent) {
  TlsPair pair;
  pair.Carry();
  ASSERT_TRUE(pair.server.Write("last words"));
  pair.server.session->Finish();
  pair.server.session->Finish();
  pair.Carry();
  EXPECT_EQ(pair.client.plain, "last words");
  EXPECT_TRUE(pair.client.session->peer_closed());
  EXPECT_EQ(pair.client.session->state(), TlsState::kOpen);
  EXPECT_FALSE(pair.server.session->peer_closed());
  // The other direction is open still.
  ASSERT_TRUE(pair.client.Write("one more"));
  pair.Carry();
  EXPECT_EQ(pair.server.plain, "one more");
}

TEST(TlsSession, SaysNoGoodbyeInTheMiddleOfAHandshake) {
  TlsPair pair;
  pair.server.session->Finish();
  EXPECT_TRUE(pair.server.session->quiet());
}

// --- what must not work ---

// A client of OpenSSL as the test sets it up, over memory.
struct OtherClient {
  OtherClient() : context(SSL_CTX_new(TLS_client_method())) {}
  ~OtherClient() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  // Talks to the server until it has nothing more to say. True: the handshake is done.
  bool Run(TlsEnd* server) {
    ssl = SSL_new(context);
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    for (int round = 0; round < 10; ++round) {
      SSL_do_handshake(ssl);
      char* data = nullptr;
      const long size = BIO_get_mem_data(out, &data);
      server->Receive(AsBytes(std::string_view(data, static_cast<size_t>(size))));
      BIO_reset(out);
      const std::string output = server->TakeOutput();
      BIO_write(in, output.data(), static_cast<int>(output.size()));
    }
    return SSL_is_init_finished(ssl) == 1;
  }
  SSL_CTX* context;
  SSL* ssl = nullptr;
};

class TlsServerTest : public testing::Test {
 protected:
  TlsServerTest() { server_.session = TestTls().Accept(&pool_); }
  BufferPool pool_;
  TlsEnd server_;
};

TEST_F(TlsServerTest, TakesAClientThatNamesNoProtocol) {
  OtherClient client;
  EXPECT_TRUE(client.Run(&server_));
  EXPECT_EQ(server_.session->state(), TlsState::kOpen);
  EXPECT_EQ(server_.session->Protocol(), "");
}

TEST_F(TlsServerTest, TakesAClientThatNamesOursAmongOthers) {
  OtherClient client;
  const unsigned char names[] = "\x08http/1.1\x07solec/1";
  SSL_CTX_set_alpn_protos(client.context, names, sizeof(names) - 1);
  EXPECT_TRUE(client.Run(&server_));
  EXPECT_EQ(server_.session->Protocol(), "solec/1");
}

TEST_F(TlsServerTest, RefusesAClientThatNamesOtherProtocolsOnly) {
  OtherClient client;
  const unsigned char names[] = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(client.context, names, sizeof(names) - 1);
  EXPECT_FALSE(client.Run(&server_));
  EXPECT_EQ(server_.session->state(), TlsState::kFailed);
  EXPECT_NE(std::string(server_.session->FailureText()), "");
}

TEST_F(TlsServerTest, RefusesTls12WithAnAlert) {
  OtherClient client;
  SSL_CTX_set_max_proto_version(client.context, TLS1_2_VERSION);
  EXPECT_FALSE(client.Run(&server_));
  EXPECT_EQ(server_.session->state(), TlsState::kFailed);
  EXPECT_STREQ(server_.session->FailureText(), "unsupported protocol");
}

TEST_F(TlsServerTest, FailsOnWhatIsNoTls) {
  for (const std::string& rubbish :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string(300, '\x16'),
        std::string("\x03\x00\x02\x00\x04", 5)}) {
    server_.session = TestTls().Accept(&pool_);
    server_.Receive(AsBytes(rubbish));
    EXPECT_EQ(server_.plain, "");
    // The last one is the begin of a frame of plain SOLEC: five bytes are a record's header.
    EXPECT_EQ(server_.session->state(), TlsState::kFailed) << rubbish;
  }
}

TEST_F(TlsServerTest, BoundsWhatAHandshakeMayBring) {
  // A first message that never ends: pieces of one large ClientHello.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string("\x01\x01\xFF\xFF", 4);
  record.append(16'384 - 4, 'x');
  std::string more("\x16\x03\x01\x40\x00", 5);
  more.append(16'384, 'x');
  server_.Receive(AsBytes(record));
  for (int i = 0; i < 8 && server_.session->state() == TlsState::kHandshake; ++i) {
    server_.Receive(AsBytes(more));
  }
  EXPECT_EQ(server_.session->state(), TlsState::kFailed);
  EXPECT_STREQ(server_.session->FailureText(), "the handshake is too large");
  EXPECT_EQ(server_.plain, "");
}

TEST(TlsSession, FailsOnARecordThatWasChanged) {
  for (const size_t place : {5u, 20u}) {
    TlsPair pair;
    pair.Carry();
    ASSERT_TRUE(pair.client.Write("a text of some length"));
    std::string output = pair.client.TakeOutput();
    output[place] = static_cast<char>(output[place] ^ 1);
    pair.server.Receive(AsBytes(output));
    EXPECT_EQ(pair.server.session->state(), TlsState::kFailed);
    EXPECT_EQ(pair.server.plain, "");
    // The other side learns why.
    pair.Carry();
    EXPECT_EQ(pair.client.session->state(), TlsState::kFailed);
  }
}

TEST(TlsSession, FailsOnARecordThatIsPlayedBack) {
  TlsPair pair;
  pair.Carry();
  ASSERT_TRUE(pair.client.Write("once"));
  const std::string output = pair.client.TakeOutput();
  pair.server.Receive(AsBytes(output));
  pair.server.Receive(AsBytes(output));
  EXPECT_EQ(pair.server.plain, "once");
  EXPECT_EQ(pair.server.session->state(), TlsState::kFailed);
}

TEST(TlsSession, RenewsItsKeyAfterSoManyRecords) {
  TlsContextOptions options = TestTlsOptions();
  options.records_per_key = 10;
  const auto context = *TlsContext::Make(options);
  TlsPair pair(*context, TestTlsClient());
  pair.Carry();
  std::string all;
  size_t with_update = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pair.server.Write("twenty bytes of text"));
    all += "twenty bytes of text";
    const std::string output = pair.server.TakeOutput();
    if (output.size() > 20 + TlsSession::kRecordOverhead) ++with_update;
    pair.client.Receive(AsBytes(output));
  }
  EXPECT_EQ(with_update, 10u);
  EXPECT_EQ(pair.client.plain, all);
}

TEST(TlsSession, EndsAPeerThatDoesNothingButRenewKeys) {
  TlsContextOptions options = TestTlsOptions();
  options.records_per_key = 1;  // every record
  const auto context = *TlsContext::Make(options);
  TlsPair pair(TestTls(), *context);
  pair.Carry();
  int written = 0;
  while (pair.server.session->state() == TlsState::kOpen && written < 1'000) {
    ASSERT_TRUE(pair.client.Write("x"));
    ++written;
    pair.server.Receive(AsBytes(pair.client.TakeOutput()));
  }
  EXPECT_EQ(pair.server.session->state(), TlsState::kFailed);
  EXPECT_LT(written, 100);
}

// --- certificates ---

TEST(TlsContext, SaysWhatIsWrongWithItsFiles) {
  const CertificateFiles& good = TestCertificate();
  const CertificateFiles other = *MakeSelfSigned("b.example", -60, 3'600);
  auto error = [](const std::string& certificate, const std::string& key) {
    TlsContextOptions options;
    options.certificate_pem = certificate;
    options.key_pem = key;
    options.certificate_name = "certificate CERT";
    options.key_name = "key KEY";
    return std::string(TlsContext::Make(options).status().message());
  };
  EXPECT_EQ(error(good.certificate_pem, good.key_pem), "");
  EXPECT_EQ(error(good.certificate_pem, other.key_pem),
            "key KEY does not belong to certificate CERT");
  EXPECT_TRUE(error("rubbish", good.key_pem).starts_with("certificate CERT is no certificate"));
  EXPECT_TRUE(error(good.certificate_pem, "rubbish").starts_with("key KEY is no private key"));
  EXPECT_TRUE(error(good.key_pem, good.key_pem).starts_with("certificate CERT is no certificate"));
}

TEST(TlsContext, NamesAFileThatCannotBeRead) {
  const auto context = TlsContext::Load("/nowhere/cert.pem", "/nowhere/key.pem", {});
  EXPECT_NE(context.status().message().find("/nowhere/cert.pem"), absl::string_view::npos);
}

TEST(TlsContext, ComplainsAboutACertificatesTimeAndName) {
  const int64_t now_s = time(nullptr);
  EXPECT_TRUE(TestTls().Complaints(now_s, "b.example")[0].find("expires on") !=
              std::string::npos);
  auto complaints = [&](int64_t begin_s, int64_t end_s, const std::string& name) {
    const CertificateFiles files = *MakeSelfSigned("a.example", begin_s, end_s);
    TlsContextOptions options;
    options.certificate_pem = files.certificate_pem;
    options.key_pem = files.key_pem;
    const auto context = *TlsContext::Make(options);
    EXPECT_EQ(context->expired(now_s), end_s < 0);
    std::string all;
    for (const std::string& one : context->Complaints(now_s, name)) all += one + "\n";
    return all;
  };
  const int64_t year_s = 365 * 24 * 3600;
  EXPECT_EQ(complaints(-60, year_s, "a.example"), "");
  EXPECT_NE(complaints(-60, year_s, "b.example").find("is not for b.example"), std::string::npos);
  EXPECT_NE(complaints(-year_s, -60, "a.example").find("expired on"), std::string::npos);
  EXPECT_NE(complaints(600, year_s, "a.example").find("is not valid before"), std::string::npos);
}

TEST(TlsCertificate, MakesOneForALongNameAndForAnAddress) {
  const std::string label(60, 'x');
  EXPECT_TRUE(MakeSelfSigned(label + "." + label + ".example", 0, 60).ok());
  EXPECT_TRUE(MakeSelfSigned("127.0.0.1", 0, 60).ok());
}

TEST(TlsCertificate, PinsHaveTheFormThatAPeersEntryWants) {
  const std::string& pin = TestCertificate().pin;
  EXPECT_TRUE(pin.starts_with("sha256/"));
  EXPECT_EQ(pin.size(), 7u + 44);
  EXPECT_NE(pin, MakeSelfSigned("a.example", 0, 60)->pin);
}

}  // namespace
}  // namespace solec
