// The emulator's counters, on kernels whose traffic can be derived by hand.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>

#include <filesystem>
#include <string>
#include <vector>

#include "emulator/counted.h"
#include "run_command.h"
#include "temporary_folder.h"

using namespace metron::emulator;

namespace {

class EmulatorCounters : public testing::Test {
 protected:
  void SetUp() override {
    Options counting;
    counting.counted_blocks = 1000;
    set_options(counting);
    reset_counters();
  }
  void TearDown() override {
    set_options({});
    reset_counters();
  }

  // The counters of the only kernel that ran.
  static KernelCounters only() {
    const std::vector<KernelCounters> all = counters();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? KernelCounters{} : all.front();
  }

  const std::vector<float> values_ = std::vector<float>(2 * counted_size, 1.f);
  const DeviceArray<float> in_{values_}, out_{values_};
};

void expect(const AccessCounters& c, std::uint64_t accesses, std::uint64_t lanes, std::uint64_t transactions,
            std::uint64_t fewest) {
  EXPECT_EQ(c.accesses, accesses);
  EXPECT_EQ(c.lanes, lanes);
  EXPECT_EQ(c.transactions, transactions);
  EXPECT_EQ(c.fewest, fewest);
}

TEST_F(EmulatorCounters, CoalescedAccesses) {
  ASSERT_EQ(copy_coalesced(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  EXPECT_EQ(k.kernel, "coalesced_kernel");
  EXPECT_EQ(k.launches, 1u);
  EXPECT_EQ(k.blocks, 4u);
  EXPECT_EQ(k.counted_blocks, 4u);
  expect(k.global.loads, 32, 1024, 128, 128);  // the 128 bytes of a warp are 4 sectors
  expect(k.global.stores, 32, 1024, 128, 128);
  EXPECT_EQ(k.global.loads.by_size[2], 32u);
  expect(k.global.atomics, 0, 0, 0, 0);
  expect(k.shared.loads, 0, 0, 0, 0);
  EXPECT_EQ(k.barriers + k.warp_operations, 0u);
}

TEST_F(EmulatorCounters, Float4Accesses) {
  ASSERT_EQ(copy_by_four(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  expect(k.global.loads, 8, 256, 128, 128);
  expect(k.global.stores, 8, 256, 128, 128);
  EXPECT_EQ(k.global.loads.by_size[4], 8u);
  EXPECT_EQ(k.global.stores.by_size[4], 8u);
}

TEST_F(EmulatorCounters, MisalignedAccessesStraddleSectors) {
  ASSERT_EQ(copy_shifted(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  expect(k.global.loads, 32, 1023, 31 * 5 + 4, 128);
  expect(k.global.stores, 32, 1023, 128, 128);
}

TEST_F(EmulatorCounters, AStrideOfTwoReadsTwiceTheSectors) {
  ASSERT_EQ(read_every_second(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  expect(k.global.loads, 32, 1024, 256, 128);
  EXPECT_EQ(k.global.loads.ratio(), 2);
  ASSERT_FALSE(k.lines.empty());
  EXPECT_EQ(k.lines.front().kind, "global load");
  EXPECT_EQ(k.lines.front().file, "tests/emulator/counted.cu");
  EXPECT_GT(k.lines.front().line, 0);
}

TEST_F(EmulatorCounters, BroadcastsReadOneSector) {
  ASSERT_EQ(read_one(out_.data(), in_.data()), cudaSuccess);
  expect(only().global.loads, 32, 1024, 32, 32);
}

TEST_F(EmulatorCounters, DivergenceLowersActiveLanes) {
  ASSERT_EQ(copy_odd_lanes(out_.data(), in_.data()), cudaSuccess);
  expect(only().global.loads, 32, 512, 128, 64);  // half the bytes of each sector
}

TEST_F(EmulatorCounters, LanesExitALoopEarly) {
  ASSERT_EQ(sum_prefixes(out_.data(), in_.data()), cudaSuccess);
  std::uint64_t transactions = 0;  // in iteration i, lanes i to 31 read adjacent floats
  for (std::uint64_t i = 0; i < 32; ++i) transactions += 4 - i / 8;
  const KernelCounters k = only();
  EXPECT_EQ(k.global.loads.accesses, 32u);
  EXPECT_EQ(k.global.loads.lanes, 32u * 33 / 2);
  EXPECT_EQ(k.global.loads.transactions, transactions);
}

TEST_F(EmulatorCounters, SharedAtomicsOnOneWordSerialize) {
  const DeviceArray<int> sum(std::vector<int>{0});
  ASSERT_EQ(add_to_one(sum.data()), cudaSuccess);
  EXPECT_EQ(sum.values().front(), 1024);
  const KernelCounters k = only();
  expect(k.shared.atomics, 1, 32, 32, 1);
  expect(k.shared.stores, 1, 1, 1, 1);
  expect(k.shared.loads, 1, 32, 1, 1);  // a broadcast
  expect(k.global.atomics, 1, 32, 1, 1);
  EXPECT_EQ(k.barriers, 2u);
  EXPECT_EQ(k.warp_operations, 1u);
}

TEST_F(EmulatorCounters, NaiveTransposeScattersStores) {
  ASSERT_EQ(transpose(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  expect(k.global.loads, 32, 1024, 128, 128);
  expect(k.global.stores, 32, 1024, 1024, 128);
}

TEST_F(EmulatorCounters, ATileColumnIsOneBank) {
  ASSERT_EQ(transpose_by_tile(out_.data(), in_.data(), false), cudaSuccess);
  const KernelCounters k = only();
  expect(k.global.stores, 32, 1024, 128, 128);
  expect(k.shared.stores, 32, 1024, 32, 32);
  expect(k.shared.loads, 32, 1024, 1024, 32);
  EXPECT_EQ(k.barriers, 1u);
}

TEST_F(EmulatorCounters, APaddedTileHasNoBankConflicts) {
  ASSERT_EQ(transpose_by_tile(out_.data(), in_.data(), true), cudaSuccess);
  const KernelCounters k = only();
  expect(k.shared.stores, 32, 1024, 32, 32);
  expect(k.shared.loads, 32, 1024, 32, 32);
}

TEST_F(EmulatorCounters, WideSharedAccessesSplitByHalfAndQuarterWarp) {
  const std::vector<double> doubles(32, 1.0);
  const DeviceArray<double> from(doubles), to(doubles);
  ASSERT_EQ(reverse_wide(to.data(), from.data()), cudaSuccess);
  const KernelCounters wide = only();
  expect(wide.shared.stores, 1, 32, 2, 2);
  expect(wide.shared.loads, 1, 32, 2, 2);
  expect(wide.global.loads, 1, 32, 8, 8);
  EXPECT_EQ(wide.shared.loads.by_size[3], 1u);

  reset_counters();
  ASSERT_EQ(halve_rows(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters rows = only();
  expect(rows.shared.stores, 1, 32, 8, 4);
  expect(rows.shared.loads, 1, 32, 8, 4);
}

TEST_F(EmulatorCounters, SampledBlocksExtrapolate) {
  Options some;
  some.counted_blocks = 2;
  set_options(some);
  ASSERT_EQ(copy_coalesced(out_.data(), in_.data()), cudaSuccess);
  ASSERT_EQ(copy_coalesced(out_.data(), in_.data()), cudaSuccess);
  const KernelCounters k = only();
  EXPECT_EQ(k.launches, 2u);
  EXPECT_EQ(k.blocks, 8u);
  EXPECT_EQ(k.counted_blocks, 4u);
  EXPECT_EQ(k.global.loads.accesses, 32u);
}

TEST_F(EmulatorCounters, NothingIsCountedUnlessEnabled) {
  set_options({});
  ASSERT_EQ(copy_coalesced(out_.data(), in_.data()), cudaSuccess);
  EXPECT_TRUE(counters().empty());
}

TEST_F(EmulatorCounters, TheTableShowsWaste) {
  ASSERT_EQ(transpose_by_tile(out_.data(), in_.data(), false), cudaSuccess);
  ASSERT_EQ(read_every_second(out_.data(), in_.data()), cudaSuccess);
  const std::string table = counters_table();
  for (const char* part :
       {"tile_kernel<32>: 1 launch, 1 block of which 1 counted: 1 barrier, 0 warp operations",
        "every_second_kernel: 1 launch, 4 blocks of which 4 counted",
        "    shared load at tests/emulator/counted.cu:",
        "            32   32.0       4          1,024            32  32.00  shared load"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  EXPECT_EQ(table.find("global store at"), std::string::npos) << table;
}

// Writes counters for the next test only, which runs it in a subprocess.
TEST(EmulatorCountersFile, ACopy) {
  const DeviceArray<float> x(std::vector<float>(counted_size, 1.f));
  ASSERT_EQ(copy_coalesced(x.data(), x.data()), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(EmulatorCountersFile, IsWrittenAtExit) {
  const metron::TemporaryFolder folder;
  const std::string copy =
      std::filesystem::read_symlink("/proc/self/exe").string() + " --gtest_filter=*ACopy";
  const auto run = [&](const std::filesystem::path& file) {
    return metron::test::run_command("METRON_EMULATOR_COUNTERS='" + file.string() + "' " + copy);
  };
  EXPECT_EQ(run(folder / "counters").code, 0);
  EXPECT_TRUE(metron::contains(metron::read_file(folder / "counters"),
                               {"coalesced_kernel: 1 launch, 4 blocks of which 4 counted", "global load"}));
  const metron::test::Output refused = run(folder / "none" / "counters");
  EXPECT_NE(refused.code, 0);
  EXPECT_TRUE(metron::contains(refused.text, {"METRON_EMULATOR_COUNTERS", "cannot be written"}));
}

TEST_F(EmulatorCounters, BarriersAreListed) {
  reset_barrier_uses();
  const DeviceArray<int> sum(std::vector<int>{0});
  ASSERT_EQ(add_to_one(sum.data()), cudaSuccess);
  ASSERT_EQ(add_to_one(sum.data()), cudaSuccess);
  const std::vector<BarrierUse> uses = barrier_uses();
  ASSERT_EQ(uses.size(), 2u);
  for (const BarrierUse& use : uses) {
    EXPECT_EQ(use.kernel, "add_kernel");
    EXPECT_EQ(use.site.file, "tests/emulator/counted.cu");
    EXPECT_EQ(use.count, 2u);
  }
  EXPECT_LT(uses[0].site.line, uses[1].site.line);
}

}  // namespace
