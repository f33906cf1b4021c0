// A program that links the installed library: a small network classifies points on two spirals.
#include <metron/metron.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <vector>

using namespace metron;

struct Samples {
  Tensor points;  // (N, 2)
  Tensor labels;  // (N)
};

// `count` points, alternating between two spirals of one and a half turns; `shift` moves them along the
// spirals.
Samples spirals(int count, double shift) {
  std::vector<float> points;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < count; ++i) {
    const double along = 0.1 + 0.9 * (i + shift) / count;
    const double angle = (3 * along + i % 2) * std::numbers::pi;
    points.push_back(static_cast<float>(along * std::cos(angle)));
    points.push_back(static_cast<float>(along * std::sin(angle)));
    labels.push_back(i % 2);
  }
  return {Tensor::from(points, {count, 2}), Tensor::from(labels, {count})};
}

int main() {
  manual_seed(1);
  const Samples train = spirals(400, 0), test = spirals(200, 0.5);
  Sequential network{Linear(2, 64), ReLU(), Linear(64, 64), ReLU(), Linear(64, 2)};
  Adam optimizer(network.parameters(), {.lr = 1e-2});

  for (int step = 0; step <= 300; ++step) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(network(train.points), train.labels);
    loss.backward();
    optimizer.step();
    if (step % 50 == 0) std::printf("step %3d  loss %.4f\n", step, loss.item<float>());
  }

  const NoGradGuard no_grad;
  const Tensor correct = eq(argmax(network(test.points), {1}), test.labels);
  const double accuracy = mean(correct.to(DType::float32)).item<float>();
  std::printf("accuracy on points between them: %.1f %%\n", 100 * accuracy);
  return accuracy > 0.98 ? 0 : 1;
}
