#include "tools/solec/link_text.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

using Json = nlohmann::json;

TEST(LinkText, TableStandsInColumnsAndNamesTheLastError) {
  const Json links = Json::parse(R"([
    {"name":"b.example","state":"up","state_ms":190000,"dialled":true,"tls":true,
     "spool_messages":0,"spool_bytes":0,"spool_oldest_ms":0,"sent":1234,"resent":5,"received":67,
     "bounced":0,"refused_source":1,"refused_channel":2,"refused_transit":3,"refused_other":4},
    {"name":"long-name.example","state":"waiting","state_ms":800,"dial_in_ms":3000,
     "last_error":"Connection refused","last_error_step":"tcp","last_error_ms":900,
     "spool_messages":12,"spool_bytes":1536,"spool_oldest_ms":7200000,"sent":0,"resent":0,
     "received":0,"bounced":2,"refused_source":0,"refused_channel":0,"refused_transit":0,
     "refused_other":0},
    {"name":"c.example","state":"resuming","state_ms":0,"dialled":false,"tls":false}])");
  // clang-format off
  EXPECT_EQ("\n" + LinkTableText(links), R"(
PEER               STATE     SINCE   LINK             WAITING    BYTES  OLDEST  SENT  RESENT  RECEIVED  BOUNCED  REFUSED
b.example          up        3 min   dialled, tls           0        -       -  1234       5        67        0       10
long-name.example  waiting   800 ms  -                     12  1.5 KiB     2 h     0       0         0        2        0
    900 ms ago, at tcp: Connection refused; dials again in 3 s
c.example          resuming  0 ms    accepted, plain        0        -       -     0       0         0        0        0
)");
  // clang-format on
}

TEST(LinkText, WithoutLinksThereIsNoTable) {
  EXPECT_EQ(LinkTableText(Json::array()), "");
  EXPECT_EQ(LinkTableText(Json()), "");
}

TEST(LinkText, StepsAreALineEach) {
  EXPECT_EQ(LinkStepsText(Json::parse(R"([
    {"step":"tcp","result":"ok","text":"connected to 127.0.0.1:7663"},
    {"step":"version","result":"failed","text":"it speaks version 1"},
    {"step":"auth","result":"skipped","text":""}])")),
            "tcp      ok       connected to 127.0.0.1:7663\n"
            "version  failed   it speaks version 1\n"
            "auth     skipped\n");
}

// A peer's words reach the terminal of an operator.
TEST(LinkText, WordsOfAPeerCannotChangeTheTerminalNorTheTable) {
  const Json link = {{"name", "b.example"}, {"last_error", "x\x1b[2J\nup"}};
  const std::string table = LinkTableText(Json::array({link}));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 3);
  const Json step = {{"step", "auth"}, {"result", "failed"}, {"text", "\x1b]0;x\x07\n"}};
  const std::string steps = LinkStepsText(Json::array({step}));
  EXPECT_EQ(steps.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(steps.begin(), steps.end(), '\n'), 1);
}

TEST(LinkText, WrongTypesAreShownAsMissing) {
  const Json links = Json::parse(R"([{"name":7,"state":[],"state_ms":"x","sent":-1}, 3])");
  EXPECT_NE(LinkTableText(links).find("-  "), std::string::npos);
  EXPECT_EQ(LinkStepsText(Json::parse("[1]")), "-        -\n");
}

TEST(LinkText, SpansAndSizesHaveTheUnitThatSaysMost) {
  EXPECT_EQ(SpanText(0), "0 ms");
  EXPECT_EQ(SpanText(1999), "1999 ms");
  EXPECT_EQ(SpanText(2000), "2 s");
  EXPECT_EQ(SpanText(119'999), "119 s");
  EXPECT_EQ(SpanText(7'199'999), "119 min");
  EXPECT_EQ(SpanText(172'799'999), "47 h");
  EXPECT_EQ(SpanText(172'800'000), "2 d");
  EXPECT_EQ(SizeText(1023), "1023 B");
  EXPECT_EQ(SizeText(1536), "1.5 KiB");
  EXPECT_EQ(SizeText(uint64_t{1} << 30), "1.0 GiB");
}

}  // namespace
}  // namespace solec
