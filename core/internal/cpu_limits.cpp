#include <metron/core/internal/cpu_limits.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(METRON_OPENMP)
#include <omp.h>
#endif

namespace metron::detail {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string each; std::getline(words, each, ',');)
    if (each == word) return true;
  return false;
}

// From quota and period in microseconds; "max" and -1 mean no quota.
std::optional<int> cpus_of(std::istream&& quota, std::istream&& period) {
  std::int64_t used = 0, of = 0;
  for (std::istream* const stream : {&quota, &period}) stream->imbue(std::locale::classic());
  if (!(quota >> used) || !(period >> of) || used <= 0 || of <= 0) return std::nullopt;
  return static_cast<int>(std::min<std::int64_t>((used - 1) / of + 1, 1 << 20));
}

std::optional<int> quota_of(const fs::path& group, bool unified) {
  if (!unified)
    return cpus_of(std::ifstream(group / "cpu.cfs_quota_us"), std::ifstream(group / "cpu.cfs_period_us"));
  std::string used, of;
  std::ifstream(group / "cpu.max") >> used >> of;
  return cpus_of(std::istringstream(used), std::istringstream(of));
}

// A mounted hierarchy with the cpu controller.
struct Mount {
  std::string root;  // the cgroup at `point`
  std::string point;
  bool unified;  // cgroup v2
};

std::vector<Mount> mounts(const fs::path& root) {
  std::vector<Mount> found;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // id, parent, device, root, mount point, options, tags, "-", type, source, options of the file system
    std::istringstream stream(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const bool unified = dash[1] == "cgroup2";
    if (unified || (dash[1] == "cgroup" && contains(dash[3], "cpu")))
      found.push_back({fields[3], fields[4], unified});
  }
  return found;
}

// The path of the cgroup below the mount point; empty if it is not part of the mount.
fs::path below(const Mount& mount, const std::string& group) {
  const fs::path relative = fs::path(group).lexically_relative(mount.root);
  return relative.empty() || *relative.begin() == ".." || relative == "." ? fs::path() : relative;
}

}  // namespace

int cgroup_cpus(const fs::path& root) {
  int cpus = 0;
  const std::vector<Mount> mounted = mounts(root);
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    for (const Mount& mount : mounted) {
      if (mount.unified ? !controllers.empty() : !contains(controllers, "cpu")) continue;
      const fs::path top = root / fs::path(mount.point).relative_path();
      for (fs::path path = below(mount, line.substr(second + 1));; path = path.parent_path()) {
        if (const auto quota = quota_of(top / path, mount.unified))
          cpus = cpus == 0 ? *quota : std::min(cpus, *quota);
        if (path.empty()) break;
      }
    }
  }
  return cpus;
}

int usable_cpus() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
#if defined(METRON_OPENMP)
  cpus = omp_get_num_procs();  // the affinity before OpenMP bound this thread to one place
#endif
  cpu_set_t set;  // of the main thread, since the calling thread may be bound
  if (::sched_getaffinity(::getpid(), sizeof(set), &set) == 0) cpus = std::max(cpus, CPU_COUNT(&set));
  const int quota = cgroup_cpus();
  return std::max(quota > 0 ? std::min(cpus, quota) : cpus, 1);
}

}  // namespace metron::detail
