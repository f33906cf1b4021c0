#include <metron/core/internal/cpu_limits.h>
#include <metron/core/internal/team.h>
#include <metron/core/parallel.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <system_error>
#include <thread>
#include <vector>

#if defined(METRON_OPENMP)
#include <omp.h>
#endif

#include <metron/core/error.h>

namespace metron {
namespace {

constexpr int max_threads = 1024;

int default_threads() {
#if defined(METRON_OPENMP)
  if (omp_get_max_active_levels() < 1) return 1;
  return std::clamp(std::min({omp_get_max_threads(), omp_get_thread_limit(), detail::usable_cpus()}), 1,
                    max_threads);
#else
  return 1;
#endif
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count = default_threads();
  return count;
}

#if defined(METRON_OPENMP)
// The largest team that OpenMP has started for this thread; it keeps one for each thread that opens regions.
// 0 in the child of a fork(): OpenMP assumes that the parent's team still exists there.
thread_local int known_team = 1;

// OpenMP terminates the process if it can't start a thread, so starting as many threads is tried first.
void try_to_start(int threads) {
  std::atomic<bool> all_started = false;
  std::vector<std::jthread> started;  // destroyed, and joined, before all_started
  const auto release = [&] {
    all_started = true;
    all_started.notify_all();
  };
  try {
    while (static_cast<int>(started.size()) < threads - 1)
      started.emplace_back([&] { all_started.wait(false); });
  } catch (const std::exception& error) {  // std::system_error, or std::bad_alloc
    release();
    fail<Error>("parallel_for", "can't start ", threads, " threads, only ", started.size() + 1, " (",
                error.what(), "): memory or threads are limited (ulimit -v, ulimit -u, a cgroup), ",
                "OMP_NUM_THREADS or set_num_threads reduce the number");
  }
  release();
}

// The number of threads to use if the known team is too small.
[[gnu::cold, gnu::noinline]] int known_team_of(int requested) {
  if (known_team == 0) return 1;
  [[maybe_unused]] static const int registered = ::pthread_atfork(nullptr, nullptr, [] {
    if (known_team > 1) known_team = 0;
  });
  try_to_start(requested);
  return known_team = requested;
}
#endif

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  check<ValueError>(threads >= 1 && threads <= max_threads, "set_num_threads", "threads must be in [1, ",
                    max_threads, "], got ", threads);
#if defined(METRON_OPENMP)
  thread_count() = threads;
#endif
}

namespace detail {

int grantable_threads([[maybe_unused]] int requested) {
#if defined(METRON_OPENMP)
  if (requested <= 1 || omp_in_parallel() || omp_get_max_active_levels() < 1) return 1;
  const int limit = omp_get_thread_limit();
  if (limit < std::numeric_limits<int>::max()) [[unlikely]] {
    // Inside a region, even of one thread, other regions may use up the limit at the same time.
    requested = omp_get_level() > 0 ? 1 : std::min(requested, limit);
  }
  return requested <= known_team ? requested : known_team_of(requested);
#else
  return 1;
#endif
}

int granted_threads() {
  int threads = grantable_threads(num_threads());
#if defined(METRON_OPENMP)
  if (threads > 1 && omp_get_dynamic() != 0) [[unlikely]] {
#pragma omp parallel num_threads(threads)
#pragma omp single
    threads = omp_get_num_threads();
  }
#endif
  return threads;
}

#if defined(METRON_OPENMP)
FixedTeam::FixedTeam(int threads)
    : threads_(threads), previous_threads_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
  if (threads_ != previous_threads_) omp_set_num_threads(threads_);
  if (dynamic_ != 0) omp_set_dynamic(0);
}
FixedTeam::~FixedTeam() {
  if (threads_ != previous_threads_) omp_set_num_threads(previous_threads_);
  if (dynamic_ != 0) omp_set_dynamic(dynamic_);
}
#else
FixedTeam::FixedTeam(int threads) : threads_(threads), previous_threads_(threads), dynamic_(0) {}
FixedTeam::~FixedTeam() = default;
#endif

void run_ranges(std::int64_t count, [[maybe_unused]] std::int64_t grain, const void* body,
                void (*call)(const void* body, std::int64_t begin, std::int64_t end)) {
  if (count <= 0) return;
#if defined(METRON_OPENMP)
  const std::int64_t requested =
      std::min<std::int64_t>(num_threads(), count / std::max<std::int64_t>(grain, 1));
  if (const int threads = grantable_threads(static_cast<int>(requested)); threads > 1) {
#pragma omp parallel num_threads(threads)
    {
      const std::int64_t parts = omp_get_num_threads();
      const std::int64_t part = omp_get_thread_num();
      const std::int64_t begin = count * part / parts;
      const std::int64_t end = count * (part + 1) / parts;
      if (begin < end) call(body, begin, end);
    }
    return;
  }
#endif
  call(body, 0, count);
}

}  // namespace detail

}  // namespace metron
