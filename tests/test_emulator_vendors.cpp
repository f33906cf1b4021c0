// The providers `cublas` and `cudnn` on their fakes: every op case with each of them first, every possible
// failure at each call of a training step, and no leaks.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/autograd.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/slots.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/fakes/controls.h>
#include <metron/kernels/providers.h>
#include <metron/metron.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

const Device device(Device::Type::cuda);

void expect_no_findings() {
  for (const emulator::Finding& finding : emulator::take_findings()) ADD_FAILURE() << finding.message;
}

// Runs on a separate thread, so that thread-local handles and plans are destroyed with it. Expects no
// findings, library objects or memory to remain.
void on_a_thread(const std::function<void()>& body) {
  const std::size_t allocated = memory_stats(device).allocated, alive = fakes::alive();
  std::thread([&] {
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }).join();
  expect_no_findings();
  EXPECT_EQ(fakes::alive(), alive) << fakes::list_alive();
  EXPECT_EQ(memory_stats(device).allocated, allocated) << "bytes of tensors";
}

class Vendors : public testing::TestWithParam<const char*> {};

// The "provider.slot" names of the kernels that ran during the call.
std::set<std::string> kernels_of(const std::function<void()>& body) {
  Profiler profiler;
  profiler.start();
  body();
  profiler.stop();
  std::set<std::string> kernels;
  for (const Record& record : profiler.records()) {
    if (record.provider != nullptr) kernels.insert(record.provider + std::string(1, '.') + record.name);
  }
  return kernels;
}

// The kernels that computed the case; empty if it failed.
std::set<std::string> expect_agreement(const Case& c, DType dtype, const char* order) try {
  SCOPED_TRACE(testing::Message() << c << ", " << dtype);
  Outcome got;
  const std::set<std::string> kernels = kernels_of([&] {
    const ProviderScope scope(order);
    got = run(c, dtype, device);
  });
  const ProviderScope portable("cpu");
  const Outcome want = run(c, dtype, Device());
  const double allowed = dtype == DType::float64 ? 2e-13 : 2e-6;
  EXPECT_TRUE(close(got.output, want.output, allowed)) << "the output";
  for (std::size_t i = 0; i < want.gradients.size(); ++i)
    EXPECT_TRUE(close(got.gradients[i], want.gradients[i], allowed)) << "the gradient of input " << i;
  expect_no_findings();
  return kernels;
} catch (const std::exception& error) {
  ADD_FAILURE() << c << ", " << dtype << ": " << error.what();
  return {};
}

TEST_P(Vendors, OpCasesAgreeWithThePortableProvider) {
  const std::string order = GetParam(), first = order.substr(0, order.find(','));
  const std::string prefix = report_name(first.c_str()) + std::string(1, '.');
  std::set<std::string> computed;
  on_a_thread([&] {
    for (const Case& c : cases()) {
      const std::set<std::string> kernels = expect_agreement(c, DType::float32, order.c_str());
      computed.insert(kernels.begin(), kernels.end());
      const bool took_part = std::any_of(kernels.begin(), kernels.end(),
                                         [&](const auto& name) { return name.starts_with(prefix); });
      // Also in float64, in which alone some kernels compute; test_cuda covers the other dtypes.
      if (took_part) computed.merge(expect_agreement(c, DType::float64, order.c_str()));
    }
  });
  for (const char* slot : provider(first).slot_names)
    EXPECT_TRUE(computed.contains(prefix + slot)) << "no case reaches " << slot;
}

INSTANTIATE_TEST_SUITE_P(First, Vendors, testing::Values("cudnn,cuda", "cublas,cuda"),
                         [](const testing::TestParamInfo<const char*>& suite) {
                           return std::string(suite.param).substr(0, std::string(suite.param).find(','));
                         });

