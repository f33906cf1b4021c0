// y[i] = f(a[i], b[i], ...) over operands of any strides, in parallel, with loops that vectorise where the
// strides allow it: the output is dense along the innermost dimension and each input dense or constant there.
#pragma once

#include <metron/kernels/cpu/cpu_kernels.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace metron::METRON_ISA {
namespace {

// The elements of one operand along a run.
template <typename T>
struct DenseRun {
  T* data;
  T& operator[](std::int64_t i) const { return data[i]; }
};
template <typename T>
struct ConstantRun {
  T value;
  T operator[](std::int64_t) const { return value; }
};
template <typename T>
struct StridedRun {
  T* data;
  std::int64_t stride;
  T& operator[](std::int64_t i) const { return data[i * stride]; }
};

// How an operand's runs are walked, each from its first element.
struct Dense {
  template <typename T>
  DenseRun<T> operator()(T* first) const {
    return {first};
  }
};
struct Constant {
  template <typename T>
  ConstantRun<T> operator()(const T* first) const {
    return {*first};
  }
};
struct Strided {
  std::int64_t stride;
  template <typename T>
  StridedRun<T> operator()(T* first) const {
    return {first, stride};
  }
};

// The pragma: y may be the very tensor that an input is, which is no dependence between iterations.
template <typename F, typename Y, typename... X>
inline void map_run(const F& f, std::int64_t length, DenseRun<Y> y, X... x) {
#pragma omp simd
  for (std::int64_t i = 0; i < length; ++i) y[i] = f(x[i]...);
}
template <typename F, typename Y, typename... X>
inline void map_run(const F& f, std::int64_t length, StridedRun<Y> y, X... x) {
  for (std::int64_t i = 0; i < length; ++i) y[i] = f(x[i]...);
}

// A reference to the loop over one run: what walks the nest is compiled once, not once for every formula.
template <int N>
class RunRef {
 public:
  using Offsets = std::array<std::int64_t, N>;
  template <typename Run>
  explicit RunRef(const Run& run)
      : run_(&run), call_([](const void* object, const Offsets& offsets, std::int64_t length) {
          (*static_cast<const Run*>(object))(offsets, length);
        }) {}
  void operator()(const Offsets& offsets, std::int64_t length) const { call_(run_, offsets, length); }

 private:
  const void* run_;
  void (*call_)(const void*, const Offsets&, std::int64_t);
};

template <int N>
[[gnu::noinline]] void map_nest(const LoopNest& nest, const RunRef<N>& run) {
  parallel_for(nest.numel, elementwise_grain,
               [&](std::int64_t begin, std::int64_t end) { for_each_run<N>(nest, begin, end, run); });
}

// Runs along the longer of the two innermost dimensions where the first is too short to be worth a loop.
inline LoopNest with_long_runs(LoopNest nest) {
  if (nest.rank > 1 && nest.sizes[0] < 8 && nest.sizes[0] < nest.sizes[1]) {
    std::swap(nest.sizes[0], nest.sizes[1]);
    std::swap(nest.strides[0], nest.strides[1]);
  }
  return nest;
}

// The nest's operands are y, then the inputs.
template <typename F, typename Y, typename... X>
void map(const LoopNest& given, const F& f, Y* y, const X*... x) {
  const LoopNest nest = with_long_runs(given);
  const auto& stride = nest.strides[0];
  const auto run_with = [&](auto y_walk, auto... x_walk) {
    const auto run = [=](const auto& offsets, std::int64_t length) {
      [&]<std::size_t... k>(std::index_sequence<k...>) {
        map_run(f, length, y_walk(y + offsets[0]), x_walk(x + offsets[k + 1])...);
      }
      (std::index_sequence_for<X...>{});
    };
    map_nest(nest, RunRef<1 + sizeof...(X)>(run));
  };
  if constexpr (sizeof...(X) == 2) {
    if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) return run_with(Dense{}, Dense{}, Constant{});
    if (stride[0] == 1 && stride[1] == 0 && stride[2] == 1) return run_with(Dense{}, Constant{}, Dense{});
  }
  const bool dense =
      std::all_of(stride.begin(), stride.begin() + 1 + sizeof...(X), [](auto s) { return s == 1; });
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    if (dense) return run_with(Dense{}, (static_cast<void>(k), Dense{})...);
    run_with(Strided{stride[0]}, Strided{stride[k + 1]}...);
  }
  (std::index_sequence_for<X...>{});
}

}  // namespace
}  // namespace metron::METRON_ISA
