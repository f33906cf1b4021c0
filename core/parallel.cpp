#include <metron/core/parallel.h>

#include <algorithm>
#include <atomic>

#if defined(METRON_OPENMP)
#include <omp.h>
#endif

#include <metron/core/error.h>

namespace metron {
namespace {

int default_threads() {
#if defined(METRON_OPENMP)
  return omp_get_max_threads();
#else
  return 1;
#endif
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count = default_threads();
  return count;
}

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  constexpr int most = 1024;
  check<ValueError>(threads >= 1 && threads <= most, "set_num_threads", "threads must be in [1, ", most,
                    "], got ", threads);
#if defined(METRON_OPENMP)
  omp_set_num_threads(threads);  // for libraries that fork threads of their own, as oneDNN does
  thread_count() = threads;
#endif
}

namespace detail {

void run_ranges(std::int64_t count, [[maybe_unused]] std::int64_t grain, const void* body,
                void (*call)(const void* body, std::int64_t begin, std::int64_t end)) {
  if (count <= 0) return;
#if defined(METRON_OPENMP)
  const std::int64_t wanted = std::min<std::int64_t>(num_threads(), count / std::max<std::int64_t>(grain, 1));
  if (wanted > 1 && !omp_in_parallel()) {
#pragma omp parallel num_threads(static_cast <int>(wanted))
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
