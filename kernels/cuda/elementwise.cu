// Element-wise kernels: the formulas of functors.h, mapped as map.cuh says. A formula reads and writes each
// element once; memory bounds all of them.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/functors.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

struct Select {
  template <typename T>
  METRON_HOST_DEVICE T operator()(std::uint8_t condition, T a, T b) const {
    return condition != 0 ? a : b;
  }
};

// Calls body.operator()<T, Compute>() for elements T whose formulas are computed in Compute.
template <typename Body>
bool visit_floating(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::float32:
      body.template operator()<float, float>();
      return true;
    case DType::float64:
      body.template operator()<double, double>();
      return true;
    case DType::float16:
      body.template operator()<float16, float>();
      return true;
    case DType::bfloat16:
      body.template operator()<bfloat16, float>();
      return true;
    case DType::int64:
    case DType::uint8:
      return false;
  }
  return false;
}

// The formula for elements of type T.
template <typename T, typename Compute, typename F>
auto for_elements(const F& f) {
  if constexpr (std::is_same_v<T, Compute>) {
    return f;
  } else {
    return Widened<F, T>{f};
  }
}

}  // namespace

bool unary(const Unary& f, const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  const Device device = y.device();
  if (y.dtype() == DType::int64) {
    return functor::visit_integer_unary(f, [&](const auto& formula) {
      map("unary", device, nest, formula, y.mutable_data<std::int64_t>(), x.data<std::int64_t>());
    });
  }
  return visit_floating(y.dtype(), [&]<typename T, typename Compute>() {
    functor::visit_unary<Compute>(f, [&](const auto& formula) {
      map("unary", device, nest, for_elements<T, Compute>(formula), y.mutable_data<T>(), x.data<T>());
    });
  });
}

bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx) {
  const Tensor& read = functor::gradient_reads_output(f.op) ? y : x;
  const LoopNest nest = loop_nest({&gx, &g, &read});
  return visit_floating(gx.dtype(), [&]<typename T, typename Compute>() {
    functor::visit_unary_gradient<Compute>(f, [&](const auto& formula) {
      map("unary_backward", gx.device(), nest, for_elements<T, Compute>(formula), gx.mutable_data<T>(),
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
      map("binary", device, nest, formula, y.mutable_data<std::int64_t>(), a.data<std::int64_t>(),
          b.data<std::int64_t>());
    });
    return true;
  }
  return visit_floating(y.dtype(), [&]<typename T, typename Compute>() {
    functor::visit_binary<Compute>(op, [&](const auto& formula) {
      map("binary", device, nest, for_elements<T, Compute>(formula), y.mutable_data<T>(), a.data<T>(),
          b.data<T>());
    });
  });
}

bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const bool swapped = functor::compares_swapped(op);
  const Tensor& first = swapped ? b : a;
  const Tensor& second = swapped ? a : b;
  const LoopNest nest = loop_nest({&y, &first, &second});
  return visit_dtype<float, double, std::int64_t, std::uint8_t>(a.dtype(), [&]<typename T>() {
    functor::visit_compare<T>(op, [&](const auto& formula) {
      map("compare", y.device(), nest, formula, y.mutable_data<std::uint8_t>(), first.data<T>(),
          second.data<T>());
    });
  });
}

bool where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &condition, &a, &b});
  visit_any_dtype(y.dtype(), [&]<typename T>() {
    map("where", y.device(), nest, Select{}, y.mutable_data<T>(), condition.data<std::uint8_t>(), a.data<T>(),
        b.data<T>());
  });
  return true;
}

}  // namespace metron::cuda
