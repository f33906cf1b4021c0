#include <cuda_runtime.h>

#include <stdexcept>

#include "sums.h"

namespace {

constexpr int threads = 256;

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

// Memory on the device, freed when it goes out of scope.
class DeviceVector {
 public:
  explicit DeviceVector(std::size_t size) : size_(size) { check(cudaMalloc(&data_, size * sizeof(float))); }
  explicit DeviceVector(const std::vector<float>& x) : DeviceVector(x.size()) {
    check(cudaMemcpy(data_, x.data(), size_ * sizeof(float), cudaMemcpyHostToDevice));
  }
  DeviceVector(const DeviceVector&) = delete;
  ~DeviceVector() { cudaFree(data_); }
  float* data() { return data_; }
  std::vector<float> host() const {
    std::vector<float> x(size_);
    check(cudaMemcpy(x.data(), data_, size_ * sizeof(float), cudaMemcpyDeviceToHost));
    return x;
  }

 private:
  float* data_ = nullptr;
  std::size_t size_;
};

__global__ void add(float* y, const float* a, const float* b, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a[i] + b[i];
}

template <int size>
__global__ void __launch_bounds__(size) sum_blocks(float* y, const float* x, int n) {
  __shared__ float parts[size];
  const int i = blockIdx.x * size + threadIdx.x;
  parts[threadIdx.x] = i < n ? x[i] : 0.0f;
  for (int half = size / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
  }
  if (threadIdx.x == 0) y[blockIdx.x] = parts[0];
}

}  // namespace

std::vector<float> added(const std::vector<float>& a, const std::vector<float>& b) {
  const int n = static_cast<int>(a.size());
  DeviceVector y(a.size()), on_device_a(a), on_device_b(b);
  add<<<(n + threads - 1) / threads, threads>>>(y.data(), on_device_a.data(), on_device_b.data(), n);
  check(cudaGetLastError());
  return y.host();
}

std::vector<float> block_sums(const std::vector<float>& x) {
  const int n = static_cast<int>(x.size()), blocks = (n + threads - 1) / threads;
  DeviceVector y(blocks), on_device(x);
  sum_blocks<threads><<<blocks, threads>>>(y.data(), on_device.data(), n);
  check(cudaGetLastError());
  return y.host();
}
