// The enabled instruments. Every slot call reads these bits first.
#pragma once

#include <atomic>
#include <cstdint>

namespace metron {

inline constexpr std::uint32_t instrument_timer = 1;
inline constexpr std::uint32_t instrument_check = 2;
inline constexpr std::uint32_t instrument_steps = 4;  // an idle profiler counts optimizer steps
inline constexpr std::uint32_t instrument_anomaly = 8;

namespace detail {
extern std::atomic<std::uint32_t> active_instruments;
}
inline std::uint32_t instruments() { return detail::active_instruments.load(std::memory_order_relaxed); }

}  // namespace metron
