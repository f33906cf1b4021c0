// Instruments that the environment enables before main: METRON_CHECK, METRON_ANOMALY and METRON_PROFILE.
#include <metron/core/switches.h>
#include <metron/core/timer/instruments.h>
#include <metron/core/timer/internal/hooks.h>

namespace metron::detail {
namespace {

std::uint32_t instruments_from_environment() {
  std::uint32_t bits = 0;
  if (is_switched_on("METRON_CHECK")) bits |= instrument_check;
  if (is_switched_on("METRON_ANOMALY")) bits |= instrument_anomaly;
  if (is_switched_on("METRON_PROFILE")) {
    environment_profile_pending = true;
    bits |= instrument_timer;  // makes the first op start the profiler
  }
  return bits;
}

}  // namespace

std::atomic<bool> environment_profile_pending{false};
std::atomic<std::uint32_t> active_instruments = instruments_from_environment();

}  // namespace metron::detail
