// Samples of a profile: the time of each op and kernel in each recorded step.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace metron::report {

// Phase and name. The name of a backward op ends in " backward".
using OpKey = std::pair<Phase, std::string>;
using KernelKey = std::pair<std::string, std::string>;  // slot and provider

// Microseconds per step, summed over its calls, by the host's and the device's clock.
struct KernelSamples {
  std::vector<double> host_us, device_us;
  std::int64_t calls = 0;  // over all steps
  double bytes = 0, flops = 0;
};

struct OpSamples {
  std::vector<double> total_us;   // including nested ops
  std::vector<double> self_us;    // including its own kernels but not nested ops
  std::vector<double> device_us;  // of its own kernels
  std::int64_t calls = 0;
  std::map<KernelKey, KernelSamples> kernels;
};

// Initialization of a library, recorded by its provider as a range. Excluded from the times of the op and
// kernel in which it happened.
struct StartSamples {
  std::string op;          // in which it happened; "" outside of all ops
  std::vector<double> us;  // per step
};

struct StepSamples {
  std::vector<double> wall_us;  // per step
  bool has_device_clock = false;
  std::string clock = "device";  // or "model": whose times the device clock shows
  double noise_us = 0;           // of the timer, per call
  std::map<OpKey, OpSamples> ops;
  std::map<std::string, StartSamples> starts;  // by name: "oneDNN initialization"

  std::size_t steps() const { return wall_us.size(); }
  // The time to rank by: device time if the device has a clock, else host time.
  const std::vector<double>& time_us(const OpSamples& op) const {
    return has_device_clock ? op.device_us : op.self_us;
  }
  const std::vector<double>& time_us(const KernelSamples& kernel) const {
    return has_device_clock ? kernel.device_us : kernel.host_us;
  }
};

// Subtracts the timer's overhead and ignores records outside of all steps.
StepSamples sample_steps(const Profile& profile);

// Splits `values` into `rounds` parts of equal length and returns their medians.
std::vector<double> medians_of_rounds(const std::vector<double>& values, std::size_t rounds);

}  // namespace metron::report
