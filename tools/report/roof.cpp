#include <metron/core/parallel.h>
#include <metron/tools/report/roof.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace metron::report {
namespace {

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Chains of multiply-adds, as many as hide the latency of one; the result is used, so nothing is optimised
// away.
constexpr int chains = 12;
constexpr std::int64_t iterations = 400'000;

struct Peak {
  float (*run)(float start);
  double flops;  // of one run
  const char* name;
};

float multiply_add_portable(float start) {
  constexpr int width = 4;
  float sums[chains][width];
  for (auto& sum : sums) std::fill(sum, sum + width, start);
  for (std::int64_t i = 0; i < iterations; ++i) {
    for (auto& sum : sums) {
      for (float& lane : sum) lane = lane * 0.999f + 0.001f;
    }
  }
  float total = 0;
  for (const auto& sum : sums) {
    for (const float lane : sum) total += lane;
  }
  return total;
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float multiply_add_avx2(float start) {
  __m256 sums[chains];
  for (__m256& sum : sums) sum = _mm256_set1_ps(start);
  const __m256 factor = _mm256_set1_ps(0.999f), shift = _mm256_set1_ps(0.001f);
  for (std::int64_t i = 0; i < iterations; ++i) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, shift);
  }
  __m256 total = sums[0];
  for (int i = 1; i < chains; ++i) total = _mm256_add_ps(total, sums[i]);
  float lanes[8];
  _mm256_storeu_ps(lanes, total);
  return lanes[0] + lanes[7];
}

[[gnu::target("avx512f")]] float multiply_add_avx512(float start) {
  __m512 sums[chains];
  for (__m512& sum : sums) sum = _mm512_set1_ps(start);
  const __m512 factor = _mm512_set1_ps(0.999f), shift = _mm512_set1_ps(0.001f);
  for (std::int64_t i = 0; i < iterations; ++i) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, shift);
  }
  __m512 total = sums[0];
  for (int i = 1; i < chains; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtss_f32(total);
}
#endif

Peak widest_peak() {
  constexpr double of_a_lane = 2. * chains * static_cast<double>(iterations);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {multiply_add_avx512, 16 * of_a_lane, "AVX-512"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {multiply_add_avx2, 8 * of_a_lane, "AVX2 FMA"};
#endif
  return {multiply_add_portable, 4 * of_a_lane, "portable"};
}

// The fastest of several: what else the machine does only ever adds.
template <typename Body>
double fastest_us(double budget_us, const Body& body) {
  double best = 1e300;
  const double end = now_us() + budget_us;
  do {
    const double start = now_us();
    body();
    best = std::min(best, now_us() - start);
  } while (now_us() < end);
  return best;
}

double peak_gflops(const Peak& peak) {
  const int threads = num_threads();
  std::vector<float> results(static_cast<std::size_t>(threads));
  const double us = fastest_us(400e3, [&] {
    parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        results[static_cast<std::size_t>(i)] = peak.run(static_cast<float>(i));
    });
  });
  return std::isfinite(results[0]) ? peak.flops * threads / us * 1e-3 : 0;
}

// Each thread copies a share of its own, again and again: no forking is in the time.
double copy_gbytes(std::size_t bytes) {
  const int threads = num_threads();
  const std::size_t share =
      std::max<std::size_t>(bytes / 2 / static_cast<std::size_t>(threads) / 64 * 64, 64);
  const std::size_t all = share * static_cast<std::size_t>(threads);
  const auto source = std::make_unique<char[]>(all), target = std::make_unique<char[]>(all);
  const auto passes = static_cast<int>(std::max<double>(2e7 / static_cast<double>(share), 1));
  const double us = fastest_us(60e3, [&] {
    parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::size_t at = static_cast<std::size_t>(i) * share;
        for (int pass = 0; pass < passes; ++pass) {
          std::memcpy(target.get() + at, source.get() + at, share);
          asm volatile("" ::: "memory");  // every pass counts
        }
      }
    });
  });
  return 2. * static_cast<double>(all) * passes / us * 1e-3;
}

}  // namespace

Roof measure_cpu_roof() {
  const Peak peak = widest_peak();
  Roof roof;
  roof.how = std::string("float32 multiply-adds in registers (") + peak.name + ") and memcpy, on " +
             std::to_string(num_threads()) + " threads";
  roof.gflops = peak_gflops(peak);
  for (std::size_t bytes = std::size_t{1} << 15; bytes <= std::size_t{1} << 27; bytes *= 8)
    roof.copies.push_back({static_cast<double>(bytes), copy_gbytes(bytes)});
  return roof;
}

double copy_speed(const Roof& roof, double bytes) {
  if (roof.copies.empty()) return 0;
  if (bytes <= roof.copies.front().bytes) return roof.copies.front().gbytes;
  for (std::size_t i = 1; i < roof.copies.size(); ++i) {
    const CopySpeed &low = roof.copies[i - 1], &high = roof.copies[i];
    if (bytes > high.bytes) continue;
    const double part = std::log(bytes / low.bytes) / std::log(high.bytes / low.bytes);
    return low.gbytes + part * (high.gbytes - low.gbytes);
  }
  return roof.copies.back().gbytes;
}

double roof_us(const Roof& roof, double flops, double bytes, double calls) {
  const double speed = copy_speed(roof, bytes / std::max(calls, 1.0));
  const double computing = roof.gflops > 0 ? flops / roof.gflops * 1e-3 : 0;
  const double moving = speed > 0 ? bytes / speed * 1e-3 : 0;
  return std::max(computing, moving);
}

}  // namespace metron::report