// The loss and gradients of one step of a small CNN, on either device.
std::vector<double> training_step(Device on) {
  const auto made = [&](const Shape& shape, const char* seed) {
    return make_tensor(make_values(in(shape), seed), DType::float32, Layout::contiguous, on)
        .set_requires_grad();
  };
  std::vector<Tensor> weights{made({3, 1, 3, 3}, "w1"), made({3}, "b1"),     made({4, 3, 2, 2}, "w2"),
                              made({4}, "b2"),          made({16, 5}, "w3"), made({5}, "b3"),
                              made({4}, "gamma"),       made({4}, "beta")};
  const Tensor images =
      make_tensor(make_values(in({2, 1, 7, 7}), "images"), DType::float32, Layout::contiguous, on);
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{3, 1}, {2}, on);
  Tensor x = conv2d(images, weights[0], weights[1], {}, Activation::relu);  // (2, 3, 5, 5)
  x = conv2d(x, weights[2], weights[3]);                                    // (2, 4, 4, 4)
  x = relu(batch_norm(x, weights[6], weights[7], {}, {}, true));
  x = flatten(max_pool2d(x, {}), 1);  // (2, 16)
  const Tensor loss = nll_loss(log_softmax(addmm(weights[5], x, weights[4]), 1), labels);
  loss.backward();
  std::vector<double> numbers{static_cast<double>(loss.item<float>())};
  for (const Tensor& weight : weights) {
    for (const float value : weight.grad().to_vector<float>()) numbers.push_back(static_cast<double>(value));
  }
  return numbers;
}

const std::vector<double>& expected_step() {
  static const std::vector<double> numbers = [] {
    const ProviderScope portable("cpu");
    return training_step(Device());
  }();
  return numbers;
}

void expect_right_step() {
  const ProviderScope scope("cudnn,cublas,cuda");
  const std::vector<double> got = training_step(device);
  ASSERT_EQ(got.size(), expected_step().size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected_step()[i], 2e-5) << "number " << i;
}

// Also run under each METRON_CUDNN: see CMakeLists.txt.
TEST(VendorStep, AgreesWithTheCpu) {
  on_a_thread([] {
    expect_right_step();
    expect_right_step();  // with cached plans
  });
}

TEST(VendorRefusals, AnywhereInATrainingStepFallBackToTheNextProvider) {
  on_a_thread(expect_right_step);  // process-wide state is created here
  const std::int64_t before = fakes::calls();
  on_a_thread(expect_right_step);
  const std::int64_t calls = fakes::calls() - before;
  EXPECT_GT(calls, 50);
  for (const fakes::Refusal refusal :
       {fakes::Refusal::not_supported, fakes::Refusal::allocation_failed, fakes::Refusal::execution_failed}) {
    for (std::int64_t call = 0; call < calls; ++call) {
      fakes::refuse(refusal, call);
      on_a_thread(expect_right_step);
      EXPECT_TRUE(fakes::has_refused()) << "call " << call;
      if (testing::Test::HasFailure()) {
        ADD_FAILURE() << "refusal " << static_cast<int>(refusal) << " of call " << call << ", "
                      << fakes::last_refused();
        break;
      }
    }
    fakes::refuse(refusal, -1);
  }
}

TEST(VendorRefusals, WithoutAFallbackAreOneClearError) {
  on_a_thread([] {
    const ProviderScope only("cudnn");
    const Tensor x =
        make_tensor(make_values(in({1, 2, 5, 5}), "x"), DType::float32, Layout::contiguous, device);
    const Tensor w =
        make_tensor(make_values(in({3, 2, 3, 3}), "w"), DType::float32, Layout::contiguous, device);
    const std::int64_t before = fakes::calls();
    (void)conv2d(x, w);
    const std::int64_t calls = fakes::calls() - before;
    fakes::refuse(fakes::Refusal::execution_failed, 0);
    expect_error<ProviderError>([&] { (void)conv2d(x, w); }, {"conv2d_forward", "no provider on cuda"});
    EXPECT_LT(fakes::calls() - before - calls, 3) << "its plan was kept";
  });
}

// A permanently rejected shape is not tried again.
TEST(VendorRefusals, AreRemembered) {
  on_a_thread([] {
    const auto make = [](const Shape& shape, const char* seed, MemoryFormat format) {
      return make_tensor(make_values(in(shape), seed), DType::float32, Layout::contiguous, device).to(format);
    };
    // cuDNN has no backward pass for a channels-last gradient with a contiguous filter.
    const Tensor g = make({2, 4, 3, 3}, "g", MemoryFormat::channels_last);
    Tensor gx = Tensor::empty({2, 3, 5, 5}, {DType::float32, device, MemoryFormat::channels_last});
    const Tensor w = make({4, 3, 3, 3}, "w", MemoryFormat::contiguous);
    const ProviderScope only("cudnn");
    std::vector<std::int64_t> calls;
    for (int i = 0; i < 3; ++i) {
      const std::int64_t before = fakes::calls();
      expect_error<ProviderError>([&] { kernel::conv2d_backward_input(g, w, {}, gx); }, {"no provider"});
      calls.push_back(fakes::calls() - before);
    }
    EXPECT_GT(calls[0], 5);
    EXPECT_EQ(calls[1], 0);
    EXPECT_EQ(calls[2], 0);
  });
}

