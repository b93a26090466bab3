#include "store/login_proofs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

constexpr uint64_t kLifetime = 1'000;
constexpr const char* kHash = "$argon2id$v=19$the account's";

class LoginProofsTest : public testing::Test {
 protected:
  LoginProofsTest() { proofs_.Configure(kLifetime, 100); }

  // A password was checked against the account's hash and found right.
  void Succeed(std::string_view name, std::string_view password, uint64_t now,
               std::string_view hash = kHash) {
    proofs_.Remember(name, proofs_.Prove(name, hash, password), now);
  }
  bool Matches(std::string_view name, std::string_view password, uint64_t now,
               std::string_view hash = kHash) const {
    return proofs_.Matches(name, proofs_.Prove(name, hash, password), now);
  }

  LoginProofs proofs_{LoginProofs::MakeKey()};
};

TEST_F(LoginProofsTest, MatchesWhatWasRememberedAndNothingElse) {
  EXPECT_FALSE(Matches("alice", "secret", 0));
  Succeed("alice", "secret", 0);
  EXPECT_TRUE(Matches("alice", "secret", 0));
  EXPECT_TRUE(Matches("alice", "secret", 1)) << "again";
  EXPECT_FALSE(Matches("alice", "Secret", 1));
  EXPECT_FALSE(Matches("alice", "", 1));
  EXPECT_FALSE(Matches("bob", "secret", 1)) << "the same password under another name";
  EXPECT_FALSE(Matches("alices", "ecret", 1)) << "the same bytes, cut elsewhere";
  EXPECT_FALSE(Matches("alice", "secret", 1, "$argon2id$v=19$another")) << "it was changed since";
}

TEST_F(LoginProofsTest, TakesAnyBytesAsAPassword) {
  const std::string zeros("a\0b", 3);
  Succeed("alice", zeros, 0);
  EXPECT_TRUE(Matches("alice", zeros, 0));
  EXPECT_FALSE(Matches("alice", "a", 0));
  Succeed("bob", "", 0);
  EXPECT_TRUE(Matches("bob", "", 0));
}

TEST_F(LoginProofsTest, ExpiresALifetimeAfterTheCheckHoweverOftenItIsUsed) {
  Succeed("alice", "secret", 5);
  for (uint64_t now = 5; now < 5 + kLifetime; now += 100) {
    EXPECT_TRUE(Matches("alice", "secret", now));
  }
  EXPECT_TRUE(Matches("alice", "secret", 5 + kLifetime - 1));
  EXPECT_FALSE(Matches("alice", "secret", 5 + kLifetime));
  Succeed("alice", "secret", 5 + kLifetime);
  EXPECT_TRUE(Matches("alice", "secret", 5 + kLifetime + 1)) << "it was checked anew";
}

TEST_F(LoginProofsTest, WhatHasExpiredTakesNoRoomOnceSomethingNewIsRemembered) {
  for (int i = 0; i < 50; ++i) Succeed(std::to_string(i), "secret", static_cast<uint64_t>(i));
  EXPECT_EQ(proofs_.count(), 50u);
  Succeed("alice", "secret", kLifetime + 24);
  EXPECT_EQ(proofs_.count(), 26u) << "25 to 49, and alice";
}

TEST_F(LoginProofsTest, ForgetsAtOnce) {
  Succeed("alice", "secret", 0);
  Succeed("bob", "secret", 0);
  proofs_.Forget("alice");
  proofs_.Forget("carol");
  EXPECT_FALSE(Matches("alice", "secret", 0));
  EXPECT_TRUE(Matches("bob", "secret", 0));
  EXPECT_EQ(proofs_.count(), 1u);
}

// The check of the old password was under way when the password was changed.
TEST_F(LoginProofsTest, AVerdictThatComesAfterAPasswordChangeLetsNobodyIn) {
  const LoginProof asked = proofs_.Prove("alice", kHash, "old");
  proofs_.Forget("alice");
  proofs_.Remember("alice", asked, 0);
  EXPECT_FALSE(Matches("alice", "old", 0, "$argon2id$v=19$of the new one"));
}

TEST_F(LoginProofsTest, OneOfEachName) {
  Succeed("alice", "first", 0);
  Succeed("alice", "second", 1);
  EXPECT_EQ(proofs_.count(), 1u);
  EXPECT_FALSE(Matches("alice", "first", 1));
  EXPECT_TRUE(Matches("alice", "second", 1));
}

