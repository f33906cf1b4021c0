// What a training step of the reference CNN asks of the device cuda and its driver: launches, waits,
// allocations and copies, counted by the emulator.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/data/data_loader.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/emulator/model.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/layers/models/mnist_training.h>
#include <metron/metron.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "device_test.h"

namespace metron {
namespace {

// Calls of a log interval.
struct Calls {
  emulator::CallCounts counts;
  std::uint64_t waits = 0, events = 0;
};

Calls calls() { return {emulator::call_counts(), emulator::synchronizations(), emulator::created_events()}; }

Calls operator-(const Calls& a, const Calls& b) {
  Calls d = a;
  d.counts.launches -= b.counts.launches;
  d.counts.memory_blocks -= b.counts.memory_blocks;
  d.counts.copies_to_device -= b.counts.copies_to_device;
  d.counts.copies_to_host -= b.counts.copies_to_host;
  d.counts.copies_on_device -= b.counts.copies_on_device;
  d.counts.pageable_copies -= b.counts.pageable_copies;
  d.waits -= b.waits;
  d.events -= b.events;
  return d;
}

constexpr std::uint64_t log_interval_of_two = 2;

class EmulatorStep : public test::DeviceTest {
 protected:
  ~EmulatorStep() override { emulator::set_options({}); }

  static ImageDataset images(std::int64_t count) {
    std::vector<std::uint8_t> pixels, labels;
    for (std::int64_t i = 0; i < count * 28 * 28; ++i) pixels.push_back(static_cast<std::uint8_t>(i * 37));
    for (std::int64_t i = 0; i < count; ++i) labels.push_back(static_cast<std::uint8_t>(i % 10));
    return {Tensor::from(pixels, {count, 28, 28}), Tensor::from(labels, {count}), {0.1307, 0.3081}};
  }

  // Whose counts do not depend on what the emulator checks; other tests have it check.
  static void check_nothing() {
    emulator::Options unchecked;
    unchecked.checks = 0;
    emulator::set_options(unchecked);
  }

  // Trains as mnist_cnn does, and returns the calls of each log interval. `losses` are those of each step.
  std::vector<Calls> train(std::int64_t batch, std::int64_t intervals, std::size_t max_resident_bytes,
                           std::vector<double>* losses = nullptr,
                           std::uint64_t log_interval = log_interval_of_two, std::int64_t missing = 0) {
    manual_seed(3);
    models::MnistCnn net;
    net.fuse_relu = true;
    net.to(device_);
    const ImageDataset data = images(batch * intervals * static_cast<std::int64_t>(log_interval) - missing);
    const DataLoader loader(
        data,
        {.batch_size = batch, .shuffle = true, .device = device_, .max_resident_bytes = max_resident_bytes});
    EXPECT_EQ(loader.is_resident(), max_resident_bytes > 0);
    models::MnistTraining training(net, device_, 1, 0.7);
    std::vector<Calls> of_intervals;
    Calls last = calls();
    const std::atomic<bool> never = false;
    training.train_epoch(
        1, loader, {.log_interval = static_cast<std::int64_t>(log_interval)},
        [&](const models::EpochProgress& progress) {
          EXPECT_TRUE(std::isfinite(progress.loss));
          of_intervals.push_back(calls() - last);
          last = calls();
        },
        never);
    if (losses != nullptr)
      for (const models::MetricsRow& row : training.metrics().rows) losses->push_back(row.loss);
    return of_intervals;
  }

  // After the first interval, which are the first two steps.
  void expect_few_calls(const char* order, std::int64_t batch, std::uint64_t max_launches) {
    SCOPED_TRACE(order);
    const ProviderScope scope(order);
    const std::vector<Calls> of_intervals = train(batch, 2, std::size_t{1} << 30);
    ASSERT_EQ(of_intervals.size(), 2u);
    const Calls& warm = of_intervals[1];
    EXPECT_LE(warm.counts.launches, max_launches * log_interval_of_two);
    EXPECT_GT(warm.counts.launches, 15 * log_interval_of_two);
    EXPECT_EQ(warm.waits, 1u);
    EXPECT_EQ(warm.counts.memory_blocks, 0u);
    EXPECT_EQ(warm.events, 0u);
    EXPECT_EQ(warm.counts.copies_to_device, 0u);
    EXPECT_EQ(warm.counts.copies_on_device, 0u);
    EXPECT_EQ(warm.counts.copies_to_host, 2u);  // the losses, and the fault record
    EXPECT_EQ(of_intervals[0].counts.pageable_copies + warm.counts.pageable_copies, 0u);
  }

