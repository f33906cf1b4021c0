// The CUDA emulator computes what a device computes.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>
#include <metron/core/dtype.h>
#include <metron/kernels/emulator/emulator.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "emulator/semantics.h"

using namespace metron::emulator;

namespace {

TEST(EmulatorSemantics, BlockReduction) {
  std::vector<float> in(100000);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i % 7);
  const DeviceArray<float> input(in), out(std::vector<float>{0});
  ASSERT_EQ(block_sum(out.data(), input.data(), static_cast<int>(in.size())), cudaSuccess);
  EXPECT_EQ(out.values()[0], std::accumulate(in.begin(), in.end(), 0.f));
}

TEST(EmulatorSemantics, DynamicSharedMemory) {
  std::vector<int> in(1000), reversed(1000);
  std::iota(in.begin(), in.end(), 0);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const DeviceArray<int> input(in), out(1000);
  ASSERT_EQ(reverse(out.data(), input.data(), 1000), cudaSuccess);
  EXPECT_EQ(out.values(), reversed);
}

TEST(EmulatorSemantics, LargeDynamicSharedMemoryRequiresOptIn) {
  const Options without = Options().with(Check::launch_limits, false);  // rejected regardless
  set_options(without);
  constexpr int size = 20'000;  // 80 kB
  std::vector<int> in(size);
  std::iota(in.begin(), in.end(), 0);
  const DeviceArray<int> input(in), out(size);
  EXPECT_EQ(reverse_large(out.data(), input.data(), size, false), cudaErrorInvalidValue);
  EXPECT_EQ(reverse_large(out.data(), input.data(), size, true), cudaSuccess);
  EXPECT_EQ(out.values().front(), size - 1);
  EXPECT_EQ(reverse_large(out.data(), input.data(), 60'000, true),
            cudaErrorInvalidValue);  // 240 kB: more than any device has
  cudaGetLastError();
  set_options({});
}

TEST(EmulatorSemantics, KernelAttributes) {
  EXPECT_EQ(static_shared_bytes(), 1024);
  EXPECT_EQ(blocks_per_multiprocessor(), 8);  // of 2048 threads
}

TEST(EmulatorSemantics, BlockVotes) {
  const DeviceArray<int> out(3 * 64);
  ASSERT_EQ(block_votes(out.data()), cudaSuccess);
  const std::vector<int> votes = out.values();
  for (std::size_t t = 0; t < 64; ++t) {
    EXPECT_EQ(votes[3 * t], 22);
    EXPECT_EQ(votes[3 * t + 1], 0);
    EXPECT_NE(votes[3 * t + 2], 0);
  }
}

TEST(EmulatorSemantics, ConstantMemory) {
  const DeviceArray<float> data(std::vector<float>(100, 1.f));
  ASSERT_EQ(set_scale(3), cudaSuccess);
  ASSERT_EQ(scale_by_constant(data.data(), 100), cudaSuccess);
  EXPECT_EQ(data.values(), std::vector<float>(100, 3.f));
}

TEST(EmulatorSemantics, Atomics) {
  const DeviceArray<AtomicCells> cells(std::vector<AtomicCells>(1));
  const DeviceArray<int> tickets(atomic_threads);
  ASSERT_EQ(update_atomically(cells.data(), tickets.data()), cudaSuccess);
  const AtomicCells got = cells.values().front();
  EXPECT_EQ(got.added, 256);
  EXPECT_EQ(got.subtracted, -255 * 128);
  EXPECT_EQ(got.largest, 255);
  EXPECT_EQ(got.smallest, -255);
  EXPECT_GE(got.exchanged, 1);
  EXPECT_LE(got.exchanged, 256);
  EXPECT_EQ(got.swapped, 512);
  EXPECT_EQ(got.and_bits, 0);
  EXPECT_EQ(got.or_bits, 255);
  EXPECT_EQ(got.xor_bits, 0);
  EXPECT_EQ(got.wrapped_up, 256u % 100);
  EXPECT_EQ(got.wrapped_down, 100u - 256u % 100);
  EXPECT_EQ(got.wide, 256ull << 33);
  EXPECT_EQ(got.single, 128.f);
  EXPECT_EQ(got.twice, 64.0);
  std::vector<int> drawn = tickets.values();  // every thread drew a unique one
  std::sort(drawn.begin(), drawn.end());
  for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_EQ(drawn[i], static_cast<int>(i));
}

TEST(EmulatorSemantics, WarpSums) {
  std::vector<float> in(96);
  std::iota(in.begin(), in.end(), 0.f);
  const DeviceArray<float> input(in), out(3);
  ASSERT_EQ(warp_sum(out.data(), input.data(), 3), cudaSuccess);
  EXPECT_EQ(out.values(), (std::vector<float>{496, 1520, 2544}));
}

TEST(EmulatorSemantics, WarpVotes) {
  const DeviceArray<unsigned> out(5 * warp);
  ASSERT_EQ(warp_votes(out.data()), cudaSuccess);
  const std::vector<unsigned> votes = out.values();
  for (unsigned lane = 0; lane < warp; ++lane) {
    EXPECT_EQ(votes[5 * lane], 0x49249249u);
    EXPECT_EQ(votes[5 * lane + 1], 1u);
    EXPECT_EQ(votes[5 * lane + 2], 0u);
    EXPECT_EQ(votes[5 * lane + 3], lane < 16 ? 0x0000aaaau : 0xaaaa0000u);
    EXPECT_NE(votes[5 * lane + 4] >> lane & 1, 0u);
  }
}

TEST(EmulatorSemantics, WarpShufflesOfAllWidths) {
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    const DeviceArray<double> out(4 * warp);
    ASSERT_EQ(warp_shuffles(out.data(), width), cudaSuccess);
    const std::vector<double> got = out.values();
    for (int lane = 0; lane < 32; ++lane) {
      SCOPED_TRACE(testing::Message() << "width " << width << ", lane " << lane);
      const int first = lane / width * width, within = lane - first, other = lane ^ 5;
      const double* const mine = &got[static_cast<std::size_t>(4 * lane)];
      EXPECT_EQ(mine[0], 100 + first + (lane + 3) % width);
      EXPECT_EQ(mine[1], 100 + (within >= 2 ? lane - 2 : lane));
      EXPECT_EQ(mine[2], 100 + (within + 3 < width ? lane + 3 : lane));
      EXPECT_EQ(mine[3], 100 + (other < first + width ? other : lane));
    }
  }
}

