// Records as numbers a training step: how long each op and each of its kernels took in every recorded step.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace metron::report {

// The ranking of ops keeps phases apart; a backward op's name ends in " backward".
using OpKey = std::pair<Phase, std::string>;
using KernelKey = std::pair<std::string, std::string>;  // slot and provider

// Microseconds on the host and on the device's own clock, by step; all calls of a step together.
struct KernelSamples {
  std::vector<double> host_us, device_us;
  std::int64_t calls = 0;  // in all steps
  double bytes = 0, flops = 0;
};

struct OpSamples {
  std::vector<double> total_us;   // with nested ops
  std::vector<double> self_us;    // with its own kernels, without nested ops
  std::vector<double> device_us;  // of its own kernels
  std::int64_t calls = 0;
  std::map<KernelKey, KernelSamples> kernels;
};

// A library's start, which its provider put into a range of that name: no time of the op and the kernel that
// it happened in.
struct StartSamples {
  std::string op;          // that it happened in; "" outside of all
  std::vector<double> us;  // by step
};

struct StepSamples {
  std::vector<double> wall_us;  // by step
  bool has_device_clock = false;
  double noise_us = 0;  // of the timer: what a single call may be off by
  std::map<OpKey, OpSamples> ops;
  std::map<std::string, StartSamples> starts;  // by name: "oneDNN initialization"

  std::size_t steps() const { return wall_us.size(); }
  // What ranks: the device's time where it has a clock of its own, else the host's.
  const std::vector<double>& time_us(const OpSamples& op) const {
    return has_device_clock ? op.device_us : op.self_us;
  }
  const std::vector<double>& time_us(const KernelSamples& kernel) const {
    return has_device_clock ? kernel.device_us : kernel.host_us;
  }
};

// The timer's own cost is taken out. Records outside of all steps do not count.
StepSamples sample_steps(const Profile& profile);

// Medians of the parts of equal length, in which `values` were taken.
std::vector<double> medians_of_rounds(const std::vector<double>& values, std::size_t rounds);

}  // namespace metron::report
