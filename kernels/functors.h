// Element-wise formulas of core/formulas.def as functors, shared by host and device. T is float or double,
// and int64 where noted.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/activations.h>
#include <metron/kernels/arithmetic.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// ---- Unary: y = f(x), and g * f'(x) ----

namespace forward {
#define METRON_UNARY(name, saved, value, ...)                    \
  template <typename T>                                          \
  struct name {                                                  \
    METRON_HOST_DEVICE T operator()(T x) const { return value; } \
  };
#define METRON_UNARY_WITH(name, saved, value, ...)               \
  template <typename T>                                          \
  struct name {                                                  \
    T a, b;                                                      \
    METRON_HOST_DEVICE T operator()(T x) const { return value; } \
  };
#include <metron/core/formulas.def>
}  // namespace forward

namespace backward {
#define METRON_UNARY(name, saved, value, derivative, ...)                                       \
  template <typename T>                                                                         \
  struct name {                                                                                 \
    METRON_HOST_DEVICE T operator()(T g, [[maybe_unused]] T saved) const { return derivative; } \
  };
#define METRON_UNARY_WITH(name, saved, value, derivative, ...)                                  \
  template <typename T>                                                                         \
  struct name {                                                                                 \
    T a, b;                                                                                     \
    METRON_HOST_DEVICE T operator()(T g, [[maybe_unused]] T saved) const { return derivative; } \
  };
#include <metron/core/formulas.def>
}  // namespace backward

// Calls body(functor) with the formula f; T is a floating type.
template <typename T, typename Body>
void visit_unary(const Unary& f, const Body& body) {
  switch (f.op) {
#define METRON_UNARY(name, ...) \
  case UnaryOp::name:           \
    return body(forward::name<T>{});
#define METRON_UNARY_WITH(name, ...) \
  case UnaryOp::name:                \
    return body(forward::name<T>{static_cast<T>(f.a), static_cast<T>(f.b)});
#include <metron/core/formulas.def>
  }
}

// The same with its derivative, a functor of g and of the tensor that derivative_reads_output selects.
template <typename T, typename Body>
void visit_unary_backward(const Unary& f, const Body& body) {
  switch (f.op) {
#define METRON_UNARY(name, ...) \
  case UnaryOp::name:           \
    return body(backward::name<T>{});
#define METRON_UNARY_WITH(name, ...) \
  case UnaryOp::name:                \
    return body(backward::name<T>{static_cast<T>(f.a), static_cast<T>(f.b)});
#include <metron/core/formulas.def>
  }
}

// visit_unary for int64: affine formulas with integer constants, and clamp. Returns false for any other
// formula.
template <typename Body>
bool visit_integer_unary(const Unary& f, const Body& body) {
  using Integer = std::int64_t;
  if (f.op == UnaryOp::clamp && !is_nan(f.a) && !is_nan(f.b)) {
    body(forward::clamp<Integer>{convert<Integer>(std::ceil(f.a)), convert<Integer>(std::floor(f.b))});
    return true;
  }
  const auto is_whole = [](double x) { return std::floor(x) == x && std::abs(x) < 0x1p63; };
  if (f.op != UnaryOp::affine || !is_whole(f.a) || !is_whole(f.b)) return false;
  body(forward::affine<Integer>{static_cast<Integer>(f.a), static_cast<Integer>(f.b)});
  return true;
}

// ---- Binary, including int64 (except div) ----

namespace binary {
#define METRON_BINARY(name, value)                                    \
  template <typename T>                                               \
  struct name {                                                       \
    METRON_HOST_DEVICE T operator()(T a, T b) const { return value; } \
  };
#include <metron/core/formulas.def>
}  // namespace binary

// Whether a formula is defined for its type: there is no integer division.
template <typename Formula>
inline constexpr bool is_defined = true;
template <>
inline constexpr bool is_defined<binary::div<std::int64_t>> = false;

template <typename T, typename Body>
void visit_binary(BinaryOp op, const Body& body) {
  switch (op) {
#define METRON_BINARY(name, ...)                                        \
  case BinaryOp::name:                                                  \
    if constexpr (is_defined<binary::name<T>>) body(binary::name<T>{}); \
    return;
#include <metron/core/formulas.def>
  }
}

// ---- Compare: any ordered T ----

namespace comparison {
#define METRON_COMPARE(name, value)                                              \
  template <typename T>                                                          \
  struct name {                                                                  \
    METRON_HOST_DEVICE std::uint8_t operator()(T a, T b) const { return value; } \
  };
#include <metron/core/formulas.def>
}  // namespace comparison

// a > b is b < a: swaps the operands of such a comparison.
constexpr bool compares_swapped(CompareOp op) {
  switch (op) {
#define METRON_COMPARE(name, ...) \
  case CompareOp::name:           \
    return false;
#define METRON_COMPARE_SWAPPED(name, other) \
  case CompareOp::name:                     \
    return true;
#include <metron/core/formulas.def>
  }
  return false;
}

template <typename T, typename Body>
void visit_compare(CompareOp op, const Body& body) {
  switch (op) {
#define METRON_COMPARE(name, ...) \
  case CompareOp::name:           \
    return body(comparison::name<T>{});
#define METRON_COMPARE_SWAPPED(name, other) \
  case CompareOp::name:                     \
    return body(comparison::other<T>{});
#include <metron/core/formulas.def>
  }
}

}  // namespace
}  // namespace metron::functor
