// Programs with threads of their own: models, tensors and the profiler shared or used side by side.
#include <gtest/gtest.h>
#include <metron/metron.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace metron::test {
namespace {

// Runs body(0) to body(count - 1) on threads of their own, which start together.
template <typename Body>
void side_by_side(int count, const Body& body) {
  std::atomic<int> waiting{count};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      body(i);
    });
  for (std::thread& thread : threads) thread.join();
}

// Names longer than a string holds in place, so that assigning them allocates.
struct Block : Module {
  Linear first{4, 8}, second{8, 4};
  void members(MemberVisitor& visit) override {
    visit.module("the_first_linear_layer_of_this_block", first);
    visit.module("the_second_linear_layer_of_this_block", second);
  }
  Tensor forward(const Tensor& x) override { return second(relu(first(x))); }
};

struct Net : Module {
  Conv2d conv{1, 4, 3};
  BatchNorm2d norm{4};
  Block block;
  void members(MemberVisitor& visit) override {
    visit.module("conv", conv);
    visit.module("norm", norm);
    visit.module("block", block);
  }
  Tensor forward(const Tensor& x) override {  // (N, 1, 8, 8)
    return block(mean(relu(norm(conv(x))), {2, 3}));
  }
};

Tensor images(double offset) {
  Tensor x = Tensor::zeros({6, 1, 8, 8});
  float* data = x.mutable_data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i)
    data[i] = static_cast<float>(static_cast<double>(i % 17) * 0.1 + offset);
  return x;
}

// The losses of some steps of a model with weights of its own.
std::vector<float> train(int id) {
  Net net;
  std::vector<Tensor> parameters = net.parameters();
  {
    const NoGradGuard no_grad;
    for (std::size_t k = 0; k < parameters.size(); ++k)
      parameters[k].fill_(0.01 * (id + 1) + 0.02 * static_cast<double>(k));
  }
  SGD optimizer(parameters, {.lr = 0.05, .momentum = 0.9});
  std::vector<float> losses;
  for (int step = 0; step < 6; ++step) {
    optimizer.zero_grad();
    const Tensor loss = sum(square(net(images(0.1 * id + 0.01 * step))));
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<float>());
  }
  return losses;
}

TEST(Concurrency, FirstCallsOfAModelMayCoincide) {
  for (int round = 0; round < 200; ++round) {
    Block block;
    const Tensor x = Tensor::ones({1, 4});
    std::vector<float> got(3);
    side_by_side(3, [&](int i) {
      const NoGradGuard no_grad;
      got[static_cast<std::size_t>(i)] = sum(block(x)).item<float>();
    });
    EXPECT_EQ(got[0], got[1]);
    EXPECT_EQ(got[0], got[2]);
  }
}

TEST(Concurrency, AModelMayBeCalledWhileAPartOfItIs) {
  for (int round = 0; round < 100; ++round) {
    Net net;
    net.eval();
    Net fresh = std::move(net);
    const Tensor x = images(0), part = Tensor::ones({1, 4});
    side_by_side(2, [&](int i) {
      const NoGradGuard no_grad;
      EXPECT_EQ((i == 0 ? fresh(x) : fresh.block(part)).rank(), 2);
    });
    EXPECT_EQ(fresh.named_parameters()[4].name, "block.the_first_linear_layer_of_this_block.weight");
  }
}

TEST(Concurrency, StateMayBeReadWhileTheModelComputes) {
  Net net;
  net.eval();
  const Tensor x = images(0);
  side_by_side(4, [&](int i) {
    const NoGradGuard no_grad;
    for (int round = 0; round < 20; ++round) {
      if (i % 2 == 0) {
        EXPECT_EQ(net(x).size(1), 4);
      } else {
        EXPECT_EQ(net.state().size(), 11U);
      }
    }
  });
}

TEST(Concurrency, EightThreadsShareAModelForInference) {
  Net net;
  net.eval();
  std::vector<std::vector<float>> want;
  {
    const NoGradGuard no_grad;
    for (int i = 0; i < 8; ++i) want.push_back(net(images(0.1 * i)).to_vector<float>());
  }
  side_by_side(8, [&](int i) {
    const NoGradGuard no_grad;
    for (int round = 0; round < 10; ++round)
      EXPECT_EQ(net(images(0.1 * i)).to_vector<float>(), want[static_cast<std::size_t>(i)]);
  });
}

TEST(Concurrency, FourThreadsTrainModelsOfTheirOwnUnderAProfiler) {
  std::vector<std::vector<float>> want;
  for (int i = 0; i < 4; ++i) want.push_back(train(i));
  side_by_side(5, [&](int i) {
    if (i < 4) {
      EXPECT_EQ(train(i), want[static_cast<std::size_t>(i)]);
      return;
    }
    for (int round = 0; round < 5; ++round) {
      Profiler profiler;
      profiler.start();
      EXPECT_EQ(train(0), want[0]);
      profiler.stop();
      EXPECT_GT(profiler.profile().records.size(), 100U);
    }
  });
}

TEST(Concurrency, TensorsMayBeReadByManyThreads) {
  const Tensor x = images(0), w = Tensor::full({2, 1, 3, 3}, 0.25);
  const std::vector<float> want = conv2d(x, w).to_vector<float>();
  side_by_side(4, [&](int) {
    for (int round = 0; round < 10; ++round) {
      EXPECT_EQ(conv2d(x, w).to_vector<float>(), want);
      EXPECT_EQ(permute(x, {0, 2, 3, 1}).contiguous().numel(), x.numel());
      EXPECT_EQ(x.select(0, 0).shape(), Shape({1, 8, 8}));
    }
  });
}

TEST(Concurrency, GraphsThatShareALeafMayBeBuiltSideBySide) {
  Tensor w = Tensor::full({4, 4}, 0.5);
  w.set_requires_grad();
  side_by_side(4, [&](int i) {
    const Tensor x = Tensor::full({2, 4}, i + 1.0);
    for (int round = 0; round < 10; ++round) EXPECT_TRUE(matmul(x, w).requires_grad());
  });
}

}  // namespace
}  // namespace metron::test
