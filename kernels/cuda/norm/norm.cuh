// Helpers shared by batch, layer and group normalization.
#pragma once

#include <cmath>
#include <limits>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// The elements of a parameter, or null if it is undefined.
template <typename T>
const T* data_of(const Tensor& parameter) {
  return parameter.defined() ? parameter.data<T>() : nullptr;
}

// Read access to a 1-D tensor, or a constant if the tensor is undefined.
template <typename T>
struct StridedInput {
  const T* data;
  std::int64_t stride;
  T fallback;

  StridedInput(const Tensor& tensor, T constant)
      : data(tensor.defined() ? tensor.data<T>() : nullptr),
        stride(tensor.defined() ? tensor.strides()[0] : 0),
        fallback(constant) {}
  METRON_HOST_DEVICE T operator[](std::int64_t i) const {
    return data != nullptr ? data[i * stride] : fallback;
  }
};

// Write access to a 1-D tensor; stores to an undefined one are dropped.
template <typename T>
struct StridedOutput {
  T* data;
  std::int64_t stride;

  explicit StridedOutput(Tensor& tensor)
      : data(tensor.defined() ? tensor.mutable_data<T>() : nullptr),
        stride(tensor.defined() ? tensor.strides()[0] : 0) {}
  METRON_HOST_DEVICE void store(std::int64_t i, T value) const {
    if (data != nullptr) data[i * stride] = value;
  }
};

template <typename T>
METRON_HOST_DEVICE T inverse_deviation(T variance, T eps) {
  return 1 / std::sqrt(variance + eps);
}

// Mean and biased variance; NaN for an empty set.
template <typename T>
METRON_HOST_DEVICE T mean_of(const Moments<T>& moments) {
  return moments.count > 0 ? moments.mean : std::numeric_limits<T>::quiet_NaN();
}
template <typename T>
METRON_HOST_DEVICE T variance_of(const Moments<T>& moments) {
  return moments.squares / moments.count;
}

// Sums for the gradients: of g, and of g times the normalized (or centered) input.
template <typename T>
struct GradientSums {
  T g, projection;
};
template <typename T>
struct AddGradientSums {
  static constexpr GradientSums<T> identity{0, 0};
  METRON_HOST_DEVICE GradientSums<T> operator()(const GradientSums<T>& a, const GradientSums<T>& b) const {
    return {a.g + b.g, a.projection + b.projection};
  }
};

}  // namespace metron::cuda
