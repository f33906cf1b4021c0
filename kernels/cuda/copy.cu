// fill and copy: any strides and, for copy, any two dtypes. Mapped as map.cuh says; memory bounds both.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

template <typename T>
struct Constant {
  T value;
  METRON_HOST_DEVICE T operator()() const { return value; }
};

template <typename To>
struct Convert {
  template <typename From>
  METRON_HOST_DEVICE To operator()(From x) const {
    return functor::convert<To>(x);
  }
};

}  // namespace

bool fill(double value, Tensor& y) {
  const LoopNest nest = loop_nest({&y});
  visit_any_dtype(y.dtype(), [&]<typename T>() {
    visit_bits(y.dtype(), [&]<typename Bits>() {
      if constexpr (sizeof(T) == sizeof(Bits)) {
        const Constant<Bits> constant{std::bit_cast<Bits>(functor::convert<T>(value))};
        map("fill", y.device(), nest, constant, constant, static_cast<Bits*>(y.raw_mutable_data()));
      }
    });
  });
  return true;
}

bool copy(const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  if (x.dtype() == y.dtype()) {
    visit_bits(y.dtype(), [&]<typename Bits>() {
      map("copy", y.device(), nest, Convert<Bits>{}, Convert<Bits>{},
          static_cast<Bits*>(y.raw_mutable_data()), static_cast<const Bits*>(x.raw_data()));
    });
    return true;
  }
  visit_any_dtype(y.dtype(), [&]<typename To>() {
    visit_any_dtype(x.dtype(), [&]<typename From>() {
      if constexpr (!std::is_same_v<To, From>)
        map("copy", y.device(), nest, Convert<To>{}, Convert<To>{}, y.mutable_data<To>(), x.data<From>());
    });
  });
  return true;
}

}  // namespace metron::cuda
