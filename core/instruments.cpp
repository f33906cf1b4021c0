// Which instruments the environment switches on before main: METRON_CHECK and METRON_PROFILE.
#include <metron/core/profiler_state.h>

#include <cstdlib>
#include <string_view>

namespace metron::detail {
namespace {

std::uint32_t instruments_from_environment() {
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
  };
  std::uint32_t bits = 0;
  if (is_set("METRON_CHECK")) bits |= instrument_check;
  if (is_set("METRON_PROFILE")) {
    environment_profile_wanted = true;
    bits |= instrument_timer;  // the first op finds that it is to start the profiler
  }
  return bits;
}

}  // namespace

std::atomic<bool> environment_profile_wanted{false};
std::atomic<std::uint32_t> active_instruments = instruments_from_environment();

}  // namespace metron::detail
