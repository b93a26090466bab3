#include "chat/channel.h"

#include <gtest/gtest.h>

#include <string>

namespace solec {
namespace {

TEST(NamedTable, FindsByNameUntilDestroyed) {
  NamedTable<Fanout> table;
  EXPECT_EQ(table.Find("#ops"), nullptr);
  const Handle<Fanout> ops = table.Create("#ops");
  const Handle<Fanout> dev = table.Create("#dev");
  EXPECT_EQ(table.Find("#ops"), table.Get(ops));
  EXPECT_EQ(table.Find("#ops")->name, "#ops");
  EXPECT_EQ(table.count(), 2u);
  table.Destroy(ops);
  EXPECT_EQ(table.Find("#ops"), nullptr);
  EXPECT_FALSE(table.HandleOf("#ops").valid());
  EXPECT_EQ(table.HandleOf("#dev"), dev);
}

TEST(NamedTable, OfTheSameNameTheNewOneIsFound) {
  NamedTable<Channel> table;
  const Handle<Channel> old = table.Create("#ops");
  table.Destroy(old);
  const Handle<Channel> fresh = table.Create("#ops");
  EXPECT_EQ(table.Get(old), nullptr);
  EXPECT_EQ(table.HandleOf("#ops"), fresh);
}

TEST(NamedTable, NamesStayValidWhileManyComeAndGo) {
  NamedTable<Channel> table;
  for (int i = 0; i < 5'000; ++i) {
    table.Create("#room" + std::to_string(i));
    if (i % 3 == 2) table.Destroy(table.HandleOf("#room" + std::to_string(i - 1)));
  }
  for (int i = 0; i < 5'000; ++i) {
    const std::string name = "#room" + std::to_string(i);
    const bool destroyed = i % 3 == 1 && i + 1 < 5'000;
    ASSERT_EQ(table.Find(name) == nullptr, destroyed) << name;
  }
}

}  // namespace
}  // namespace solec
