// How much of the machine this process may use.
#pragma once

#include <filesystem>

namespace metron::detail {

// The CPUs that the cgroups of this process allow it, a part of one counted as one; 0 without a quota.
// Versions 1 and 2, the quota of every group above included. `root` is where /proc and the mounts are looked
// for.
int cgroup_cpus(const std::filesystem::path& root = "/");

// The CPUs that this process may run on, by its affinity and its cgroups; at least 1.
int usable_cpus();

}  // namespace metron::detail