  const Device device_{"cuda"};
};

TEST_F(EmulatorStep, HasFewCallsOfLibraries) {
  check_nothing();
  expect_few_calls("cudnn,cublas,cuda", 64, 30);
}

TEST_F(EmulatorStep, HasFewCallsOfOurKernels) {
  check_nothing();
  // Sums of partial products and of bias gradients, which libraries fuse, are kernels of their own.
  expect_few_calls("cuda", 16, 32);
}

// From the third step on, however long an interval is.
TEST_F(EmulatorStep, AllocatesNothingMoreInALongLogInterval) {
  check_nothing();
  const ProviderScope scope("cudnn,cublas,cuda");
  const auto blocks = [&](std::uint64_t steps) {
    backend(device_).allocator(0).empty_cache();
    return train(3, 1, std::size_t{1} << 30, nullptr, steps).at(0).counts.memory_blocks;
  };
  train(3, 1, std::size_t{1} << 30);  // libraries allocate once
  const std::uint64_t of_two_steps = blocks(2);
  EXPECT_GT(of_two_steps, 10u);
  EXPECT_EQ(blocks(9), of_two_steps);
}

TEST_F(EmulatorStep, WithoutAResidentDatasetOnlyUploadsItsBatches) {
  check_nothing();
  const ProviderScope scope("cudnn,cublas,cuda");
  const std::vector<Calls> of_intervals = train(32, 3, 0);  // images of 100 KB
  ASSERT_EQ(of_intervals.size(), 3u);
  const Calls& warm = of_intervals[2];
  EXPECT_EQ(warm.waits, 1u);
  EXPECT_EQ(warm.counts.memory_blocks, 0u);
  EXPECT_EQ(warm.events, 0u);
  EXPECT_EQ(warm.counts.copies_to_device, 2 * log_interval_of_two);  // images and labels
  EXPECT_EQ(warm.counts.copies_on_device,
            log_interval_of_two);  // of the images, which the copy stream uploads
  EXPECT_EQ(warm.counts.pageable_copies, 0u);
}

TEST_F(EmulatorStep, AResidentDatasetGivesTheSameBits) {
  const ProviderScope scope("cudnn,cublas,cuda");
  std::vector<double> resident, uploaded;
  train(5, 2, std::size_t{1} << 30, &resident, log_interval_of_two, 3);  // the last batch has two images
  train(5, 2, 0, &uploaded, log_interval_of_two, 3);
  EXPECT_EQ(resident.size(), 2 * log_interval_of_two);
  EXPECT_EQ(resident, uploaded);
}

TEST_F(EmulatorStep, WaitsOnceForEachRead) {
  const Tensor x = Tensor::ones({3}, {DType::float32, device_});
  (void)x.to_vector<float>();
  const Calls before = calls();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(exp(x).to_vector<float>().size(), 3u);
  EXPECT_EQ((calls() - before).waits, 3u);
  EXPECT_EQ((calls() - before).counts.pageable_copies, 0u);
}

// A large upload does not wait for the kernels enqueued before it, and those enqueued after it wait for it.
TEST_F(EmulatorStep, UploadsOverlapKernels) {
  emulator::set_device_model({.name = "test", .bytes_per_second = 1e9, .copy_bytes_per_second = 1e9});
  emulator::use_manual_host(100);
  emulator::keep_modeled_work(true);
  const std::vector<float> values(1 << 18, 0.5f);
  const Tensor x = Tensor::ones({1 << 20}, {DType::float32, device_});
  backend(device_).synchronize(0);
  const std::size_t before = emulator::modeled_work().size();
  const Tensor y = exp(x);  // 8 MB
  const Tensor uploaded = Tensor::from(values, {1 << 18}, device_);
  const Tensor z = affine(uploaded, 2, 0);
  const std::vector<emulator::ModeledWork> all = emulator::modeled_work();
  const std::vector<emulator::ModeledWork> work(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
  emulator::keep_modeled_work(false);
  std::vector<emulator::ModeledWork> kernels;
  for (const emulator::ModeledWork& w : work)
    if (w.name.find("kernel") != std::string::npos) kernels.push_back(w);
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(work.begin(), work.end(), [&](const auto& w) { return w.name == name; });
    EXPECT_NE(found, work.end()) << name;
    return found == work.end() ? emulator::ModeledWork() : *found;
  };
  ASSERT_EQ(kernels.size(), 2u);
  const emulator::ModeledWork upload = find("copy to device"), copy = find("copy");
  EXPECT_LT(upload.start_ns, kernels[0].start_ns + 0.1 * (kernels[0].end_ns - kernels[0].start_ns));
  EXPECT_LT(upload.end_ns, kernels[0].end_ns);
  EXPECT_GE(copy.start_ns, kernels[0].end_ns);
  EXPECT_GE(kernels[1].start_ns, copy.end_ns);
  EXPECT_EQ(z.to_vector<float>(), std::vector<float>(1 << 18, 1));
  emulator::set_device_model({});
}

}  // namespace
}  // namespace metron
