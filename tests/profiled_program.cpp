// A program without profiling code, for test_metron_cli: profiled_program STEPS HOW
// HOW it ends: 0..9 with that status, "abort", "_exit", "throw", or "never".
#include <metron/metron.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

using namespace metron;

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const int steps = std::atoi(argv[1]);
  const std::string how = argv[2];
  manual_seed(1);
  if (steps == 0) return std::atoi(argv[2]);
  Sequential net{Linear(32, 64), ReLU(), Linear(64, 4)};
  Adam optimizer(net.parameters(), {});
  const Tensor x = rand_normal({16, 32}), target = Tensor::full({16}, 1, {DType::int64});
  for (int step = 0; step < steps || how == "never"; ++step) {
    optimizer.zero_grad();
    cross_entropy(net(x), target).backward();
    optimizer.step();
    if (step == steps) {
      std::puts("working");
      std::fflush(stdout);
    }
  }
  if (how == "abort") std::abort();
  if (how == "_exit") ::_exit(0);
  if (how == "throw") throw std::runtime_error("an error of the program's own");
  return std::atoi(argv[2]);
}
