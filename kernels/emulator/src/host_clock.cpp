#include "host_clock.h"

#include <chrono>
#include <cmath>

namespace metron::emulator {
namespace {

std::int64_t real_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::int64_t HostClock::now() const { return manual_ ? time_.load() : real_now() + time_; }

void HostClock::use_manual(std::int64_t call_ns) {
  const std::int64_t start = now();
  call_ns_ = call_ns;
  time_ = start;
  manual_ = true;
}

void HostClock::use_real() {
  manual_ = false;
  time_ = 0;
}

void HostClock::advance(std::int64_t ns) { time_ += ns; }

void HostClock::advance_to(double time_ns) {
  const auto target = static_cast<std::int64_t>(std::ceil(time_ns));
  if (const std::int64_t remaining = target - now(); remaining > 0) time_ += remaining;
}

void HostClock::begin_emulation() {
  if (depth_++ == 0) emulation_start_ = real_now();
}

void HostClock::end_emulation() {
  if (--depth_ == 0 && !manual_) time_ -= real_now() - emulation_start_;
}

}  // namespace metron::emulator
