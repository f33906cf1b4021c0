// Element-wise kernels: the formulas of functors.h, mapped as in map.cuh. Each element is read and written
// once: memory-bound. Dense float32 operands have a kernel per formula. Strided operands and other dtypes
// have one kernel per dtype, which selects the formula at run time.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/functors.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

// Any formula of one slot, selected at run time. The branch is uniform across the grid and cheap next to a
// memory access, and one kernel instead of one per formula saves code size.
template <typename T>
struct AnyUnary {
  using Picks = void;
  UnaryOp op;
  T a, b;
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    switch (op) {
#define METRON_UNARY(name, ...) \
  case UnaryOp::name:           \
    return body(functor::forward::name<T>{});
#define METRON_UNARY_WITH(name, ...) \
  case UnaryOp::name:                \
    return body(functor::forward::name<T>{a, b});
#include <metron/core/formulas.def>
    }
  }
};

template <typename T>
struct AnyUnaryBackward {
  using Picks = void;
  UnaryOp op;
  T a, b;
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    switch (op) {
#define METRON_UNARY(name, ...) \
  case UnaryOp::name:           \
    return body(functor::backward::name<T>{});
#define METRON_UNARY_WITH(name, ...) \
  case UnaryOp::name:                \
    return body(functor::backward::name<T>{a, b});
#include <metron/core/formulas.def>
    }
  }
};

template <typename T>
struct AnyBinary {
  using Picks = void;
  BinaryOp op;
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    switch (op) {
#define METRON_BINARY(name, ...)                                                                   \
  case BinaryOp::name:                                                                             \
    if constexpr (functor::is_defined<functor::binary::name<T>>) body(functor::binary::name<T>{}); \
    return;
#include <metron/core/formulas.def>
    }
  }
};

template <typename T>
struct AnyCompare {
  using Picks = void;
  CompareOp op;
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    switch (op) {
#define METRON_COMPARE(name, ...) \
  case CompareOp::name:           \
    return body(functor::comparison::name<T>{});
#define METRON_COMPARE_SWAPPED(name, other) \
  case CompareOp::name:                     \
    return body(functor::comparison::other<T>{});
#include <metron/core/formulas.def>
    }
  }
};

struct AnyIntegerUnary {
  using Picks = void;
  UnaryOp op;
  std::int64_t a, b;
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    if (op == UnaryOp::clamp) {
      body(functor::forward::clamp<std::int64_t>{a, b});
    } else {
      body(functor::forward::affine<std::int64_t>{a, b});
    }
  }
};

struct Select {
  template <typename T>
  METRON_HOST_DEVICE T operator()(std::uint8_t condition, T a, T b) const {
    return condition != 0 ? a : b;
  }
};

// Maps f, a formula in Real<T>, over inputs of type T; `any` is f selected at run time.
template <typename F, typename Any, typename Y, typename T, typename... X>
void map_formula(const char* op, Device device, const LoopNest& nest, const F& f, const Any& any, Y* y,
                 const T* x, const X*... more) {
  if constexpr (is_half<T>) {
    const AnyWidened<Any, T> wide{any};
    map(op, device, nest, wide, wide, y, x, more...);
  } else if constexpr (std::is_same_v<T, float>) {
    map(op, device, nest, f, any, y, x, more...);
  } else {
    map(op, device, nest, any, any, y, x, more...);
  }
}

}  // namespace

bool unary(const Unary& f, const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  const Device device = y.device();
  if (y.dtype() == DType::int64) {
    return functor::visit_integer_unary(f, [&](const auto& formula) {
      const AnyIntegerUnary any{f.op, formula.a, formula.b};
      map("unary", device, nest, any, any, y.mutable_data<std::int64_t>(), x.data<std::int64_t>());
    });
  }
  return visit_floating(y.dtype(), [&]<typename T>() {
    const AnyUnary<Real<T>> any{f.op, static_cast<Real<T>>(f.a), static_cast<Real<T>>(f.b)};
    functor::visit_unary<Real<T>>(f, [&](const auto& formula) {
      map_formula("unary", device, nest, formula, any, y.mutable_data<T>(), x.data<T>());
    });
  });
}

bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx) {
  const Tensor& saved = derivative_reads_output(f.op) ? y : x;
  const LoopNest nest = loop_nest({&gx, &g, &saved});
  return visit_floating(gx.dtype(), [&]<typename T>() {
    const AnyUnaryBackward<Real<T>> any{f.op, static_cast<Real<T>>(f.a), static_cast<Real<T>>(f.b)};
    functor::visit_unary_backward<Real<T>>(f, [&](const auto& formula) {
      map_formula("unary_backward", gx.device(), nest, formula, any, gx.mutable_data<T>(), g.data<T>(),
                  saved.data<T>());
    });
  });
}

bool binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  if (op == BinaryOp::div && y.dtype() == DType::int64) return false;
  const LoopNest nest = loop_nest({&y, &a, &b});
  const Device device = y.device();
  if (y.dtype() == DType::int64) {
    const AnyBinary<std::int64_t> any{op};
    map("binary", device, nest, any, any, y.mutable_data<std::int64_t>(), a.data<std::int64_t>(),
        b.data<std::int64_t>());
    return true;
  }
  return visit_floating(y.dtype(), [&]<typename T>() {
    const AnyBinary<Real<T>> any{op};
    functor::visit_binary<Real<T>>(op, [&](const auto& formula) {
      map_formula("binary", device, nest, formula, any, y.mutable_data<T>(), a.data<T>(), b.data<T>());
    });
  });
}

bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const bool swapped = functor::compares_swapped(op);
  const Tensor& first = swapped ? b : a;
  const Tensor& second = swapped ? a : b;
  const LoopNest nest = loop_nest({&y, &first, &second});
  visit_any_dtype(a.dtype(), [&]<typename T>() {
    const AnyCompare<Real<T>> any{op};
    functor::visit_compare<Real<T>>(op, [&](const auto& formula) {
      map_formula("compare", y.device(), nest, formula, any, y.mutable_data<std::uint8_t>(), first.data<T>(),
                  second.data<T>());
    });
  });
  return true;
}

bool where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &condition, &a, &b});
  visit_bits(y.dtype(), [&]<typename Bits>() {
    map("where", y.device(), nest, Select{}, Select{}, static_cast<Bits*>(y.raw_mutable_data()),
        condition.data<std::uint8_t>(), static_cast<const Bits*>(a.raw_data()),
        static_cast<const Bits*>(b.raw_data()));
  });
  return true;
}

}  // namespace metron::cuda
