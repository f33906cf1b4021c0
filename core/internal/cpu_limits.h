// CPU limits of this process.
#pragma once

#include <filesystem>

namespace metron::detail {

// The CPU quota of this process's cgroups (v1 or v2, including all ancestors), rounded up; 0 without a quota.
// `root` is prefixed to /proc and to mount points.
int cgroup_cpus(const std::filesystem::path& root = "/");

// The number of CPUs that affinity and cgroups allow this process; at least 1.
int usable_cpus();

}  // namespace metron::detail
