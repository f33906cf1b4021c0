// Element-wise kernels: the formulas of functors.h, mapped as map.cuh says. A formula reads and writes each
// element once; memory bounds all of them. Dense float32 operands have a kernel for each formula; the strided
// kernels, and those of the other dtypes, are one for each dtype and pick the formula at run time.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/functors.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

// The formulas of one slot, in the dtypes that they are computed in.
template <template <typename> class... Formulas>
struct Family {
  template <typename T>
  using Any = OneOf<Formulas<T>...>;
  template <typename Half>
  using AnyWidened = OneOf<Widened<Formulas<float>, Half>...>;
};

using UnaryFamily =
    Family<functor::Affine, functor::Power, functor::Square, functor::Reciprocal, functor::Exp, functor::Log,
           functor::Sqrt, functor::Relu, functor::Gelu, functor::Sigmoid, functor::Tanh, functor::Clamp>;
using UnaryGradientFamily = Family<functor::AffineGradient, functor::PowerGradient, functor::SquareGradient,
                                   functor::ReciprocalGradient, functor::ExpGradient, functor::LogGradient,
                                   functor::SqrtGradient, functor::ReluGradient, functor::GeluGradient,
                                   functor::SigmoidGradient, functor::TanhGradient, functor::ClampGradient>;
using BinaryFamily = Family<functor::Add, functor::Subtract, functor::Multiply, functor::Divide,
                            functor::Maximum, functor::Minimum>;
using CompareFamily = Family<functor::Equal, functor::NotEqual, functor::Less, functor::LessEqual>;
using IntegerUnary = OneOf<functor::Affine<std::int64_t>, functor::Clamp<std::int64_t>>;
using IntegerBinary =
    OneOf<functor::Add<std::int64_t>, functor::Subtract<std::int64_t>, functor::Multiply<std::int64_t>,
          functor::Maximum<std::int64_t>, functor::Minimum<std::int64_t>>;

struct Select {
  template <typename T>
  METRON_HOST_DEVICE T operator()(std::uint8_t condition, T a, T b) const {
    return condition != 0 ? a : b;
  }
};

// Maps f, a formula of Family in Real<T>, over inputs of type T.
template <typename Family, typename F, typename Y, typename T, typename... X>
void map_formula(const char* op, Device device, const LoopNest& nest, const F& f, Y* y, const T* x,
                 const X*... more) {
  if constexpr (is_half<T>) {
    const typename Family::template AnyWidened<T> any(Widened<F, T>{f});
    map(op, device, nest, any, any, y, x, more...);
  } else {
    const typename Family::template Any<T> any(f);
    if constexpr (std::is_same_v<T, float>) {
      map(op, device, nest, f, any, y, x, more...);
    } else {
      map(op, device, nest, any, any, y, x, more...);
    }
  }
}

}  // namespace

bool unary(const Unary& f, const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  const Device device = y.device();
  if (y.dtype() == DType::int64) {
    return functor::visit_integer_unary(f, [&](const auto& formula) {
      const IntegerUnary any(formula);
      map("unary", device, nest, any, any, y.mutable_data<std::int64_t>(), x.data<std::int64_t>());
    });
  }
  return visit_floating(y.dtype(), [&]<typename T>() {
    functor::visit_unary<Real<T>>(f, [&](const auto& formula) {
      map_formula<UnaryFamily>("unary", device, nest, formula, y.mutable_data<T>(), x.data<T>());
    });
  });
}

bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx) {
  const Tensor& read = functor::gradient_reads_output(f.op) ? y : x;
  const LoopNest nest = loop_nest({&gx, &g, &read});
  return visit_floating(gx.dtype(), [&]<typename T>() {
    functor::visit_unary_gradient<Real<T>>(f, [&](const auto& formula) {
      map_formula<UnaryGradientFamily>("unary_backward", gx.device(), nest, formula, gx.mutable_data<T>(),
                                       g.data<T>(), read.data<T>());
    });
  });
}

bool binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &a, &b});
  const Device device = y.device();
  if (y.dtype() == DType::int64) {
    if (op == BinaryOp::div) return false;
    functor::visit_binary<std::int64_t>(op, [&](const auto& formula) {
      if constexpr (!std::is_same_v<decltype(formula), const functor::Divide<std::int64_t>&>) {
        const IntegerBinary any(formula);
        map("binary", device, nest, any, any, y.mutable_data<std::int64_t>(), a.data<std::int64_t>(),
            b.data<std::int64_t>());
      }
    });
    return true;
  }
  return visit_floating(y.dtype(), [&]<typename T>() {
    functor::visit_binary<Real<T>>(op, [&](const auto& formula) {
      map_formula<BinaryFamily>("binary", device, nest, formula, y.mutable_data<T>(), a.data<T>(),
                                b.data<T>());
    });
  });
}

bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const bool swapped = functor::compares_swapped(op);
  const Tensor& first = swapped ? b : a;
  const Tensor& second = swapped ? a : b;
  const LoopNest nest = loop_nest({&y, &first, &second});
  visit_any_dtype(a.dtype(), [&]<typename T>() {
    functor::visit_compare<Real<T>>(op, [&](const auto& formula) {
      map_formula<CompareFamily>("compare", y.device(), nest, formula, y.mutable_data<std::uint8_t>(),
                                 first.data<T>(), second.data<T>());
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
