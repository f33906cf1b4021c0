// y[i] = f(a[i], b[i], ...) over strided operands, in parallel. A functor's loop is compiled for dense
// operands only; map.cpp gathers and scatters the others.
#pragma once

#include <metron/kernels/cpu/cpu_kernels.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace metron::METRON_ISA {

// Computes one run. The operands are y, then the inputs.
using MapRun = void (*)(const void* formula, std::int64_t length, std::byte* const* operands);

struct MapLoop {
  const void* formula;
  MapRun dense;
  const MapRun* constant_at = nullptr;  // for two inputs: the loops where input 0 or 1 is a single element
};

struct MapOperands {
  std::size_t count;
  std::array<std::byte*, max_operands> data;
  std::array<std::int64_t, max_operands> sizes;  // bytes per element
};

void map_nest(const LoopNest& nest, const MapLoop& loop, const MapOperands& operands);

namespace {

template <typename T>
std::byte* bytes_of(T* data) {
  return const_cast<std::byte*>(reinterpret_cast<const std::byte*>(data));
}

// Calls body with the unsigned type of the element size, for kernels that only move elements.
template <typename Body>
void visit_word(DType dtype, const Body& body) {
  switch (size_of(dtype)) {
    case 8:
      return body.template operator()<std::uint64_t>();
    case 4:
      return body.template operator()<std::uint32_t>();
    case 2:
      return body.template operator()<std::uint16_t>();
    default:
      return body.template operator()<std::uint8_t>();
  }
}

// The pragma: y may be the same tensor as an input, but there is no loop-carried dependence.
template <typename F, typename Y, typename... X>
void map_dense(const void* formula, std::int64_t length, std::byte* const* operands) {
  const F f = *static_cast<const F*>(formula);
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    [length, f](Y* y, const X*... x) {
#pragma omp simd
      for (std::int64_t i = 0; i < length; ++i) y[i] = f(x[i]...);
    }(reinterpret_cast<Y*>(operands[0]), reinterpret_cast<const X*>(operands[k + 1])...);
  }
  (std::index_sequence_for<X...>{});
}

// Two inputs, of which input `constant` is a single element.
template <int constant, typename F, typename T>
void map_constant(const void* formula, std::int64_t length, std::byte* const* operands) {
  const F f = *static_cast<const F*>(formula);
  T* const y = reinterpret_cast<T*>(operands[0]);
  const T* const x = reinterpret_cast<const T*>(operands[2 - constant]);
  const T c = *reinterpret_cast<const T*>(operands[1 + constant]);
#pragma omp simd
  for (std::int64_t i = 0; i < length; ++i) y[i] = constant == 0 ? f(c, x[i]) : f(x[i], c);
}

// The operands of the nest are y, then the inputs.
template <typename F, typename Y, typename... X>
void map(const LoopNest& nest, const F& f, Y* y, const X*... x) {
  map_nest(nest, {&f, map_dense<F, Y, X...>},
           {1 + sizeof...(X), {bytes_of(y), bytes_of(x)...}, {sizeof(Y), sizeof(X)...}});
}

// The same, with specialized loops if one input is constant along a run.
template <typename F, typename T>
void map_pairs(const LoopNest& nest, const F& f, T* y, const T* a, const T* b) {
  static constexpr MapRun constant_at[] = {map_constant<0, F, T>, map_constant<1, F, T>};
  map_nest(nest, {&f, map_dense<F, T, T, T>, constant_at},
           {3, {bytes_of(y), bytes_of(a), bytes_of(b)}, {sizeof(T), sizeof(T), sizeof(T)}});
}

}  // namespace
}  // namespace metron::METRON_ISA
