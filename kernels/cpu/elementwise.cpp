// Element-wise kernels: the functors of functors.h over strided operands.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/map.h>
#include <metron/kernels/functors.h>

namespace metron::METRON_ISA {

bool unary(const Unary& f, const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  if (y.dtype() == DType::int64) {
    return functor::visit_integer_unary(f, [&](const auto& formula) {
      map(nest, formula, y.mutable_data<std::int64_t>(), x.data<std::int64_t>());
    });
  }
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    T* const out = y.mutable_data<T>();
    functor::visit_unary<T>(f, [&](const auto& formula) { map(nest, formula, out, in); });
  });
}

bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx) {
  const bool reads_output = derivative_reads_output(f.op);
  const Tensor& read = reads_output ? y : x;
  const LoopNest nest = loop_nest({&gx, &g, &read});
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const T* const gradient = g.data<T>();
    const T* const in = read.data<T>();
    T* const out = gx.mutable_data<T>();
    functor::visit_unary_backward<T>(f, [&](const auto& formula) { map(nest, formula, out, gradient, in); });
  });
}

bool binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  if (op == BinaryOp::div && y.dtype() == DType::int64) return false;
  const LoopNest nest = loop_nest({&y, &a, &b});
  return visit_dtype<float, double, std::int64_t>(y.dtype(), [&]<typename T>() {
    const T* const left = a.data<T>();
    const T* const right = b.data<T>();
    T* const out = y.mutable_data<T>();
    functor::visit_binary<T>(op, [&](const auto& formula) { map_pairs(nest, formula, out, left, right); });
  });
}

bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const bool swapped = functor::compares_swapped(op);
  const Tensor& first = swapped ? b : a;
  const Tensor& second = swapped ? a : b;
  const LoopNest nest = loop_nest({&y, &first, &second});
  return visit_dtype<float, double, std::int64_t, std::uint8_t>(a.dtype(), [&]<typename T>() {
    const T* const left = first.data<T>();
    const T* const right = second.data<T>();
    std::uint8_t* const out = y.mutable_data<std::uint8_t>();
    functor::visit_compare<T>(op, [&](const auto& formula) { map(nest, formula, out, left, right); });
  });
}

bool where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &condition, &a, &b});
  const std::uint8_t* const chosen = condition.data<std::uint8_t>();
  const auto select = [](std::uint8_t c, auto yes, auto no) { return c != 0 ? yes : no; };
  visit_word(y.dtype(), [&]<typename Word>() {
    map(nest, select, static_cast<Word*>(y.raw_mutable_data()), chosen,
        static_cast<const Word*>(a.raw_data()), static_cast<const Word*>(b.raw_data()));
  });
  return true;
}

}  // namespace metron::METRON_ISA