TEST_F(LoginProofsTest, AtTheBoundTheOldestGoesFirst) {
  proofs_.Configure(kLifetime, 3);
  for (const char* name : {"a", "b", "c"}) Succeed(name, "secret", 0);
  Succeed("a", "secret", 1);  // now b is the oldest
  Succeed("d", "secret", 2);
  EXPECT_EQ(proofs_.count(), 3u);
  EXPECT_FALSE(Matches("b", "secret", 2));
  for (const char* name : {"a", "c", "d"}) EXPECT_TRUE(Matches(name, "secret", 2)) << name;
}

TEST_F(LoginProofsTest, ConfigureHoldsAtOnce) {
  for (const char* name : {"a", "b", "c"}) Succeed(name, "secret", 0);
  proofs_.Configure(kLifetime, 2);
  EXPECT_FALSE(Matches("a", "secret", 1));
  EXPECT_TRUE(Matches("b", "secret", 1));
  proofs_.Configure(10, 2);
  EXPECT_TRUE(Matches("b", "secret", 9));
  EXPECT_FALSE(Matches("b", "secret", 10)) << "a shorter lifetime";
}

TEST_F(LoginProofsTest, RemembersNothingWhenSwitchedOff) {
  Succeed("alice", "secret", 0);
  proofs_.Configure(0, 100);
  EXPECT_FALSE(proofs_.enabled());
  EXPECT_EQ(proofs_.count(), 0u) << "and what there was is gone";
  Succeed("alice", "secret", 0);
  EXPECT_FALSE(Matches("alice", "secret", 0));
  proofs_.Configure(kLifetime, 0);
  EXPECT_FALSE(proofs_.enabled());
  Succeed("alice", "secret", 0);
  EXPECT_EQ(proofs_.count(), 0u);
  const LoginProofs unconfigured(LoginProofs::MakeKey());
  EXPECT_FALSE(unconfigured.enabled());
}

TEST(LoginProofs, ShardsOfOneProcessAgreeAndProcessesDoNot) {
  const LoginProofs::Key key = LoginProofs::MakeKey();
  LoginProofs a(key), b(key), other(LoginProofs::MakeKey());
  EXPECT_EQ(a.Prove("alice", kHash, "secret").bytes, b.Prove("alice", kHash, "secret").bytes);
  EXPECT_NE(a.Prove("alice", kHash, "secret").bytes, other.Prove("alice", kHash, "secret").bytes);
}

// Against the plain definition: a list by age.
TEST(LoginProofs, AgreesWithAListInOrderOfAge) {
  const uint64_t seed = Seed(1);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  LoginProofs proofs(LoginProofs::MakeKey());
  struct Remembered {
    std::string name, password;
    uint64_t since;
  };
  std::deque<Remembered> model;  // oldest first
  uint64_t count_max = 8, now = 0;
  proofs.Configure(kLifetime, count_max);
  for (int step = 0; step < 20'000; ++step) {
    now += random() % 100;
    const std::string name = std::to_string(random() % 20);
    const std::string password = std::to_string(random() % 3);
    const auto of_name = [&name](const Remembered& each) { return each.name == name; };
    const uint64_t action = random() % 100;
    if (action < 40) {
      std::erase_if(model, of_name);
      std::erase_if(model, [now](const Remembered& each) { return now - each.since >= kLifetime; });
      model.push_back({name, password, now});
      proofs.Remember(name, proofs.Prove(name, kHash, password), now);
    } else if (action < 45) {
      std::erase_if(model, of_name);
      proofs.Forget(name);
    } else if (action < 47) {
      count_max = 1 + random() % 12;
      proofs.Configure(kLifetime, count_max);
    }
    while (model.size() > count_max) model.pop_front();
    ASSERT_EQ(proofs.count(), model.size()) << step;
    const auto found = std::find_if(model.begin(), model.end(), of_name);
    const bool expected =
        found != model.end() && found->password == password && now - found->since < kLifetime;
    ASSERT_EQ(proofs.Matches(name, proofs.Prove(name, kHash, password), now), expected) << step;
  }
}

}  // namespace
}  // namespace solec