TEST(EmulatorSemantics, WarpMatches) {
  const DeviceArray<unsigned> out(2 * warp);
  ASSERT_EQ(warp_matches(out.data()), cudaSuccess);
  const std::vector<unsigned> got = out.values();
  for (unsigned lane = 0; lane < warp; ++lane) {
    unsigned same = 0;
    for (unsigned other = lane % 5; other < warp; other += 5) same |= 1u << other;
    EXPECT_EQ(got[2 * lane], same);
    EXPECT_EQ(got[2 * lane + 1], 0xffffffffu);
  }
}

TEST(EmulatorSemantics, WarpReductions) {
  const DeviceArray<int> out(6 * warp);
  ASSERT_EQ(warp_reductions(out.data()), cudaSuccess);
  const std::vector<int> got = out.values();
  for (std::size_t i = 0; i < got.size(); i += 6)
    EXPECT_EQ(std::vector<int>(&got[i], &got[i] + 6), (std::vector<int>{-16, -31, 30, 0x80, 0x9f, 0}));
}

TEST(EmulatorSemantics, HalfWarpsSynchronize) {
  const DeviceArray<int> out(warp);
  ASSERT_EQ(partial_syncs(out.data()), cudaSuccess);
  const std::vector<int> got = out.values();
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[static_cast<std::size_t>(lane)], lane ^ 15);
}

