// Calls the library where OpenMP grants fewer threads than requested, or where the program's own settings
// change between calls. Run by test_threads in many environments.
//   threads_program MODE [THREADS]     sets the number of threads if passed
// Prints the granted threads and the largest difference of all providers from the portable one. Status 1 if
// that is large; terminated by SIGALRM if it hangs.
#include <metron/core/internal/team.h>
#include <metron/metron.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace metron {
namespace {

using Results = std::vector<Tensor>;

struct Operands {
  Tensor a, b, wide, image, weight, pointwise, deep, rows;
};

// Every slot that oneDNN computes: whole, batched and staged products, convolutions with all gradients (1x1
// ones too), average pooling, softmax and GELU.
Results compute(const Operands& o) {
  Results results;
  {
    const NoGradGuard no_grad;
    results.push_back(matmul(o.a, o.b));
    results.push_back(matmul(o.a, o.wide));
    results.push_back(softmax(o.rows, 1));
    results.push_back(gelu(o.rows));
  }
  for (const auto& [x, weights] : {std::pair(o.image, o.weight), std::pair(o.deep, o.pointwise)}) {
    Tensor from = x.detach(), w = weights.detach();
    from.set_requires_grad();
    w.set_requires_grad();
    const Tensor y = conv2d(from, w);
    const Tensor pooled = avg_pool2d(y, {.kernel = 2});
    sum(pooled * pooled).backward();
    results.insert(results.end(), {y.detach(), pooled.detach(), from.grad(), w.grad()});
  }
  return results;
}

// The largest difference, relative to the largest element of its tensor.
double difference(const Results& left, const Results& right) {
  double worst = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto p = left[i].contiguous().to_vector<float>(), q = right[i].contiguous().to_vector<float>();
    double largest = 0, apart = 0;
    for (std::size_t j = 0; j < p.size(); ++j) {
      largest = std::max(largest, std::fabs(static_cast<double>(q[j])));
      const double distance = std::fabs(static_cast<double>(p[j]) - static_cast<double>(q[j]));
      if (!(distance <= apart)) apart = distance;  // keeps a NaN
    }
    if (const double relative = apart / largest; !(relative <= worst)) worst = relative;
  }
  return worst;
}

class Check {
 public:
  Check() {
    manual_seed(1);
    const auto normal = [](const Shape& shape) { return rand_normal(shape); };
    operands_ = {.a = normal({64, 128}),
                 .b = normal({128, 1000}),
                 .wide = normal({128, 2048}),
                 .image = normal({4, 16, 20, 20}),
                 .weight = normal({32, 16, 3, 3}),
                 .pointwise = normal({64, 64, 1, 1}),
                 .deep = normal({1, 64, 14, 14}),
                 .rows = normal({64, 512})};
    const ProviderScope only{"cpu"};
    expected_ = compute(operands_);
  }
  // On the calling thread.
  void operator()() {
    const double apart = difference(compute(operands_), expected_);
    const std::lock_guard lock(mutex_);
    if (!(apart <= worst_)) worst_ = apart;
    ++calls_;
  }
  int report(const std::string& mode) const {
    const bool correct = worst_ < 1e-4 && calls_ > 0;
    std::printf("%s: %s, %d calls, %.3g\n", mode.c_str(), correct ? "correct" : "WRONG", calls_, worst_);
    return correct ? 0 : 1;
  }

 private:
  Operands operands_;
  Results expected_;
  std::mutex mutex_;
  double worst_ = 0;
  int calls_ = 0;
};

void in_region(Check& check, int threads) {
#pragma omp parallel num_threads(threads)
  check();
}

void on_threads(int count, const std::function<void()>& work) {
  std::vector<std::jthread> threads;
  while (static_cast<int>(threads.size()) < count) threads.emplace_back(work);
}

void nested(Check& check, int outer, int inner) {
#pragma omp parallel num_threads(outer)
#pragma omp parallel num_threads(inner)
  check();
}

