// A training step when memory is short: allocations of the driver that fail, one by one and for good, and a
// device that is too small. A step is right or ends with one clear error, and nothing is lost.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/data/data_loader.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/fakes/controls.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "device_test.h"

namespace metron::test {
namespace {

const Device device(Device::Type::cuda);

// The losses of two steps of a small model, and its parameters after them.
std::vector<double> train(Device on) {
  manual_seed(5);
  models::MnistCnn net({.conv1 = 2, .conv2 = 3, .hidden = 4});
  net.fuse_relu = true;
  net.to(on);
  Adadelta optimizer(net.parameters());
  std::vector<double> numbers;
  for (int step = 0; step < 2; ++step) {
    const Tensor images = rand_uniform({2, 1, 28, 28}).to(on);
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{3, 7}, {2}, on);
    const Tensor large = rand_uniform({20'000}).to(on);  // overlaps kernels
    numbers.push_back(static_cast<double>(large.select(0, 19'999).item<float>()));
    optimizer.zero_grad();
    const Tensor loss = nll_loss(net(images), labels);
    loss.backward();
    optimizer.step();
    numbers.push_back(static_cast<double>(loss.item<float>()));
  }
  for (const Tensor& parameter : net.parameters()) {
    for (const float value : parameter.to_vector<float>()) numbers.push_back(static_cast<double>(value));
  }
  return numbers;
}

const std::vector<double>& expected() {
  static const std::vector<double> numbers = [] {
    const ProviderScope portable("cpu");
    return train(Device());
  }();
  return numbers;
}

// Trains on a thread of its own, whose library handles and workspaces go with it, from an empty cache. Its
// numbers must be right. Returns the message of its error, if it is out of memory.
std::optional<std::string> train_on_device(const char* order) {
  std::optional<std::string> message;
  CachingAllocator& allocator = backend(device).allocator(0);
  const std::size_t allocated = allocator.stats().allocated, alive = fakes::alive();
  allocator.empty_cache();
  std::thread([&] {
    const ProviderScope scope(order);
    try {
      const std::vector<double> got = train(device);
      ASSERT_EQ(got.size(), expected().size());
      for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected()[i], 2e-5) << "number " << i;
    } catch (const OutOfMemoryError& error) {
      message = error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }).join();
  EXPECT_EQ(allocator.stats().allocated, allocated) << "bytes of tensors";
  EXPECT_EQ(fakes::alive(), alive) << fakes::list_alive();
  return message;
}

void expect_clear(const std::string& message) {
  EXPECT_NE(message.find("[allocate] no "), std::string::npos) << message;
  EXPECT_NE(message.find(" bytes are in use, at most "), std::string::npos) << message;
  EXPECT_NE(message.find(" bytes of the device are free"), std::string::npos) << message;
}

class OutOfMemory : public testing::TestWithParam<const char*> {
 protected:
  ~OutOfMemory() override {
    emulator::fail_allocations(0, 0);
    emulator::set_options({});
  }
};

// First, so that the allocations of the process's first step are among them.
TEST_P(OutOfMemory, ForGoodIsOneClearErrorAndLeavesNothingBehind) {
  (void)expected();
  int errors = 0;
  for (std::int64_t before = 0;; ++before) {
    SCOPED_TRACE(testing::Message() << "after " << before << " allocations");
    emulator::fail_allocations(before, -1);
    const std::optional<std::string> message = train_on_device(GetParam());
    const bool failed = emulator::failed_allocations() > 0;
    emulator::fail_allocations(0, 0);
    if (message) expect_clear(*message);
    if (!failed || HasFailure()) break;
    errors += message ? 1 : 0;
  }
  EXPECT_GT(errors, 20);
  EXPECT_FALSE(train_on_device(GetParam())) << "a later run";
}

TEST_P(OutOfMemory, OnceIsNotNoticed) {
  int failures = 0;
  for (std::int64_t before = 0;; ++before, ++failures) {
    SCOPED_TRACE(testing::Message() << "after " << before << " allocations");
    emulator::fail_allocations(before, 1);
    const std::optional<std::string> message = train_on_device(GetParam());
    EXPECT_FALSE(message) << *message;
    if (emulator::failed_allocations() == 0 || HasFailure()) break;
  }
  EXPECT_GT(failures, 20);
}

TEST_P(OutOfMemory, OfASmallDeviceIsOneClearError) {
  EXPECT_FALSE(train_on_device(GetParam()));
  emulator::Options options;
  backend(device).allocator(0).reclaim();
  const std::size_t used = emulator::memory_in_use();
  int errors = 0;
  std::optional<std::string> message;
  for (std::size_t room = 1 << 10; room < std::size_t{1} << 27; room += room / 2) {
    SCOPED_TRACE(testing::Message() << room << " bytes");
    options.limits.memory = used + room;
    emulator::set_options(options);
    message = train_on_device(GetParam());
    if (message) expect_clear(*message);
    errors += message ? 1 : 0;
  }
  EXPECT_GT(errors, 5);
  EXPECT_FALSE(message) << "with 128 MiB";
}

// Freed blocks are memory again only once the device has reached their release.
TEST_P(OutOfMemory, IsNoReasonToKeepACache) {
  backend(device).allocator(0).reclaim();
  constexpr std::int64_t mib = std::int64_t{1} << 20;
  emulator::Options options;
  options.limits.memory = emulator::memory_in_use() + 12 * mib;
  emulator::set_options(options);
  { const Tensor cached = Tensor::zeros({8 * mib}, {DType::uint8, device}); }
  const Tensor other = Tensor::full({10 * mib}, 7, {DType::uint8, device});
  EXPECT_EQ(other.slice(0, 10 * mib - 1, 10 * mib).to_vector<std::uint8_t>(), std::vector<std::uint8_t>{7});
}

TEST_P(OutOfMemory, OfADatasetUploadsItBatchByBatch) {
  const ImageDataset data(Tensor::full({6, 28, 28}, 51, {DType::uint8}), Tensor::zeros({6}, {DType::uint8}),
                          {.mean = 0.2, .deviation = 2});
  const auto expect_batches = [&](const DataLoader& loader) {
    std::int64_t seen = 0;
    for (const auto& [input, target] : loader.epoch()) {
      EXPECT_EQ(input.device(), device);
      EXPECT_EQ(target.device(), device);
      const std::vector<float> values = input.to_vector<float>();
      EXPECT_EQ(values, data.gather(std::vector<std::int64_t>{0, 1}).input.to_vector<float>());
      seen += input.size(0);
    }
    EXPECT_EQ(seen, 6);
  };
  backend(device).allocator(0).reclaim();
  emulator::fail_allocations(0, -1);
  const DataLoader out_of_memory(data, {.batch_size = 2, .device = device});
  emulator::fail_allocations(0, 0);
  EXPECT_FALSE(out_of_memory.is_resident());
  expect_batches(out_of_memory);
  const DataLoader limited(data, {.batch_size = 2, .device = device, .max_resident_bytes = 6 * 28 * 28 - 1});
  EXPECT_FALSE(limited.is_resident());
  expect_batches(limited);
  const DataLoader fits(data, {.batch_size = 2, .device = device, .max_resident_bytes = 6 * 28 * 28});
  EXPECT_TRUE(fits.is_resident());
  expect_batches(fits);
}

INSTANTIATE_TEST_SUITE_P(With, OutOfMemory, testing::Values("cudnn,cublas,cuda", "cuda"),
                         [](const testing::TestParamInfo<const char*>& suite) {
                           return std::string(suite.index == 0 ? "Libraries" : "OurKernels");
                         });

}  // namespace
}  // namespace metron::test
