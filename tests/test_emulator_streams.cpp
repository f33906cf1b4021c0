// The CUDA emulator: streams, events, copies and errors, in any order that a device allows.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>

#include <string>
#include <vector>

#include "emulator/semantics.h"

using namespace metron::emulator;

namespace {

constexpr int size = 300;

class EmulatorStreams : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaStreamCreateWithFlags(&first_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&second_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaEventDestroy(event_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(first_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(second_), cudaSuccess);
  }

  cudaStream_t first_ = nullptr, second_ = nullptr;
  cudaEvent_t event_ = nullptr;
  const DeviceArray<int> x_{std::size_t{size}}, y_{std::size_t{size}};
};

TEST_F(EmulatorStreams, AStreamIsInOrder) {
  ASSERT_EQ(fill(x_.data(), 1, size, first_), cudaSuccess);
  ASSERT_EQ(add_one(x_.data(), x_.data(), size, first_), cudaSuccess);
  ASSERT_EQ(add_one(y_.data(), x_.data(), size, first_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(y_.values(), std::vector<int>(size, 3));
}

TEST_F(EmulatorStreams, AnEventOrdersTwoStreams) {
  ASSERT_EQ(fill(x_.data(), 7, size, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  ASSERT_EQ(fill(x_.data(), 100, size, first_), cudaSuccess);  // after the event: nothing waits for it
  ASSERT_EQ(cudaStreamWaitEvent(second_, event_), cudaSuccess);
  ASSERT_EQ(add_one(y_.data(), x_.data(), size, second_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(second_), cudaSuccess);
  EXPECT_EQ(y_.values(), std::vector<int>(size, 8));
}

TEST_F(EmulatorStreams, AMissingWaitIsVisible) {
  ASSERT_EQ(fill(x_.data(), 7, size, first_), cudaSuccess);
  ASSERT_EQ(add_one(y_.data(), x_.data(), size, second_), cudaSuccess);
  EXPECT_NE(cudaStreamSynchronize(second_), cudaSuccess);
  const std::vector<Finding> findings = take_findings();
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().check, Check::uninitialized);
  cudaGetLastError();
}

TEST_F(EmulatorStreams, QueriesReturnNotReadyFirst) {
  ASSERT_EQ(fill(x_.data(), 1, size, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(event_), cudaSuccess);
  ASSERT_EQ(fill(x_.data(), 2, size, first_), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(first_), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(first_), cudaSuccess);
  EXPECT_EQ(x_.values().front(), 2);
}

TEST_F(EmulatorStreams, ElapsedTimeRequiresCompletedTimedEvents) {
  cudaEvent_t begin = nullptr, end = nullptr;
  ASSERT_EQ(cudaEventCreate(&begin), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, end),
            cudaErrorInvalidResourceHandle);  // never recorded
  ASSERT_EQ(cudaEventRecord(begin, first_), cudaSuccess);
  ASSERT_EQ(fill(x_.data(), 1, size, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end, first_), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, end), cudaErrorNotReady);
  ASSERT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, event_), cudaErrorInvalidResourceHandle);  // not timed
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGetLastError();
}

TEST_F(EmulatorStreams, HostFunctionsRunInStreamOrder) {
  struct Seen {
    int* device;
    std::vector<int> values;
  } seen{x_.data(), {}};
  ASSERT_EQ(fill(x_.data(), 5, size, first_), cudaSuccess);
  const auto note = [](void* data) { static_cast<Seen*>(data)->values.push_back(1); };
  ASSERT_EQ(cudaLaunchHostFunc(first_, note, &seen), cudaSuccess);
  EXPECT_TRUE(seen.values.empty());
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(seen.values.size(), 1u);
}

TEST_F(EmulatorStreams, CopiesReadPinnedMemoryLate) {
  int* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, sizeof(int)), cudaSuccess);
  *pinned = 1;
  int plain = 1;
  ASSERT_EQ(cudaMemcpyAsync(x_.data(), pinned, sizeof(int), cudaMemcpyHostToDevice, first_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(x_.data() + 1, &plain, sizeof(int), cudaMemcpyHostToDevice, first_), cudaSuccess);
  *pinned = plain = 2;
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(x_.values()[0], 2);
  EXPECT_EQ(x_.values()[1], 1);  // staged at the time of the call
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST_F(EmulatorStreams, CopiesPropagateUninitializedState) {
  ASSERT_EQ(fill(x_.data(), 1, size / 2, first_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(y_.data(), x_.data(), size * sizeof(int), cudaMemcpyDeviceToDevice, first_),
            cudaSuccess);
  ASSERT_EQ(add_one(y_.data(), y_.data(), size / 2, first_), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  ASSERT_EQ(add_one(y_.data(), y_.data(), size, first_), cudaSuccess);
  EXPECT_NE(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_FALSE(take_findings().empty());
  cudaGetLastError();
}

TEST_F(EmulatorStreams, SynchronizationsAreCounted) {
  const std::uint64_t before = synchronizations();
  ASSERT_EQ(fill(x_.data(), 1, size, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(y_.data(), 0, size * sizeof(int), first_), cudaSuccess);
  cudaEventQuery(event_);
  EXPECT_EQ(synchronizations(), before);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(event_), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(synchronizations(), before + 3);
  (void)x_.values();  // a device-to-host copy synchronizes
  EXPECT_EQ(synchronizations(), before + 4);
}

TEST_F(EmulatorStreams, KernelErrorsSurfaceAtSynchronization) {
  ASSERT_EQ(add_one(y_.data(), nullptr, size, first_), cudaSuccess);  // only enqueued
  EXPECT_EQ(cudaStreamSynchronize(first_), cudaErrorIllegalAddress);
  const std::vector<Finding> findings = take_findings();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(std::string(cudaGetErrorString(cudaErrorIllegalAddress)).find("add_one_kernel"),
            std::string::npos);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

}  // namespace
