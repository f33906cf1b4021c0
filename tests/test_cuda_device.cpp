// The device cuda, real or emulated: memory, copies, ordering, and asynchronous errors.
#include <cuda_runtime.h>
#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/ops.h>
#include <metron/core/storage.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "device_test.h"
#include "expect_error.h"

namespace metron::test {
namespace {

class CudaDevice : public DeviceTest {};

std::vector<float> counted(std::int64_t size) {
  std::vector<float> values(static_cast<std::size_t>(size));
  std::iota(values.begin(), values.end(), 0.f);
  return values;
}

TEST_F(CudaDevice, CopiesRoundTrip) {
  for (const std::int64_t size : {0, 1, 7, 1000, 3'000'001}) {
    const std::vector<float> values = counted(size);
    const Tensor x = Tensor::from(values, {size}, "cuda");
    EXPECT_EQ(x.device(), Device("cuda"));
    EXPECT_EQ(x.to_vector<float>(), values);
    EXPECT_EQ(x.clone().to("cpu").to_vector<float>(), values);
  }
}

// More uploads at once than there are pinned buffers, each from memory that is modified right after.
TEST_F(CudaDevice, AnUploadHasReadItsSourceOnReturn) {
  std::vector<float> values = counted(1000);
  std::vector<Tensor> copies;
  for (int i = 0; i < 100; ++i) {
    copies.push_back(Tensor::from(values, {1000}, "cuda"));
    for (float& value : values) value += 1;
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const std::vector<float> got = copies[i].to_vector<float>();
    EXPECT_EQ(got.front(), static_cast<float>(i));
    EXPECT_EQ(got.back(), static_cast<float>(i) + 999);
  }
}

// Overlapping uploads of several sizes, and more bytes than the ring of pinned memory holds.
TEST_F(CudaDevice, UploadsOfAllSizesArriveInOrder) {
  std::vector<std::vector<float>> sources;
  std::vector<Tensor> copies;
  for (int i = 0; i < 12; ++i) {
    for (const std::int64_t size : {std::int64_t{1000}, std::int64_t{300'001}, std::int64_t{1} << 19}) {
      std::vector<float> values = counted(size);
      for (float& value : values) value += static_cast<float>(i);
      copies.push_back(Tensor::from(values, {size}, "cuda"));
      sources.push_back(values);
      for (float& value : values) value = -1;
    }
  }
  for (std::size_t i = 0; i < copies.size(); ++i) EXPECT_EQ(copies[i].to_vector<float>(), sources[i]) << i;
}

// User code checks its own kernels with cudaGetLastError(): our device queries must not leave an error there.
TEST_F(CudaDevice, AnUploadLeavesNoErrorBehind) {
  const Tensor first = Tensor::from(counted(1000), {1000}, "cuda");
  const Tensor second = Tensor::from(counted(1000), {1000}, "cuda");
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

// Run separately with METRON_CUDA_SYNC=1, which is read once.
TEST_F(CudaDevice, SynchronousModeThrowsInTheOp) {
  if (!cuda::is_synchronous()) GTEST_SKIP() << "METRON_CUDA_SYNC is not set";
  const Tensor x = Tensor::zeros({2, 5}, {DType::float32, "cuda"});
  const Tensor target = Tensor::from(std::vector<std::int64_t>{1, 9}, {2}, "cuda");
  expect_error<ValueError>([&] { (void)cross_entropy(x, target); }, {"[cross_entropy]", "target", "got 9"});
  expect_error<ValueError>([&] { (void)nll_loss(x, target); }, {"[nll_loss]", "target", "got 9"});
  EXPECT_EQ(relu(x).to_vector<float>(), std::vector<float>(10));
}

TEST_F(CudaDevice, TheCachingAllocatorReusesBlocks) {
  const Device device("cuda");
  { const Tensor x = Tensor::empty({1000}, {DType::float32, device}); }
  const MemoryStats before = memory_stats(device);
  { const Tensor x = Tensor::empty({1000}, {DType::float32, device}); }
  const MemoryStats after = memory_stats(device);
  EXPECT_EQ(after.hits, before.hits + 1);
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.allocated, before.allocated);
}

// The block is reused by the next tensor while a queued kernel still reads it. Stream order makes this safe.
TEST_F(CudaDevice, ABlockIsReusedInTheStreamsOrder) {
  Tensor sum = Tensor::zeros({1000}, {DType::float32, "cuda"});
  for (int i = 1; i <= 20; ++i) sum = add(sum, Tensor::full({1000}, i, {DType::float32, "cuda"}));
  EXPECT_EQ(sum.to_vector<float>(), std::vector<float>(1000, 210));
}

TEST_F(CudaDevice, TooLargeATensorIsAnOutOfMemoryError) {
  const MemoryStats before = memory_stats("cuda");
  expect_error<OutOfMemoryError>(
      [] {
        (void)Tensor::empty({std::int64_t{1} << 44}, {DType::float32, "cuda"});
      },
      {"cuda"});
  EXPECT_EQ(memory_stats("cuda").allocated, before.allocated);
  EXPECT_EQ(Tensor::ones({3}, {DType::float32, "cuda"}).to_vector<float>(), std::vector<float>(3, 1));
}

TEST_F(CudaDevice, RejectsMissingDevices) {
  expect_error<DeviceError>([] { (void)Tensor::empty({1}, {DType::float32, "cuda:77"}); }, {"cuda:77"});
}

TEST_F(CudaDevice, RejectsOperandsOnTwoDevices) {
  expect_error<DeviceError>(
      [] {
        (void)add(Tensor::ones({2}), Tensor::ones({2}, {DType::float32, "cuda"}));
      },
      {"add", "cpu", "cuda"});
}

TEST_F(CudaDevice, TheDefaultIsNeverTheEmulator) {
  const Device chosen = default_device();
  EXPECT_EQ(chosen.is_cpu(), backend("cuda").is_emulated());
}

// Without a device, the error says what was searched for and how to fix it.
TEST(WithoutCuda, TheErrorSaysWhatToDo) {
  if (has_device("cuda")) GTEST_SKIP() << "this machine has a CUDA device";
  expect_error<DeviceError>(
      [] {
        (void)Tensor::empty({1}, {DType::float32, "cuda"});
      },
      {"there is no cuda:0 here: ", "use the device cpu"});
}

}  // namespace
}  // namespace metron::test