// Both formats against the tensor's own types.
template <class Emulated, class Ours>
void compare_formats() {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    Ours ours;
    ours.bits = half;
    const float got = Emulated::of_bits(half), want = static_cast<float>(ours);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << bits;
      continue;
    }
    EXPECT_EQ(std::bit_cast<unsigned>(got), std::bit_cast<unsigned>(want)) << bits;
    // The adjacent float32 values, the midpoint to the next 16-bit value and its adjacent float32 values.
    const std::uint32_t word = std::bit_cast<std::uint32_t>(want);
    for (const std::uint32_t step : {0u, 1u, ~0u, 0xfffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u}) {
      const float x = std::bit_cast<float>(word + step);
      if (!std::isnan(x)) {
        EXPECT_EQ(Emulated(x).bits, Ours(x).bits) << x;
      }
    }
  }
  EXPECT_TRUE(std::isnan(static_cast<float>(Emulated(std::numeric_limits<float>::quiet_NaN()))));
}
TEST(EmulatorFloat16, HalfConversionsMatchTensors) { compare_formats<half, metron::float16>(); }
TEST(EmulatorFloat16, Bfloat16ConversionsMatchTensors) { compare_formats<nv_bfloat16, metron::bfloat16>(); }

TEST(EmulatorFloat16, ArithmeticRoundsOnce) {
  const half third = __float2half(1.f / 3);
  EXPECT_EQ(__half2float(third + third), __half2float(__float2half(2 * __half2float(third))));
  EXPECT_EQ(
      __half_as_ushort(__hfma(third, third, __float2half(1.f))),
      __half_as_ushort(__double2half(static_cast<double>(__half2float(third)) * __half2float(third) + 1)));
  EXPECT_EQ(__half2float(__float2half(65504.f) + __float2half(65504.f)), HUGE_VALF);
  const float2 pair = __half22float2(__hadd2(__floats2half2_rn(1, 2), __float2half2_rn(0.5f)));
  EXPECT_EQ(pair.x, 1.5f);
  EXPECT_EQ(pair.y, 2.5f);
  EXPECT_EQ(__bfloat162float(__ushort_as_bfloat16(0x3fc0)), 1.5f);
}

TEST(EmulatorVectors, HaveDeviceSizesAndAlignments) {
  static_assert(sizeof(float4) == 16 && alignof(float4) == 16);
  static_assert(sizeof(float3) == 12 && alignof(float3) == 4);
  static_assert(sizeof(float2) == 8 && alignof(float2) == 8);
  static_assert(sizeof(double2) == 16 && alignof(double2) == 16);
  static_assert(sizeof(double4) == 32 && alignof(double4) == 16);
  static_assert(sizeof(uchar4) == 4 && alignof(uchar4) == 4);
  static_assert(sizeof(half2) == 4 && alignof(half2) == 4);
  const int4 v = make_int4(1, 2, 3, 4);
  EXPECT_EQ(v.x + 10 * v.y + 100 * v.z + 1000 * v.w, 4321);
}

TEST(EmulatorIntrinsics, Integers) {
  EXPECT_EQ(__popc(0xf0f0u), 8);
  EXPECT_EQ(__popcll(~0ull), 64);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clzll(1), 63);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__brev(0x12345678u), 0x1e6a2c48u);
  EXPECT_EQ(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
  EXPECT_EQ(__mulhi(-1, 1), -1);
  EXPECT_EQ(__umul64hi(~0ull, ~0ull), ~1ull);
  EXPECT_EQ(__funnelshift_l(0x80000000u, 1u, 1), 3u);
  EXPECT_EQ(__funnelshift_r(0u, 1u, 1), 0x80000000u);
}

TEST(EmulatorIntrinsics, FloatingPoint) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(__float_as_uint(1.f), 0x3f800000u);
  EXPECT_EQ(__uint_as_float(0x40000000u), 2.f);
  EXPECT_EQ(__fmaf_rn(1 + 0x1p-12f, 1 + 0x1p-12f, -1.f), 0x1p-11f + 0x1p-24f);  // no intermediate rounding
  EXPECT_EQ(__saturatef(nan), 0.f);
  EXPECT_EQ(__saturatef(1.5f), 1.f);
  EXPECT_EQ(rsqrtf(4), 0.5f);
  EXPECT_EQ(__float2int_rn(2.5f), 2);
  EXPECT_EQ(__float2int_rd(-2.5f), -3);
  EXPECT_EQ(max(nan, 1.f), 1.f);
  EXPECT_EQ(min(1.f, nan), 1.f);
  EXPECT_EQ(max(-1, 2u), 0xffffffffu);  // in their common type
}

}  // namespace