const std::map<std::string, void (*)(Check&)> modes{
    {"serial", [](Check& check) { check(); }},
    {"dynamic",
     [](Check& check) {
       check();
       omp_set_dynamic(1);
       check();
       omp_set_dynamic(0);
       check();
     }},
    {"parallel",
     [](Check& check) {
       check();
       for (const int threads : {1, 2, 4}) in_region(check, threads);
       check();
     }},
    {"critical",
     [](Check& check) {
       check();
#pragma omp parallel num_threads(2)
#pragma omp critical
       check();
     }},
    {"nested",
     [](Check& check) {
       omp_set_max_active_levels(3);
       nested(check, 2, 2);
       nested(check, 1, 2);
       nested(check, 2, 1);
       nested(check, 1, 1);
     }},
    {"tasks",
     [](Check& check) {
#pragma omp parallel num_threads(2)
#pragma omp single
       for (int i = 0; i < 4; ++i) {
#pragma omp task shared(check)
         check();
       }
#pragma omp task if (0) shared(check)
       check();
     }},
    {"sections",
     [](Check& check) {
#pragma omp parallel sections num_threads(2)
       {
#pragma omp section
         check();
#pragma omp section
         check();
       }
     }},
    {"threads",
     [](Check& check) {
       on_threads(3, [&] { check(); });
       check();
     }},
    {"threads_dynamic",
     [](Check& check) {
       on_threads(2, [&] {
         omp_set_dynamic(1);
         check();
       });
     }},
    {"threads_in_region",
     [](Check& check) {
#pragma omp parallel num_threads(2)
       on_threads(2, [&] { check(); });
     }},
    {"levels",
     [](Check& check) {
       check();
       omp_set_max_active_levels(0);
       check();
       omp_set_max_active_levels(1);
       check();
     }},
    {"count",  // the program's own setting, below and above the library's; it is preserved
     [](Check& check) {
       for (const int threads : {1, 3, 7}) {
         omp_set_num_threads(threads);
         check();
         if (omp_get_max_threads() != threads) throw Error("the program's number of threads was changed");
       }
     }},
    {"fork",  // the child has none of the parent's threads; its own may form teams
     [](Check& check) {
       check();
       const pid_t child = ::fork();
       if (child == 0) {
         ::alarm(50);
         check();
         on_threads(1, [&] { check(); });
         ::_exit(check.report("child"));
       }
       int status = -1;
       ::waitpid(child, &status, 0);
       if (status != 0) throw Error("the child failed");
       check();
     }},
    {"dynamic_stays",
     [](Check& check) {
       omp_set_dynamic(1);
       check();
       if (omp_get_dynamic() == 0) throw Error("the program's dynamic adjustment was changed");
     }},
    {"changes",  // between calls, so that caches hold objects for more threads
     [](Check& check) {
       for (const int threads : {4, 1, 3, 2, 4}) {
         set_num_threads(threads);
         check();
         in_region(check, 2);
       }
     }},
};

// The cost of querying the granted threads, in nanoseconds.
int print_cost() {
  constexpr int rounds = 1 << 10;  // short: some repeats run undisturbed
  double best = 1e9;
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) const detail::FixedTeam team(detail::granted_threads());
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
    best = std::min(best, time.count() / rounds);
  }
  std::printf("%.1f ns\n", best);
  return 0;
}

int run(const std::string& mode, int threads) {
  if (threads > 0) set_num_threads(threads);
  std::printf("num_threads %d, granted %d\n", num_threads(), detail::granted_threads());
  std::fflush(stdout);
  if (mode == "count_only") return 0;
  if (mode == "cost") return print_cost();
  Check check;
  modes.at(mode)(check);
  return check.report(mode);
}

}  // namespace
}  // namespace metron

int main(int argc, char** argv) {
  ::alarm(100);
  try {
    return metron::run(argc > 1 ? argv[1] : "", argc > 2 ? std::atoi(argv[2]) : 0);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
}
