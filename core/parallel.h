// parallel_for: the one place where Metron forks threads for arithmetic (OpenMP underneath).
#pragma once

#include <cstdint>

namespace metron {

// Threads that parallel_for may use; starts at OpenMP's default (OMP_NUM_THREADS or the number of cores).
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
