// The teams of threads that OpenMP grants, for libraries that cut their work for a number of threads before
// they fork them. OpenMP may give a region fewer threads than omp_get_max_threads() promises; oneDNN then
// loses the missing threads' work or waits for them forever.
#pragma once

namespace metron::detail {

// The threads that a parallel region with `wanted` threads, opened by the calling thread here and now, gets
// at most, and exactly unless dynamic adjustment is on: one in a parallel region, no more than OpenMP's
// limit. Throws an Error where that many threads can't be started: OpenMP would end the process.
int grantable_threads(int wanted);

// The threads that a FixedTeam of the calling thread may have here and now: num_threads(), or as many of them
// as are granted. With dynamic adjustment, what OpenMP grants at the moment.
int granted_threads();

// While it lives, the regions of the calling thread that ask for omp_get_max_threads() get `threads`, which
// granted_threads() returned: OpenMP's count is that, and dynamic adjustment is off. The caller's settings
// come back after.
class FixedTeam {
 public:
  explicit FixedTeam(int threads);
  ~FixedTeam();
  FixedTeam(const FixedTeam&) = delete;
  FixedTeam& operator=(const FixedTeam&) = delete;

 private:
  int threads_;
  int previous_threads_;
  int dynamic_;
};

}  // namespace metron::detail
