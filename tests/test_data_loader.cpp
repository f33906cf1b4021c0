// The DataLoader: order, worker threads and error propagation.
#include <gtest/gtest.h>
#include <metron/core/data/data_loader.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace metron {
namespace {

using Indices = std::vector<std::int64_t>;

// Sample i has the value i.
class Numbers : public Dataset {
 public:
  explicit Numbers(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  Batch gather(std::span<const std::int64_t> indices) const override {
    ++gathered;
    if (fails_at >= 0 && std::find(indices.begin(), indices.end(), fails_at) != indices.end())
      throw std::runtime_error("sample is broken");
    const Tensor batch = Tensor::from(indices, {static_cast<std::int64_t>(indices.size())});
    return {batch, batch};
  }
  mutable std::atomic<int> gathered{0};
  std::int64_t fails_at = -1;

 private:
  std::int64_t size_;
};

std::vector<Indices> batches_of(const DataLoader& loader, std::int64_t epoch = 0) {
  std::vector<Indices> result;
  for (const auto& [x, target] : loader.epoch(epoch)) {
    EXPECT_TRUE(x.is_same(target));
    result.push_back(x.to_vector<std::int64_t>());
  }
  return result;
}

Indices flat(const std::vector<Indices>& batches) {
  Indices all;
  for (const Indices& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

TEST(DataLoader, YieldsBatchesInOrder) {
  const Numbers data(7);
  EXPECT_EQ(batches_of(DataLoader(data, {.batch_size = 3})),
            (std::vector<Indices>{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(batches_of(DataLoader(data, {.batch_size = 3, .drop_last = true})),
            (std::vector<Indices>{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(batches_of(DataLoader(data, {.batch_size = 7})), (std::vector<Indices>{{0, 1, 2, 3, 4, 5, 6}}));
  EXPECT_EQ(batches_of(DataLoader(data, {.batch_size = INT64_MAX})),
            (std::vector<Indices>{{0, 1, 2, 3, 4, 5, 6}}));
  EXPECT_TRUE(batches_of(DataLoader(data, {.batch_size = 8, .drop_last = true})).empty());
  const Numbers none(0);
  EXPECT_TRUE(batches_of(DataLoader(none, {.batch_size = 2, .threads = 2})).empty());
}

TEST(DataLoader, StartsWithinAnEpoch) {
  const Numbers data(23);
  for (const int threads : {0, 1, 3}) {
    const DataLoader loader(data,
                            {.batch_size = 4, .shuffle = true, .seed = 5, .threads = threads, .prefetch = 2});
    const std::vector<Indices> all = batches_of(loader, 3);
    for (std::int64_t first = 0; first <= loader.size(); ++first) {
      std::vector<Indices> remainder;
      for (const auto& [x, target] : loader.epoch(3, first)) remainder.push_back(x.to_vector<std::int64_t>());
      EXPECT_EQ(remainder, std::vector<Indices>(all.begin() + first, all.end())) << first;
    }
    EXPECT_THROW(loader.epoch(3, -1), ValueError);
    EXPECT_THROW(loader.epoch(3, loader.size() + 1), ValueError);
  }
}

TEST(DataLoader, RejectsAMissingDevice) {
  const Numbers data(7);
  EXPECT_THROW((DataLoader(data, {.batch_size = 3, .device = "cuda:77"})), DeviceError);
}

TEST(DataLoader, KeepsNothingOnTheCpu) {
  const Numbers data(7);
  EXPECT_FALSE(DataLoader(data, {.batch_size = 3}).is_resident());
  EXPECT_EQ(data.resident(Device(), 1 << 20), nullptr);
}

TEST(DataLoader, CountsItsBatches) {
  const Numbers data(7);
  EXPECT_EQ(DataLoader(data, {.batch_size = 3}).size(), 3);
  EXPECT_EQ(DataLoader(data, {.batch_size = 3, .drop_last = true}).size(), 2);
  EXPECT_EQ(DataLoader(data, {.batch_size = 7}).size(), 1);
  EXPECT_EQ(DataLoader(data, {.batch_size = 1}).size(), 7);
}

TEST(DataLoader, ShuffleDoesNotDependOnThreadCount) {
  const Numbers data(1000);
  for (const std::int64_t epoch : {0, 1, 5}) {
    const auto expected =
        batches_of(DataLoader(data, {.batch_size = 7, .shuffle = true, .seed = 3, .threads = 0}), epoch);
    for (const int threads : {1, 3, 8}) {
      for (const int prefetch : {1, 2, 16}) {
        const DataLoader loader(
            data, {.batch_size = 7, .shuffle = true, .seed = 3, .threads = threads, .prefetch = prefetch});
        EXPECT_EQ(batches_of(loader, epoch), expected) << threads << " threads, prefetch " << prefetch;
      }
    }
  }
}

TEST(DataLoader, ReshufflesEveryEpochAndYieldsEachSampleOnce) {
  const Numbers data(1000);
  Indices sorted(1000);
  std::iota(sorted.begin(), sorted.end(), 0);
  const auto order = [&](std::uint64_t seed, std::int64_t epoch) {
    const Indices all =
        flat(batches_of(DataLoader(data, {.batch_size = 64, .shuffle = true, .seed = seed}), epoch));
    Indices copy = all;
    std::sort(copy.begin(), copy.end());
    EXPECT_EQ(copy, sorted);
    return all;
  };
  const Indices first = order(1, 0);
  EXPECT_NE(first, sorted);
  EXPECT_EQ(first, order(1, 0));
  EXPECT_NE(first, order(1, 1));
  EXPECT_NE(first, order(2, 0));
}

TEST(DataLoader, ShuffleDoesNotDependOnTheMachine) {
  const Numbers data(8);
  const DataLoader loader(data, {.batch_size = 8, .shuffle = true, .seed = 1});
  EXPECT_EQ(flat(batches_of(loader, 0)), (Indices{5, 7, 3, 6, 1, 2, 0, 4}));
  EXPECT_EQ(flat(batches_of(loader, 1)), (Indices{5, 4, 2, 7, 0, 1, 6, 3}));
}

TEST(DataLoader, ShuffleIsUniformOverPermutations) {
  const Numbers data(4);
  const DataLoader loader(data, {.batch_size = 4, .shuffle = true, .seed = 1, .threads = 0});
  std::map<Indices, int> seen;
  constexpr int epochs = 24 * 400;
  for (int epoch = 0; epoch < epochs; ++epoch) ++seen[flat(batches_of(loader, epoch))];
  ASSERT_EQ(seen.size(), 24u);
  double chi_square = 0;
  for (const auto& [order, count] : seen) chi_square += (count - 400.0) * (count - 400.0) / 400.0;
  EXPECT_LT(chi_square, 49.7);  // the 99.9 % quantile for 23 degrees of freedom
}

class DataLoaderThreads : public testing::TestWithParam<int> {};

TEST_P(DataLoaderThreads, PropagateAnErrorInOrderAndEndTheEpoch) {
  Numbers data(100);
  data.fails_at = 23;
  const DataLoader loader(data, {.batch_size = 5, .threads = GetParam(), .prefetch = 3});
  DataLoader::Epoch epoch(loader, 0);
  for (int batch = 0; batch < 4; ++batch)
    EXPECT_EQ(epoch.next()->input.to_vector<std::int64_t>()[0], 5 * batch);
  try {
    epoch.next();
    FAIL() << "the dataset's error was lost";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "sample is broken");
  }
  EXPECT_FALSE(epoch.next().has_value());
  data.fails_at = -1;
  EXPECT_EQ(batches_of(loader).size(), 20u) << "the next epoch must not be affected";
}

TEST_P(DataLoaderThreads, StopWithTheEpochWhereverItEnds) {
  const Numbers data(1000);
  const DataLoader loader(data, {.batch_size = 3, .threads = GetParam()});
  for (int taken = 0; taken < 40; ++taken) {
    DataLoader::Epoch epoch(loader, taken);
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(epoch.next().has_value());
  }
}

TEST_P(DataLoaderThreads, YieldBatchesThatOutliveTheEpoch) {
  const Numbers data(10);
  std::vector<Batch> kept;
  for (Batch& batch : DataLoader(data, {.batch_size = 2, .threads = GetParam()}).epoch())
    kept.push_back(batch);
  ASSERT_EQ(kept.size(), 5u);
  for (std::size_t i = 0; i < kept.size(); ++i)
    EXPECT_EQ(kept[i].input.to_vector<std::int64_t>()[1], 2 * static_cast<std::int64_t>(i) + 1);
}

INSTANTIATE_TEST_SUITE_P(, DataLoaderThreads, testing::Values(0, 1, 3));

TEST(DataLoader, PrefetchesNoFurtherThanConfigured) {
  const Numbers data(1000);
  const DataLoader loader(data, {.batch_size = 1, .threads = 3, .prefetch = 5});
  const DataLoader::Epoch epoch(loader, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (data.gathered < 5 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(data.gathered, 5);
}

TEST(DataLoader, GathersOnTheCallingThreadWithoutWorkers) {
  const Numbers data(10);
  const DataLoader loader(data, {.batch_size = 1, .threads = 0});
  DataLoader::Epoch epoch(loader, 0);
  EXPECT_EQ(data.gathered, 0);
  epoch.next();
  EXPECT_EQ(data.gathered, 1);
}

TEST(DataLoader, RejectsOptionsOutOfRange) {
  const Numbers data(10);
  EXPECT_THROW(DataLoader(data, {.batch_size = 0}), ValueError);
  EXPECT_THROW(DataLoader(data, {.batch_size = -1}), ValueError);
  EXPECT_THROW(DataLoader(data, {.threads = -1}), ValueError);
  EXPECT_THROW(DataLoader(data, {.threads = 257}), ValueError);
  EXPECT_THROW(DataLoader(data, {.prefetch = 0}), ValueError);
  EXPECT_THROW(DataLoader(data, {}).epoch(-1), ValueError);
}

}  // namespace
}  // namespace metron
