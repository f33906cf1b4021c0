// y[i] = f(x[i], ...) over operands of any strides.
//
// A grid-stride loop over the elements. If each operand is dense or broadcast along the innermost dimension,
// a thread processes sixteen bytes of the widest operand at a time, with lanes adjacent in memory; unaligned
// head and tail elements are scalar. Otherwise a thread processes one element, located by its index. Every
// element is read and written once, the minimum: memory-bound.
#pragma once

#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <metron/kernels/cuda/formula.cuh>
#include <metron/kernels/cuda/index.cuh>
#include <metron/kernels/cuda/pack.cuh>
#include <type_traits>
#include <utility>

namespace metron::cuda {

inline constexpr int map_threads = 256;

// Elements per pack: sixteen bytes of the widest operand. float64 is scalar: most devices are bound by its
// arithmetic rather than by memory, and its formulas need the registers.
template <typename... Operands>
inline constexpr int pack_count = (std::is_same_v<Operands, double> || ...)
                                      ? 1
                                      : access_bytes / static_cast<int>(std::max({sizeof(Operands)...}));

// A PackedNest as a kernel argument.
template <int operands>
struct PackedSpace {
  NestIndex<operands> index;
  std::uint32_t count, head, edges, constants;

  explicit PackedSpace(const PackedNest& nest)
      : index(nest.packs), count(nest.count), head(nest.head), edges(nest.edges), constants(nest.constants) {}
  METRON_HOST_DEVICE bool is_constant(std::size_t operand) const { return (constants >> operand & 1) != 0; }
  // The offset of edge element e, relative to the first pack.
  METRON_HOST_DEVICE std::int32_t edge(std::uint32_t e, int pack) const {
    const std::uint32_t before = e < head ? 0 : count * static_cast<std::uint32_t>(pack);
    return static_cast<std::int32_t>(before + e - head);
  }
};

template <int count, typename T>
__device__ inline Pack<T, count> load_operand(const T* from, [[maybe_unused]] bool is_constant) {
  if constexpr (count > 1) {
    if (is_constant) return splat<count>(*from);
  }
  return load_pack<count>(from);
}

template <typename F, typename Y, int count, typename... X>
__device__ inline void map_pack(const F& f, Y* y, const Pack<X, count>&... x) {
  Pack<Y, count> result{};
  visit_formula(f, [&](const auto& formula) {
#pragma unroll
    for (int lane = 0; lane < count; ++lane) result.values[lane] = formula(x.values[lane]...);
  });
  store_pack(y, result);
}

template <int count, typename F, typename Y, typename... X, std::size_t... k>
__device__ inline void map_space(const F& f, const PackedSpace<1 + sizeof...(X)>& space,
                                 std::index_sequence<k...>, Y* y, const X*... x) {
  const std::uint32_t threads = gridDim.x * blockDim.x;
  const std::uint32_t first = blockIdx.x * blockDim.x + threadIdx.x;
  for (std::uint32_t i = first; i < space.count; i += threads) {
    std::int32_t at[1 + sizeof...(X)];
    space.index.offsets(i, at);
    map_pack<F, Y, count>(f, y + at[0], load_operand<count>(x + at[k + 1], space.is_constant(k + 1))...);
  }
  if constexpr (count > 1) {
    for (std::uint32_t e = first; e < space.edges; e += threads) {
      const std::int32_t at = space.edge(e, count);
      map_pack<F, Y, 1>(f, y + at, load_pack<1>(x + (space.is_constant(k + 1) ? 0 : at))...);
    }
  }
}

template <int count, typename F, typename Y, typename... X>
__global__ void __launch_bounds__(map_threads)
    map_kernel(const __grid_constant__ F f, const __grid_constant__ PackedSpace<1 + sizeof...(X)> space, Y* y,
               const X*... x) {
  map_space<count>(f, space, std::index_sequence_for<X...>{}, y, x...);
}

template <int count, typename F, typename Any, std::size_t... k, typename Y, typename... X>
void launch_map(const char* op, Device device, const PackedPart& part, const F& f, const Any& any,
                std::index_sequence<k...>, Y*, const X*...) {
  const PackedSpace<1 + sizeof...(X)> space(part.packed);
  const LaunchShape shape = grid_stride_shape(device, std::max(space.count, space.edges), map_threads);
  if constexpr (count > 1) {
    if (part.is_vectorized)
      return launch(op, device, shape, map_kernel<count, F, Y, X...>, f, space, part.start<Y>(0),
                    part.start<const X>(k + 1)...);
  }
  launch(op, device, shape, map_kernel<1, Any, Y, X...>, any, space, part.start<Y>(0),
         part.start<const X>(k + 1)...);
}

// The operands of the nest are y, then the inputs. y may alias an input. `any` is f as the scalar kernel
// takes it.
template <typename F, typename Any, typename Y, typename... X>
void map(const char* op, Device device, const LoopNest& nest, const F& f, const Any& any, Y* y,
         const X*... x) {
  constexpr int count = pack_count<Y, X...>;
  const std::array<NestOperand, 1 + sizeof...(X)> operands{{{y, sizeof(Y)}, {x, sizeof(X)}...}};
  for_each_packed_part(nest, operands, 0, count, [&](const PackedPart& part) {
    launch_map<count>(op, device, part, f, any, std::index_sequence_for<X...>{}, y, x...);
  });
}

// Calls body.operator()<Bits>() with the unsigned type of an element's size, for kernels that only move data.
template <typename Body>
void visit_bits(DType dtype, const Body& body) {
  switch (size_of(dtype)) {
    case 1:
      return body.template operator()<std::uint8_t>();
    case 2:
      return body.template operator()<std::uint16_t>();
    case 4:
      return body.template operator()<std::uint32_t>();
    default:
      return body.template operator()<std::uint64_t>();
  }
}

}  // namespace metron::cuda