Tensor made(const Shape& shape, const char* seed) {
  return make_tensor(make_values(in(shape), seed), DType::float32, Layout::contiguous, device);
}

// A call that does not support fusion falls back to the same library, unfused: on the first and on later
// calls.
TEST(VendorRefusals, OfAFusedCallFallBackToTheUnfusedCall) {
  on_a_thread([] {
    const ProviderScope scope("cudnn,cublas,cuda");
    const Tensor x = made({2, 2, 5, 5}, "x"), w = made({3, 2, 3, 3}, "w"), b = made({3}, "b");
    const std::int64_t before = fakes::calls();
    const std::vector<float> want = conv2d(x, w, b, {}, Activation::relu).to_vector<float>();
    const std::int64_t fused = fakes::calls() - before - 1;
    on_a_thread([&] {
      const ProviderScope here("cudnn,cublas,cuda");
      fakes::refuse(fakes::Refusal::not_supported, fused);
      for (int i = 0; i < 2; ++i) {
        const auto kernels =
            kernels_of([&] { EXPECT_EQ(conv2d(x, w, b, {}, Activation::relu).to_vector<float>(), want); });
        EXPECT_TRUE(kernels.contains("cudnn (fake).conv2d_forward"));
      }
      EXPECT_EQ(fakes::last_refused(), "cudnnConvolutionBiasActivationForward");
    });
    fakes::refuse(fakes::Refusal::not_supported, -1);
  });
}

TEST(VendorProducts, FuseTheBiasGradient) {
  on_a_thread([] {
    const ProviderScope scope("cudnn,cublas,cuda");
    const auto backward = [](std::int64_t rows) {
      const Tensor w = made({4, 3}, "w").set_requires_grad(), b = made({4}, "b").set_requires_grad();
      const Tensor y = linear(made({rows, 3}, "x"), w, b);
      const Tensor loss = sum(mul(y, y));
      const std::int64_t before = fakes::calls();
      const auto kernels = kernels_of([&] { loss.backward(); });
      EXPECT_TRUE(kernels.contains("cublas (fake).linear_backward_weight"));
      return fakes::calls() - before;
    };
    EXPECT_GT(backward(5), 10);  // cuBLASLt's descriptors
    EXPECT_EQ(backward(1), 1);   // a GEMM and our sum
  });
}

TEST(VendorBatchNorm, ResolvesVariancesFarBelowEps) {
  on_a_thread([] {
    const ProviderScope scope("cudnn,cuda");
    set_checking(true);
    const Tensor x = made({4, 3, 5, 5}, "x");
    for (const double scale : {0.0, 1e-6, 1e-3, 1.0, 1e3})
      EXPECT_NO_THROW((void)batch_norm(x * scale, {}, {}, {}, {}, true)) << scale;
    set_checking(false);
  });
}

TEST(VendorReports, LabelFakesAsFakes) {
  std::string libraries;
  for (const LibraryVersion& library : library_versions())
    libraries += library.name + ' ' + library.version + '\n';
  EXPECT_NE(libraries.find("cuDNN (fake) 9."), std::string::npos) << libraries;
  EXPECT_NE(libraries.find("cuBLAS (fake) 13."), std::string::npos) << libraries;
  EXPECT_STREQ(report_name("cudnn"), "cudnn (fake)");
  EXPECT_STREQ(report_name("cuda"), "cuda");
}

// The kernel behind the measured roof of a GPU.
TEST(DeviceRoof, CountsItsFlops) {
  on_a_thread([] {
    const std::int64_t threads = cuda::multiprocessors(0) * 8 * 256;
    EXPECT_EQ(multiply_adds(device, 3), 2.0 * 8 * 3 * static_cast<double>(threads));
  });
  expect_error<DeviceError>([] { (void)multiply_adds(Device(), 1); }, {"multiply_adds", "cpu"});
}

}  // namespace
}  // namespace metron::test
