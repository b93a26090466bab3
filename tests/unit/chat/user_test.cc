#include "chat/user.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace solec {
namespace {

Handle<User> CreatePresent(UserTable* users, std::string_view name) {
  const Handle<User> handle = users->Create(name);
  users->Get(handle)->state = UserState::kPresent;
  return handle;
}

std::string NameOf(size_t number) {
  return "user" + std::to_string(number);
}

TEST(UserTable, FindsByNameUntilDestroyed) {
  UserTable users;
  EXPECT_EQ(users.Find("alice"), nullptr);
  EXPECT_FALSE(users.HandleOf("alice").valid());
  const Handle<User> alice = CreatePresent(&users, "alice");
  EXPECT_EQ(users.Find("alice"), users.Get(alice));
  EXPECT_EQ(users.HandleOf("alice"), alice);
  EXPECT_EQ(users.Find("Alice"), nullptr) << "case matters in names";
  users.Destroy(alice);
  EXPECT_EQ(users.Find("alice"), nullptr);
  EXPECT_EQ(users.Get(alice), nullptr);
  EXPECT_EQ(users.count(), 0u);
}

TEST(UserTable, AUserIsIdleOnlyWhenNothingNeedsIt) {
  const std::function<void(User*)> kNeeds[] = {
      [](User* user) { user->state = UserState::kLoading; },
      [](User* user) { user->sessions.push_back({}); },
      [](User* user) { user->waiters.push_back({}); },
      [](User* user) {
        user->inbox = std::make_unique<Inbox>(InboxMark{}, InboxMark{});
        user->inbox->Submit(1, 10);
      },
      [](User* user) { user->logins_pending = 1; },
  };
  for (const auto& need : kNeeds) {
    User user("alice");
    user.state = UserState::kPresent;
    EXPECT_TRUE(IsIdle(user));
    need(&user);
    EXPECT_FALSE(IsIdle(user));
  }
  User absent("nobody");
  absent.state = UserState::kAbsent;
  EXPECT_TRUE(IsIdle(absent)) << "names that nobody has must not stay for ever";
}

TEST(UserTable, ForgetsTheUserThatBecameIdleFirst) {
  UserTable users;
  for (size_t i = 0; i <= UserTable::kIdleMax; ++i) {
    users.MarkIdle(CreatePresent(&users, NameOf(i)));
    users.EvictIdle();
  }
  EXPECT_EQ(users.count(), UserTable::kIdleMax);
  EXPECT_EQ(users.Find(NameOf(0)), nullptr);
  EXPECT_NE(users.Find(NameOf(1)), nullptr);
  EXPECT_NE(users.Find(NameOf(UserTable::kIdleMax)), nullptr);
}

TEST(UserTable, KeepsAUserThatIsNeededAgainWhenItsTurnComes) {
  UserTable users;
  const Handle<User> busy = CreatePresent(&users, "busy");
  users.MarkIdle(busy);
  users.Get(busy)->sessions.push_back({});
  for (size_t i = 0; i < 2 * UserTable::kIdleMax; ++i) {
    users.MarkIdle(CreatePresent(&users, NameOf(i)));
    users.EvictIdle();
  }
  EXPECT_NE(users.Get(busy), nullptr);
  users.Get(busy)->sessions.clear();
  users.MarkIdle(busy);
  for (size_t i = 0; i < UserTable::kIdleMax; ++i) {
    users.MarkIdle(CreatePresent(&users, "later" + std::to_string(i)));
    users.EvictIdle();
  }
  EXPECT_EQ(users.Get(busy), nullptr) << "marked again, it is forgotten like any other";
}

TEST(UserTable, MarkingTwiceOrAfterDestroyChangesNothing) {
  UserTable users;
  const Handle<User> alice = CreatePresent(&users, "alice");
  users.MarkIdle(alice);
  users.MarkIdle(alice);
  users.Destroy(alice);
  users.MarkIdle(alice);
  const Handle<User> bob = CreatePresent(&users, "bob");  // in alice's slot
  for (size_t i = 0; i < UserTable::kIdleMax + 10; ++i) {
    users.MarkIdle(CreatePresent(&users, NameOf(i)));
    users.EvictIdle();
  }
  EXPECT_NE(users.Get(bob), nullptr) << "bob was never idle";
  // A stale entry is dropped without a new one being evicted for it.
  EXPECT_EQ(users.count(), UserTable::kIdleMax + 1);
}

TEST(UserTable, StaysBoundedWhateverComesAndGoes) {
  UserTable users;
  for (size_t i = 0; i < 10 * UserTable::kIdleMax; ++i) {
    users.MarkIdle(CreatePresent(&users, NameOf(i)));
    users.EvictIdle();
    ASSERT_LE(users.count(), UserTable::kIdleMax + 1);
  }
}

}  // namespace
}  // namespace solec
