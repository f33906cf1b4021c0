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

// Of a row or channel: x is normalized to (x - mean) / deviation - shift. The shift is the rounding error of
// the mean in deviations: many, where the mean is far from 0.
template <typename T>
struct Statistics {
  T mean, inverse, shift;  // inverse: 1 / deviation

  METRON_HOST_DEVICE T normalized(T x) const { return (x - mean) * inverse - shift; }
};
// And what is stored of them: the variance is biased and may be out of T's range.
template <typename T>
struct RowStatistics {
  Statistics<T> normal;
  T variance;
};

// Whether a variance neither overflowed nor lost its digits to subnormal squares. What is negligible next to
// eps does not matter. Always true in double, and where no wider type would help.
template <typename T>
METRON_HOST_DEVICE bool is_in_range(T variance, T eps) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return true;
  } else {
    constexpr T smallest = std::numeric_limits<T>::min() * 0x1p24f;
    return variance + eps >= smallest && variance <= std::numeric_limits<T>::max();
  }
}

template <typename T>
METRON_HOST_DEVICE RowStatistics<T> round_statistics(double mean, double variance, double eps) {
  const T high = static_cast<T>(mean);
  const double inverse = inverse_deviation(variance, eps);
  const double low = (mean - static_cast<double>(high)) * inverse;
  return {{high, static_cast<T>(inverse), static_cast<T>(low)}, static_cast<T>(variance)};
}

// In double, by one thread, which is slow but rare: for a variance out of range. load(i) is element i. One
// that is not finite makes all NaN, and ends the loop.
template <typename T, typename Load>
__device__ RowStatistics<T> wide_statistics(std::int64_t count, T eps, const Load& load) {
  constexpr double largest = std::numeric_limits<double>::max();
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < count && std::fabs(sum) <= largest; ++i) sum += static_cast<double>(load(i));
  const double mean = sum / static_cast<double>(count);
  for (std::int64_t i = 0; i < count && squares <= largest; ++i) {
    const double distance = static_cast<double>(load(i)) - mean;
    squares += distance * distance;
  }
  return round_statistics<T>(mean, squares / static_cast<double>(count), static_cast<double>(eps));
}

// From the moments of x - first, where `first` is one of the elements: those differences are exact, or small
// against the deviation, however far the mean is from 0. NaN for an empty set.
template <typename T, typename Load>
__device__ RowStatistics<T> row_statistics(T first, const Moments<T>& moments, T eps, std::int64_t count,
                                           const Load& load) {
  if (count == 0) {
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    return {{nan, nan, nan}, nan};
  }
  const T variance = moments.squares / moments.count;
  if (!is_in_range(variance, eps)) return wide_statistics(count, eps, load);
  const T mean = first + moments.mean, inverse = inverse_deviation(variance, eps);
  const T rounded = mean - first;  // low: the exact error of the sum (Knuth's TwoSum)
  const T low = (first - (mean - rounded)) + (moments.mean - rounded);
  return {{mean, inverse, low * inverse}, variance};
}

// From what the forward pass stored, without the shift, which the sums of the gradients add.
template <typename T, typename Load>
__device__ Statistics<T> stored_statistics(T mean, T variance, T eps, std::int64_t count, const Load& load) {
  if (!is_in_range(variance, eps) && !functor::is_nan(variance))
    return wide_statistics(count, eps, load).normal;
  return {mean, inverse_deviation(variance, eps), 0};
}

// Sums for the gradients: of g, of g times the normalized input, and of the normalized input, which would be
// 0 if the mean were exact.
template <typename T>
struct GradientSums {
  T g, projection, normalized;

  METRON_HOST_DEVICE void add(T gradient, T input) {
    g += gradient;
    projection += gradient * input;
    normalized += input;
  }
  // Centers the normalized input.
  METRON_HOST_DEVICE void correct(Statistics<T>& statistics, T inverse_count) {
    const T shift = normalized * inverse_count;
    projection -= shift * g;
    statistics.shift += shift;
  }
};
template <typename T>
struct AddGradientSums {
  static constexpr GradientSums<T> identity{0, 0, 0};
  METRON_HOST_DEVICE GradientSums<T> operator()(const GradientSums<T>& a, const GradientSums<T>& b) const {
    return {a.g + b.g, a.projection + b.projection, a.normalized + b.normalized};
  }
};

}  // namespace metron::cuda
