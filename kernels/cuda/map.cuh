// y[i] = f(x[i], ...) over operands of any strides.
//
// Threads walk the positions in a grid-stride loop. Where all operands are dense in one order and aligned, a
// thread takes sixteen bytes of the widest operand at a time, neighbours in neighbouring lanes; else one
// element, found by its position. Every element is read and written once, which is the least: bound by
// memory.
#pragma once

#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <metron/kernels/cuda/index.cuh>
#include <utility>

namespace metron::cuda {

inline constexpr int map_threads = 256;

// Elements that are loaded and stored as one.
template <typename T, int count>
struct alignas(sizeof(T) * count) Pack {
  T values[count];
};

template <int count, typename F, typename Y, typename... X>
__global__ void __launch_bounds__(map_threads) dense_map_kernel(F f, std::int64_t size, Y* y, const X*... x) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::int64_t i = first; i < size / count; i += threads) {
    const auto compute = [&](const Pack<X, count>&... in) {
      Pack<Y, count> out;
      for (int lane = 0; lane < count; ++lane) out.values[lane] = f(in.values[lane]...);
      reinterpret_cast<Pack<Y, count>*>(y)[i] = out;
    };
    compute(Pack<X, count>(reinterpret_cast<const Pack<X, count>*>(x)[i])...);
  }
  for (std::int64_t i = size / count * count + first; i < size; i += threads) y[i] = f(x[i]...);
}

template <typename F, typename Y, typename... X, std::size_t... k>
__device__ void map_one(const F& f, const std::int64_t* offsets, std::index_sequence<k...>, Y* y,
                        const X*... x) {
  y[offsets[0]] = f(x[offsets[k + 1]]...);
}

template <typename F, typename Y, typename... X>
__global__ void __launch_bounds__(map_threads)
    strided_map_kernel(F f, Positions<1 + sizeof...(X)> positions, std::int64_t size, Y* y, const X*... x) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < size;
       i += threads) {
    std::int64_t offsets[1 + sizeof...(X)];
    positions.offsets(i, offsets);
    map_one(f, offsets, std::index_sequence_for<X...>{}, y, x...);
  }
}

// The nest's operands are y, then the inputs. y may be the very tensor that an input is.
template <typename F, typename Y, typename... X>
void map(const char* op, Device device, const LoopNest& nest, const F& f, Y* y, const X*... x) {
  constexpr int count = std::max(1, 16 / static_cast<int>(std::max({sizeof(Y), sizeof(X)...})));
  const auto is_aligned = [](const void* address, std::size_t bytes) {
    return std::bit_cast<std::uintptr_t>(address) % bytes == 0;
  };
  const bool dense =
      nest.rank == 1 && std::all_of(nest.strides[0].begin(), nest.strides[0].begin() + 1 + sizeof...(X),
                                    [](std::int64_t stride) { return stride == 1; });
  if (!dense) {
    launch(op, device, grid_stride_shape(device, nest.numel, map_threads), strided_map_kernel<F, Y, X...>, f,
           Positions<1 + sizeof...(X)>(nest), nest.numel, y, x...);
  } else if (count > 1 && is_aligned(y, sizeof(Y) * count) && (is_aligned(x, sizeof(X) * count) && ...)) {
    launch(op, device, grid_stride_shape(device, nest.numel, map_threads, count),
           dense_map_kernel<count, F, Y, X...>, f, nest.numel, y, x...);
  } else {
    launch(op, device, grid_stride_shape(device, nest.numel, map_threads), dense_map_kernel<1, F, Y, X...>, f,
           nest.numel, y, x...);
  }
}

// A formula in float over elements of a 16-bit type.
template <typename F, typename Half>
struct Widened {
  F f;
  template <typename... X>
  METRON_HOST_DEVICE Half operator()(X... x) const {
    return Half(f(static_cast<float>(x)...));
  }
};

}  // namespace metron::cuda
