// Mean and variance of a row or channel, for layer, group and batch normalization.
#pragma once

#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/cpu/tasks.h>

#include <cmath>
#include <limits>

namespace metron::METRON_ISA {
namespace {

// The mean in two parts: an element minus the mean is (x - mean) - low. The variance is biased, and finite
// where its T is not.
template <typename T>
struct RowMoments {
  T mean, low;
  double variance;

  T scale(double eps) const { return static_cast<T>(1 / std::sqrt(variance + eps)); }
};

// Whether a variance computed in T neither overflowed nor lost its digits to subnormal squares. What is
// negligible next to eps does not matter.
template <typename T>
bool is_in_range(double variance, double eps) {
  constexpr double smallest = static_cast<double>(std::numeric_limits<T>::min()) * 0x1p24;
  return std::isfinite(variance) && variance + eps >= smallest;
}

// Whether the mean and variance in T determine the distance from the mean, in standard deviations, to 2^-17:
// the variance is in range, and the mean's rounding error is small against the deviation.
template <typename T>
bool is_well_conditioned(T mean, T variance, double eps) {
  constexpr double most = 128;  // standard deviations
  const double magnitude = static_cast<double>(mean), wide = static_cast<double>(variance);
  return is_in_range<T>(wide, eps) && magnitude * magnitude < most * most * (wide + eps);
}

template <typename T>
RowMoments<T> split_moments(double mean, double variance) {
  const T high = static_cast<T>(mean);
  return {high, static_cast<T>(mean - static_cast<double>(high)), variance};
}

// In double. for_each(body) calls body(x) for every element.
template <typename T, typename ForEach>
RowMoments<T> wide_moments(Index n, const ForEach& for_each) {
  const double count = static_cast<double>(n);
  double sum = 0, squares = 0;
  for_each([&](T x) { sum += static_cast<double>(x); });
  const double mean = sum / count;
  for_each([&](T x) { squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean); });
  return split_moments<T>(mean, squares / count);
}
template <typename T>
RowMoments<T> wide_moments(const T* x, Index n) {
  return wide_moments<T>(n, [=](const auto& body) {
    for (Index i = 0; i < n; ++i) body(x[i]);
  });
}

// The second pass corrects the first one's mean: exact to rounding however far the mean is from 0.
template <typename T>
RowMoments<T> moments(const T* x, Index n, double eps) {
  const T count = static_cast<T>(n);
  const T rough = fold<T>(Sum<T>(), n, [&](Index i) { return x[i]; }) / count;
  const T mean = rough + fold<T>(Sum<T>(), n, [&](Index i) { return x[i] - rough; }) / count;
  const T variance = fold<T>(Sum<T>(), n, [&](Index i) { return (x[i] - mean) * (x[i] - mean); }) / count;
  if (!is_well_conditioned(mean, variance, eps)) return wide_moments(x, n);
  return {mean, 0, static_cast<double>(variance)};
}

// From the mean and variance saved by the forward pass, unless they lost too much.
template <typename T>
RowMoments<T> saved_moments(const T* x, Index n, T mean, T variance, double eps) {
  if (!is_well_conditioned(mean, variance, eps)) return wide_moments(x, n);
  return {mean, 0, static_cast<double>(variance)};
}

}  // namespace
}  // namespace metron::METRON_ISA
