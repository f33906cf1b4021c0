// Mean and variance of a row, for layer and group normalization.
#pragma once

#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/cpu/tasks.h>

#include <cmath>

namespace metron::METRON_ISA {
namespace {

template <typename T>
struct RowMoments {
  T mean, variance;  // biased
};

// The second pass corrects the first one's mean: exact to rounding however far the mean is from 0.
template <typename T>
RowMoments<T> moments(const T* x, Index n) {
  const T count = static_cast<T>(n);
  const T rough = fold<T>(Sum<T>(), n, [&](Index i) { return x[i]; }) / count;
  const T mean = rough + fold<T>(Sum<T>(), n, [&](Index i) { return x[i] - rough; }) / count;
  return {mean, fold<T>(Sum<T>(), n, [&](Index i) { return (x[i] - mean) * (x[i] - mean); }) / count};
}

template <typename T>
T inverse_standard_deviation(T variance, double eps) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(variance) + eps));
}

}  // namespace
}  // namespace metron::METRON_ISA
