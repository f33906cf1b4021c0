// parallel_for: all of Metron's own multithreaded computation, based on OpenMP.
#pragma once

#include <cstdint>

namespace metron {

// The maximum number of compute threads, for all threads that call Metron. Defaults to OMP_NUM_THREADS,
// limited by OpenMP's thread limit and by the CPUs that affinity and cgroup quota allow, rounded up.
// set_num_threads may exceed those CPUs. OpenMP's own settings are not changed.
//
// A call uses as many of them as OpenMP grants: one in a nested parallel region, with
// OMP_MAX_ACTIVE_LEVELS=0, and in the child of a fork() after the parent has used several; at most
// OMP_THREAD_LIMIT; and any number with dynamic adjustment (OMP_DYNAMIC). Results are correct for any number;
// those of portable kernels are bitwise identical. Error if the threads can't be started (ulimit -v or -u,
// pids.max of a cgroup). If memory runs out later, OpenMP terminates the process with a message.
int num_threads();
void set_num_threads(int threads);  // ValueError below 1 and above 1024

namespace detail {
void run_ranges(std::int64_t count, std::int64_t grain, const void* body,
                void (*call)(const void* body, std::int64_t begin, std::int64_t end));
}  // namespace detail

// Calls body(begin, end) on disjoint ranges that cover [0, count), at most one per thread and none shorter
// than `grain` unless count is. The partition depends only on count, grain and the number of threads. A
// nested call is serial. The body must not throw: check arguments before.
template <typename Body>
void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
  detail::run_ranges(count, grain, &body, [](const void* object, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Body*>(object))(begin, end);
  });
}

}  // namespace metron
