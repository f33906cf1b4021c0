// The bounded LRU cache.
#include <gtest/gtest.h>
#include <metron/kernels/internal/lru_cache.h>

#include <memory>

namespace metron {
namespace {

TEST(LruCache, EvictsTheLeastRecentlyUsed) {
  LruCache<int, int> cache(3);
  for (int i = 0; i < 3; ++i) cache.insert(i, 10 * i);
  ASSERT_NE(cache.find(0), nullptr);  // now 1 is the least recently used
  cache.insert(3, 30);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(*cache.find(0), 0);
  EXPECT_EQ(*cache.find(2), 20);
  EXPECT_EQ(*cache.find(3), 30);
}

TEST(LruCache, CachesNullValues) {
  LruCache<int, std::unique_ptr<int>> cache(1);
  EXPECT_EQ(cache.insert(7, nullptr), nullptr);
  ASSERT_NE(cache.find(7), nullptr);
  EXPECT_EQ(*cache.find(7), nullptr);
}

TEST(LruCache, KeepsAddressesStable) {
  LruCache<int, int> cache(2);
  const int* const first = &cache.insert(1, 11);
  cache.insert(2, 22);
  EXPECT_EQ(cache.find(1), first);
}

}  // namespace
}  // namespace metron
