// Anomaly mode names the op that makes a NaN or an infinity, on every device.
#include <metron/core/anomaly.h>
#include <metron/core/ops.h>
#include <metron/layers/layers.h>
#include <metron/layers/optim.h>

#include <thread>

#include "expect_error.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

class Anomaly : public testing::TestWithParam<Device> {
 protected:
  Anomaly() { set_anomaly_mode(true); }
  ~Anomaly() override { set_anomaly_mode(false); }
  Tensor values(const std::vector<float>& numbers) const {
    return Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())}, GetParam());
  }
};

TEST_P(Anomaly, NamesTheOpTheElementAndTheInputs) {
  const Tensor x = values({1, 2, 3, 1000}).reshape({2, 2});
  expect_error<AnomalyError>(
      [&] { exp(x); }, {"[exp] METRON_ANOMALY: makes 1 infinity in 4 elements of float32 (2, 2)",
                        "the first at [1, 1]", "slot unary of provider ", "float32 (2, 2) in [1, 1000]"});
  expect_error<AnomalyError>(
      [&] {
        div(values({0, 1, 0}), values({0, 2, 0}));
      },
      {"[div] METRON_ANOMALY: makes 2 NaN in 3 elements", "the first at [0]",
       "inputs: float32 (3,) in [0, 1], float32 (3,) in [0, 2]"});
  EXPECT_NO_THROW(exp(values({1, 2, 3})));
}

TEST_P(Anomaly, FindsOverflowOfNarrowTypes) {
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float64}) {
    if (GetParam().is_cpu() && dtype != DType::float64) continue;  // the CPU computes in float32 and float64
    const double large = dtype == DType::float16 ? 6e4 : dtype == DType::bfloat16 ? 3e38 : 1.7e308;
    const Tensor x = Tensor::full({2}, large, {dtype, GetParam()});
    expect_error<AnomalyError>([&] { add(x, x); }, {"[add]", "makes 2 infinities in 2 elements"});
  }
  expect_error<AnomalyError>(
      [&] {
        values({1, 1e6}).to(DType::float16);
      },
      {"makes 1 infinity", "float16 (2,)"});
}

// Infinities that a program made on purpose, and NaN that an op removes.
TEST_P(Anomaly, LeavesMasksAlone) {
  const Tensor mask = Tensor::full({4}, -infinity, {DType::float32, GetParam()});
  const Tensor some = where(values({1, 0, 1, 0}).to(DType::uint8), values({1, 2, 3, 4}), mask);
  EXPECT_NO_THROW(softmax(add(some, values({1, 2, 3, 4})), 0));
  const Tensor holes = values({not_a_number, 1});
  EXPECT_NO_THROW(where(values({0, 1}).to(DType::uint8), holes, values({0, 0})));
  expect_error<AnomalyError>([&] { sub(mask, mask); }, {"[sub]", "makes 4 NaN", "with 4 infinities"});
}

TEST_P(Anomaly, SaysWhenNoOpMadeIt) {
  expect_error<AnomalyError>(
      [&] {
        relu(values({1, not_a_number}));
      },
      {"[relu] METRON_ANOMALY: carries on NaN that no op made", "data, weights",
       "float32 (2,) in [1, 1] with 1 NaN"});
}

TEST_P(Anomaly, NamesModulesAndEnclosingOps) {
  Sequential inner;
  inner.add(Linear(2, 2));
  Sequential net;
  net.add(ReLU());
  net.add(std::move(inner));
  net.to(GetParam());
  net(Tensor::ones({1, 2}, {DType::float32, GetParam()}));
  for (const NamedTensor& parameter : net.named_parameters()) {
    Tensor tensor = parameter.tensor.detach();
    tensor.copy_(Tensor::full(tensor.shape(), 1e38, {DType::float32, GetParam()}));
  }
  expect_error<AnomalyError>(
      [&] {
        net(Tensor::full({1, 2}, 1e10, {DType::float32, GetParam()}));
      },
      {"[linear]", "makes 2 infinities", "in module 1.0"});
}

TEST_P(Anomaly, NamesTheForwardCallOfABackwardPass) {
  Tensor x = values({0, 4}).set_requires_grad();
  const Tensor loss = sum(sqrt(x));
  expect_error<AnomalyError>([&] { loss.backward(); },
                             {"[sqrt]", "makes 1 infinity", "backward pass of sqrt(float32 (2,))"});
}

TEST_P(Anomaly, FindsAnOptimizerThatOverflows) {
  Tensor weight = values({1, 2}).set_requires_grad();
  weight.set_grad(values({1e30, 1}));
  SGD optimizer({weight}, {.lr = 1e30});
  expect_error<AnomalyError>([&] { optimizer.step(); }, {"makes 1 infinity"});
}

TEST_P(Anomaly, IsOffByDefaultAndFollowsItsSwitch) {
  set_anomaly_mode(false);
  EXPECT_FALSE(anomaly_mode());
  EXPECT_NO_THROW(exp(values({1000})));
  set_anomaly_mode(true);
  EXPECT_THROW(exp(values({1000})), AnomalyError);
  EXPECT_NO_THROW(exp(values({1})));  // the error above left no op open
}

TEST_P(Anomaly, ThreadsHaveTheirOwnPlaces) {
  const auto work = [&](const char* name) {
    const ModuleScope module(name);
    for (int i = 0; i < 20; ++i)
      expect_error<AnomalyError>([&] { exp(values({1000})); }, {std::string("in module ") + name + ";"});
  };
  std::thread other(work, "other");
  work("this");
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Devices, Anomaly, testing::ValuesIn(devices()), [](const auto& device) {
  return std::string(device.param.is_cpu() ? "cpu" : "cuda");
});

}  // namespace
}  // namespace metron::test
