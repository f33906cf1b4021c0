// The model of a device's time: streams, events, waits, engines and the modeled host.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/emulator/model.h>

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/semantics.h"

using namespace metron::emulator;

namespace {

constexpr double launch_ns = 1000, submit_ns = 3000, event_ns = 500, copy_bytes_per_ns = 0.5;
constexpr std::size_t copied = 1 << 20;
constexpr double copy_ns = launch_ns + copied / copy_bytes_per_ns;

DeviceModel test_model() {
  DeviceModel model;
  model.name = "test";
  model.multiprocessors = 4;
  model.bytes_per_second = 1e9;  // a byte takes 1 ns
  model.copy_bytes_per_second = copy_bytes_per_ns * 1e9;
  model.launch_ns = launch_ns;
  model.submit_ns = submit_ns;
  model.event_ns = event_ns;
  model.event_resolution_ns = 1;
  return model;
}

class EmulatorModel : public testing::Test {
 protected:
  void SetUp() override {
    set_device_model(test_model());
    use_manual_host(100);
    keep_modeled_work(true);
    for (cudaStream_t* stream : {&first_, &second_})
      ASSERT_EQ(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), cudaSuccess);
    for (cudaEvent_t* event : {&begin_, &end_}) ASSERT_EQ(cudaEventCreate(event), cudaSuccess);
    ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned_), copied), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaFreeHost(pinned_), cudaSuccess);
    for (cudaEvent_t event : {begin_, end_}) EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    for (cudaStream_t stream : {first_, second_}) EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    keep_modeled_work(false);
    set_device_model({});
  }

  cudaError_t upload(cudaStream_t stream) {
    return cudaMemcpyAsync(data_.data(), pinned_, copied, cudaMemcpyHostToDevice, stream);
  }
  cudaError_t upload_elsewhere(cudaStream_t stream) {
    return cudaMemcpyAsync(other_.data(), pinned_, copied, cudaMemcpyHostToDevice, stream);
  }

  cudaStream_t first_ = nullptr, second_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  char* pinned_ = nullptr;
  const DeviceArray<char> data_{copied}, other_{copied};
};

TEST_F(EmulatorModel, EventsMeasureModeledWork) {
  ASSERT_EQ(cudaEventRecord(begin_, first_), cudaSuccess);
  ASSERT_EQ(upload(first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end_, first_), cudaSuccess);
  float milliseconds = 0;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin_, end_), cudaErrorNotReady);
  ASSERT_EQ(cudaEventSynchronize(end_), cudaSuccess);
  ASSERT_EQ(cudaEventElapsedTime(&milliseconds, begin_, end_), cudaSuccess);
  EXPECT_NEAR(milliseconds * 1e6, copy_ns + event_ns, 2);
  cudaGetLastError();
}

TEST_F(EmulatorModel, EventsHaveAResolution) {
  DeviceModel model = test_model();
  model.event_resolution_ns = 1e6;
  set_device_model(model);
  ASSERT_EQ(cudaEventRecord(begin_, first_), cudaSuccess);
  ASSERT_EQ(upload(first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end_, first_), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(end_), cudaSuccess);
  float milliseconds = 0;
  ASSERT_EQ(cudaEventElapsedTime(&milliseconds, begin_, end_), cudaSuccess);
  EXPECT_TRUE(milliseconds == 2 || milliseconds == 3) << milliseconds;
}

TEST_F(EmulatorModel, TheHostRunsAheadUntilItWaits) {
  const std::int64_t start = host_now_ns();
  ASSERT_EQ(upload(first_), cudaSuccess);
  EXPECT_EQ(host_now_ns(), start + 100);
  advance_host(1000);
  EXPECT_EQ(host_now_ns(), start + 1100);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_NEAR(static_cast<double>(host_now_ns() - start), submit_ns + copy_ns, 2);
  const std::int64_t waited = host_now_ns();
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(host_now_ns(), waited);
}

TEST_F(EmulatorModel, AQueryIsNotReadyBeforeTheTimeHasPassed) {
  ASSERT_EQ(upload(first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(end_), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(first_), cudaErrorNotReady);
  advance_host(static_cast<std::int64_t>(submit_ns + copy_ns + event_ns));
  EXPECT_EQ(cudaEventQuery(end_), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(first_), cudaSuccess);
  cudaGetLastError();
}

TEST_F(EmulatorModel, StreamsOverlapExceptOnOneEngine) {
  ASSERT_EQ(upload(first_), cudaSuccess);
  ASSERT_EQ(upload_elsewhere(second_), cudaSuccess);
  const std::vector<ModeledWork> copies = modeled_work();
  ASSERT_EQ(copies.size(), 2U);
  EXPECT_EQ(copies[0].name, "copy to device");
  EXPECT_NEAR(copies[1].start_ns, copies[0].end_ns, 1);

  const DeviceArray<int> numbers(1 << 12);
  ASSERT_EQ(fill(numbers.data(), 1, 1 << 12, first_), cudaSuccess);
  const std::vector<ModeledWork> all = modeled_work();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_NEAR(all[2].start_ns, copies[0].end_ns, 1);  // while the second copy runs
  EXPECT_LT(all[2].end_ns, copies[1].end_ns);
}

TEST_F(EmulatorModel, AStreamWaitsForAnEventInModelTime) {
  ASSERT_EQ(upload(first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end_, first_), cudaSuccess);
  (void)modeled_work();  // has run, but has not ended in model time
  const DeviceArray<int> numbers(1 << 10);
  ASSERT_EQ(cudaStreamWaitEvent(second_, end_), cudaSuccess);
  ASSERT_EQ(fill(numbers.data(), 1, 1 << 10, second_), cudaSuccess);
  const std::vector<ModeledWork> all = modeled_work();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].name, "event");
  EXPECT_NEAR(all[2].start_ns, all[1].end_ns, 1);
}

TEST_F(EmulatorModel, AKernelTakesItsBytesOverTheBandwidth) {
  constexpr int numbers = 1 << 17;
  const DeviceArray<int> out(numbers);
  ASSERT_EQ(fill(out.data(), 1, numbers, first_), cudaSuccess);
  const std::vector<ModeledWork> all = modeled_work();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_NE(all[0].name.find("fill"), std::string::npos) << all[0].name;
  EXPECT_NEAR(all[0].bytes, 4.0 * numbers, 0.02 * 4 * numbers);
  EXPECT_NEAR(all[0].end_ns - all[0].start_ns, launch_ns + 4.0 * numbers, 0.1 * 4 * numbers);
}

TEST_F(EmulatorModel, TheDeviceNamesItsModel) {
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(std::string(properties.name), "Metron emulator, model of test");
}

// Time spent on emulation is not the host's.
TEST_F(EmulatorModel, ARealHostDoesNotPayForTheEmulation) {
  set_device_model(test_model());
  constexpr int numbers = 1 << 20;
  const DeviceArray<int> out(numbers);
  const std::int64_t start = host_now_ns();
  ASSERT_EQ(fill(out.data(), 1, numbers, first_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  const double taken = static_cast<double>(host_now_ns() - start);
  EXPECT_GE(taken, 4.0 * numbers);
  EXPECT_LT(taken, 1.5 * 4 * numbers);
}

}  // namespace
