// The caching allocator: size classes, reuse, cache limit, statistics, exhaustion, threads.
#include <metron/core/allocator.h>
#include <metron/core/tensor.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "expect_error.h"

namespace metron::test {
namespace {

// A memory source with a fixed capacity that counts allocations.
struct Source : MemorySource {
  struct Counts {
    std::size_t held = 0, capacity = std::size_t{1} << 30;
    int allocations = 0, releases = 0;
  };
  explicit Source(Counts& c) : counts(c) {}
  void* allocate(std::size_t bytes) override {
    if (counts.held + bytes > counts.capacity) return nullptr;
    counts.held += bytes;
    ++counts.allocations;
    return std::aligned_alloc(memory_alignment, bytes);
  }
  void release(void* block, std::size_t bytes) override {
    counts.held -= bytes;
    ++counts.releases;
    std::free(block);
  }
  Counts& counts;
};

class Allocator : public testing::Test {
 protected:
  Source::Counts source;
  CachingAllocator allocator{std::make_unique<Source>(source), 1 << 20};
};

TEST(SizeClass, FitsTheRequestWithLittleWaste) {
  std::size_t previous = 0;
  for (std::size_t bytes = 1; bytes < 300'000; bytes += 1 + bytes / 97) {
    const std::size_t size = CachingAllocator::size_class(bytes);
    ASSERT_GE(size, bytes);
    ASSERT_GE(size, previous);
    ASSERT_EQ(size % memory_alignment, 0u);
    ASSERT_EQ(CachingAllocator::size_class(size), size);
    ASSERT_TRUE(size - bytes < memory_alignment || size - bytes <= size / 4) << bytes;
    previous = size;
  }
  EXPECT_EQ(CachingAllocator::size_class(0), memory_alignment);
  EXPECT_EQ(CachingAllocator::size_class(1), memory_alignment);
  EXPECT_EQ(CachingAllocator::size_class(4096), 4096u);
  EXPECT_EQ(CachingAllocator::size_class(4097), 5120u);
  EXPECT_EQ(CachingAllocator::size_class(7169), 8192u);
}

TEST_F(Allocator, ReusesABlockOfTheSameClass) {
  void* const first = allocator.allocate(1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % memory_alignment, 0u);
  allocator.release(first, 1000);
  void* const second = allocator.allocate(CachingAllocator::size_class(1000));
  EXPECT_EQ(first, second);
  void* const third = allocator.allocate(1000);
  EXPECT_NE(third, second);
  EXPECT_EQ(source.allocations, 2);
  EXPECT_EQ(allocator.stats().hits, 1u);
  EXPECT_EQ(allocator.stats().misses, 2u);
  EXPECT_DOUBLE_EQ(allocator.stats().hit_rate(), 1. / 3);
  allocator.release(second, 1000);
  allocator.release(third, 1000);
}

TEST_F(Allocator, CountsLiveCachedAndPeakBytes) {
  EXPECT_EQ(allocator.stats().hit_rate(), 0);
  void* const a = allocator.allocate(4096);
  void* const b = allocator.allocate(8192);
  EXPECT_EQ(allocator.stats().allocated, 12288u);
  allocator.release(b, 8192);
  EXPECT_EQ(allocator.stats().allocated, 4096u);
  EXPECT_EQ(allocator.stats().peak_allocated, 12288u);
  EXPECT_EQ(allocator.stats().reserved, 12288u);
  EXPECT_EQ(source.held, 12288u);
  allocator.reset_peak();
  EXPECT_EQ(allocator.stats().peak_allocated, 4096u);
  allocator.empty_cache();
  EXPECT_EQ(allocator.stats().reserved, 4096u);
  EXPECT_EQ(source.held, 4096u);
  allocator.release(a, 4096);
  EXPECT_EQ(allocator.stats().allocated, 0u);
  EXPECT_EQ(allocator.stats().reserved, 4096u);
}

TEST_F(Allocator, NeverCachesBeyondTheLimit) {
  std::mt19937 random(1);
  std::vector<std::pair<void*, std::size_t>> live;
  for (int i = 0; i < 5000; ++i) {
    if (live.empty() || random() % 3 != 0) {
      const std::size_t bytes = random() % 100'000;
      live.emplace_back(allocator.allocate(bytes), bytes);
    } else {
      std::swap(live[random() % live.size()], live.back());
      allocator.release(live.back().first, live.back().second);
      live.pop_back();
    }
    const MemoryStats stats = allocator.stats();
    ASSERT_EQ(stats.reserved, source.held);
    ASSERT_LE(stats.reserved - stats.allocated, stats.cache_limit);
  }
  for (const auto& [block, bytes] : live) allocator.release(block, bytes);
  EXPECT_EQ(allocator.stats().allocated, 0u);
  EXPECT_LE(source.held, allocator.stats().cache_limit);
}

TEST_F(Allocator, FreesABlockBeyondTheLimitImmediately) {
  void* const block = allocator.allocate(2 << 20);
  allocator.release(block, 2 << 20);
  EXPECT_EQ(source.held, 0u);
  EXPECT_EQ(allocator.stats().reserved, 0u);
}

TEST_F(Allocator, ALowerLimitAppliesImmediately) {
  for (const std::size_t bytes : {4096, 65536, 262144}) {
    void* const block = allocator.allocate(bytes);
    allocator.release(block, bytes);
  }
  EXPECT_EQ(source.held, 331776u);
  allocator.set_cache_limit(100'000);  // the largest is freed first
  EXPECT_EQ(source.held, 69632u);
  EXPECT_EQ(allocator.stats().cache_limit, 100'000u);
  allocator.set_cache_limit(0);
  EXPECT_EQ(source.held, 0u);
  void* const block = allocator.allocate(64);
  allocator.release(block, 64);
  EXPECT_EQ(source.held, 0u);
}

TEST_F(Allocator, EmptiesItsCacheBeforeReportingOutOfMemory) {
  source.capacity = 100'000;
  void* const small = allocator.allocate(60'000);
  allocator.release(small, 60'000);
  void* const large = allocator.allocate(80'000);  // fits once the cached block is freed
  EXPECT_NE(large, nullptr);
  expect_error<OutOfMemoryError>([&] { allocator.allocate(50'000); }, {"[allocate]", "in use"});
  const MemoryStats stats = allocator.stats();
  EXPECT_EQ(stats.allocated, CachingAllocator::size_class(80'000));
  EXPECT_EQ(stats.reserved, source.held);
  allocator.release(large, 80'000);
  allocator.release(allocator.allocate(1), 1);  // still usable
  expect_error<OutOfMemoryError>([&] { allocator.allocate(~std::size_t{0}); }, {"too large"});
  expect_error<OutOfMemoryError>([&] { allocator.allocate(~std::size_t{0} / 8); }, {"[allocate]"});
}

TEST(AllocatorLifetime, FreesCachedBlocks) {
  Source::Counts source;
  {
    CachingAllocator allocator(std::make_unique<Source>(source), 1 << 20);
    std::vector<void*> blocks;
    for (int i = 0; i < 10; ++i) blocks.push_back(allocator.allocate(1000));
    for (void* block : blocks) allocator.release(block, 1000);
    EXPECT_EQ(source.releases, 0);
  }
  EXPECT_EQ(source.held, 0u);
  EXPECT_EQ(source.releases, source.allocations);
}

TEST_F(Allocator, NeverHandsABlockToTwoThreads) {
  const auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<unsigned char*, std::size_t>> live;
    for (int i = 0; i < 4000; ++i) {
      if (live.size() < 8) {
        const std::size_t bytes = 1 + random() % 5000;
        auto* block = static_cast<unsigned char*>(allocator.allocate(bytes));
        std::memset(block, static_cast<int>(seed), bytes);
        live.emplace_back(block, bytes);
        continue;
      }
      std::swap(live[random() % live.size()], live.back());
      const auto [block, bytes] = live.back();
      live.pop_back();
      ASSERT_EQ(block[0], seed);
      ASSERT_EQ(block[bytes - 1], seed);
      allocator.release(block, bytes);
    }
    for (const auto& [block, bytes] : live) allocator.release(block, bytes);
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();
  const MemoryStats stats = allocator.stats();
  EXPECT_EQ(stats.allocated, 0u);
  EXPECT_EQ(stats.reserved, source.held);
  EXPECT_EQ(static_cast<int>(stats.misses), source.allocations);
}

TEST(TensorMemory, IsAllocatedAndFreed) {
  const std::size_t before = memory_stats("cpu").allocated;
  {
    const Tensor x = Tensor::empty({1000});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.raw_data()) % memory_alignment, 0u);
    EXPECT_EQ(memory_stats("cpu").allocated - before, CachingAllocator::size_class(4000));
    const Tensor view = x.as_strided({10}, {2}, 3);
    EXPECT_EQ(memory_stats("cpu").allocated - before, CachingAllocator::size_class(4000));
    const Tensor nothing = Tensor::empty({0, 5});
    EXPECT_EQ(nothing.raw_data(), nullptr);
  }
  EXPECT_EQ(memory_stats("cpu").allocated, before);
}

TEST(TensorMemory, InALoopComesFromTheCache) {
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (std::int64_t size = 1; size < 10000; size *= 3) tensors.push_back(Tensor::empty({size, 7}));
  };
  step();
  const MemoryStats before = memory_stats("cpu");
  for (int i = 0; i < 10; ++i) step();
  const MemoryStats after = memory_stats("cpu");
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.hits - before.hits, 90u);
  EXPECT_EQ(after.reserved, before.reserved);
}

}  // namespace
}  // namespace metron::test
