// The reference CNN: two convolutions, two linear layers, 1,199,882 parameters.
#pragma once

#include <metron/core/ops.h>
#include <metron/layers/layers.h>

#include <cstdint>

namespace metron::models {

// Configurable layer sizes.
struct MnistCnnSizes {
  std::int64_t conv1 = 32;  // channels
  std::int64_t conv2 = 64;
  std::int64_t hidden = 128;
};

struct MnistCnn : Module {
  explicit MnistCnn(const MnistCnnSizes& sizes = {})
      : conv1(1, sizes.conv1, 3),
        conv2(sizes.conv1, sizes.conv2, 3),
        fc1(sizes.conv2 * 12 * 12, sizes.hidden),
        fc2(sizes.hidden, 10) {}

  Conv2d conv1, conv2;
  Dropout2d dropout1{0.25};
  Dropout2d dropout2{0.5};
  Linear fc1, fc2;
  bool use_dropout = true;
  // Computes each ReLU as the epilogue of the layer before it: the same numbers, with fewer kernels. Off, a
  // step has the ops of PyTorch's, which the reference ranks.
  bool fuse_relu = false;

  void members(MemberVisitor& visit) override {
    visit.module("conv1", conv1);
    visit.module("conv2", conv2);
    visit.module("dropout1", dropout1);
    visit.module("dropout2", dropout2);
    visit.module("fc1", fc1);
    visit.module("fc2", fc2);
  }

  Tensor forward(const Tensor& images) override {  // (N, 1, 28, 28)
    Tensor x = with_relu(conv1, images);           // (N, 32, 26, 26)
    x = with_relu(conv2, x);                       // (N, 64, 24, 24)
    x = max_pool2d(x, {.kernel = 2});              // (N, 64, 12, 12)
    if (use_dropout) x = dropout1(x);
    x = flatten(x, 1);      // (N, 9216)
    x = with_relu(fc1, x);  // (N, 128)
    if (use_dropout) x = dropout2(x);
    return log_softmax(fc2(x), 1);  // (N, 10)
  }

 private:
  Tensor with_relu(EpilogueModule& layer, const Tensor& x) const {
    return fuse_relu ? layer(x, Activation::relu) : relu(layer(x));
  }
};

}  // namespace metron::models
