// The number of threads that OpenMP grants, for libraries that partition work before they open a parallel
// region. OpenMP may grant fewer threads than omp_get_max_threads() reports; oneDNN then skips the work of
// the missing threads, or deadlocks.
#pragma once

namespace metron::detail {

// The number of threads that a parallel region opened here with `requested` threads would get: one if nested,
// and at most OpenMP's thread limit. An upper bound with dynamic adjustment, else exact. Error if so many
// threads can't be started, where OpenMP would terminate the process.
int grantable_threads(int requested);

// The number of threads for a FixedTeam of the calling thread:
// num_threads(), or fewer if OpenMP grants fewer.
int granted_threads();

// Sets OpenMP's thread count to the result of granted_threads() and turns off dynamic adjustment for a scope,
// so that regions of the calling thread have exactly this many threads. Restores the caller's settings.
class FixedTeam {
 public:
  explicit FixedTeam(int threads);
  ~FixedTeam();  // NOLINT(performance-trivially-destructible): not with OpenMP
  FixedTeam(const FixedTeam&) = delete;
  FixedTeam& operator=(const FixedTeam&) = delete;

 private:
  int threads_;
  int previous_threads_;
  int dynamic_;
};

}  // namespace metron::detail
