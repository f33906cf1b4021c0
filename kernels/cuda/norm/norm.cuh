// What batch and layer normalisation share.
#pragma once

#include <cmath>
#include <limits>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// The elements of a tensor of rank 1, or a constant where it is absent.
template <typename T>
struct LineInput {
  const T* data;
  std::int64_t stride;
  T absent;

  LineInput(const Tensor& tensor, T constant)
      : data(tensor.defined() ? tensor.data<T>() : nullptr),
        stride(tensor.defined() ? tensor.strides()[0] : 0),
        absent(constant) {}
  METRON_HOST_DEVICE T operator[](std::int64_t i) const {
    return data != nullptr ? data[i * stride] : absent;
  }
};

// The elements of a result of rank 1, which nobody wants where it is absent.
template <typename T>
struct LineOutput {
  T* data;
  std::int64_t stride;

  explicit LineOutput(Tensor& tensor)
      : data(tensor.defined() ? tensor.mutable_data<T>() : nullptr),
        stride(tensor.defined() ? tensor.strides()[0] : 0) {}
  METRON_HOST_DEVICE void set(std::int64_t i, T value) const {
    if (data != nullptr) data[i * stride] = value;
  }
};

template <typename T>
METRON_HOST_DEVICE T inverse_deviation(T variance, T eps) {
  return 1 / std::sqrt(variance + eps);
}

// The biased variance, and NaN of no elements.
template <typename T>
METRON_HOST_DEVICE T mean_of(const Moments<T>& moments) {
  return moments.count > 0 ? moments.mean : std::numeric_limits<T>::quiet_NaN();
}
template <typename T>
METRON_HOST_DEVICE T variance_of(const Moments<T>& moments) {
  return moments.squares / moments.count;
}

// What gradients are made of: a sum of gradients, and of their products with what was normalised.
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
