// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC11). Element i of a random op depends only on (seed, stream, i), so results are the same on every device
// and with any number of threads.
#pragma once

#include <metron/core/host_device.h>

#include <array>
#include <cstdint>

namespace metron {

struct PhiloxKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // increments with every random op after the seed was set
};

struct Philox4 {
  std::uint32_t v[4];
};

// The four 32-bit words of block `index`.
METRON_HOST_DEVICE constexpr Philox4 philox(PhiloxKey key, std::uint64_t index) {
  std::uint32_t c0 = static_cast<std::uint32_t>(index), c1 = static_cast<std::uint32_t>(index >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(key.stream),
                c3 = static_cast<std::uint32_t>(key.stream >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Word i of the stream: word i % 4 of block i / 4.
METRON_HOST_DEVICE constexpr std::uint32_t philox_word(PhiloxKey key, std::uint64_t i) {
  return philox(key, i / 4).v[i % 4];
}

// The upper 24 bits as a float in [0, 1). Exact, so identical on every device.
METRON_HOST_DEVICE constexpr float uniform_float(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

// A float64 takes its upper 32 bits from word i and the others from word i of a second sequence of blocks,
// which no other draw reaches. Its upper 24 bits are thus those of uniform_float.
inline constexpr std::uint64_t lower_blocks = std::uint64_t{1} << 62;
METRON_HOST_DEVICE constexpr std::uint32_t philox_lower_word(PhiloxKey key, std::uint64_t i) {
  return philox(key, i / 4 + lower_blocks).v[i % 4];
}
// 53 bits as a double in [0, 1). Exact.
METRON_HOST_DEVICE constexpr double uniform_double(std::uint32_t word, std::uint32_t lower_word) {
  return static_cast<double>((std::uint64_t{word} << 32 | lower_word) >> 11) * 0x1p-53;
}

// The process-wide default generator. Thread-safe.
void manual_seed(std::uint64_t seed);
PhiloxKey next_philox_key();

// Its whole state: the seed, and the stream that the next random op takes. To save and restore it.
PhiloxKey random_state();
void set_random_state(PhiloxKey next);

}  // namespace metron
