// parallel_for: the one place where Metron forks threads for arithmetic (OpenMP underneath).
#pragma once

#include <cstdint>

namespace metron {

// Threads that compute, at most. Starts at OpenMP's default (OMP_NUM_THREADS), but no more than OpenMP's
// thread limit and the CPUs that affinity and cgroup quota leave to the process, half a CPU counted as one.
// set_num_threads may exceed those CPUs. It holds for every thread that calls Metron, and OpenMP's own
// settings stay the caller's.
//
// A call computes with as many of them as OpenMP grants the calling thread at that moment: one in a parallel
// region of the caller's, where there is to be none (OMP_MAX_ACTIVE_LEVELS=0) and in the child of a fork()
// that had computed with several, no more than OMP_THREAD_LIMIT, and with dynamic adjustment (OMP_DYNAMIC,
// omp_set_dynamic) what that finds right. Each provider's numbers are right with any grant; the portable
// kernels' are the same bits. Where the threads can't be started (ulimit -v or -u, a cgroup's pids.max) the
// first call that needs them throws an Error; where memory runs short later, OpenMP ends the process with a
// message.
int num_threads();
void set_num_threads(int threads);  // ValueError below 1 and above 1024

namespace detail {
void run_ranges(std::int64_t count, std::int64_t grain, const void* body,
                void (*call)(const void* body, std::int64_t begin, std::int64_t end));
}  // namespace detail

// Calls body(begin, end) on disjoint ranges that cover [0, count), at most one a thread and none shorter than
// `grain` unless count is. Which range a thread gets depends only on count, grain and the number of threads;
// a call from inside of a body runs it in one piece. A body that throws is not supported: check arguments
// before.
template <typename Body>
void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
  detail::run_ranges(count, grain, &body, [](const void* object, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Body*>(object))(begin, end);
  });
}

}  // namespace metron
