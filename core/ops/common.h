// Helpers of the ops, private to core/ops. Views made here are not recorded.
#pragma once

#include <metron/core/ops.h>
#include <metron/core/ops/as_on_gpu.h>
#include <metron/core/slots.h>

#include <initializer_list>
#include <optional>

namespace metron::detail {

// ValueError for an undefined operand, DTypeError or DeviceError for operands that differ. Null is an absent
// one.
void check_operands(const char* op, std::initializer_list<const Tensor*> operands);
void check_floating(const char* op, const Tensor& x);
void check_arithmetic(const char* op, const Tensor& x);  // floating or int64
// ValueError if an integer dtype can't represent the value.
void check_representable(const char* op, double value, DType dtype);

// Whether both numbers are at least `low` and small enough that products with sizes do not overflow.
inline bool is_in_range(Size2 size, std::int64_t low) {
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  return size.h >= low && size.w >= low && size.h < limit && size.w < limit;
}

inline const Tensor* optional(const Tensor& x) { return x.defined() ? &x : nullptr; }

// The memory format that the fast kernels of the device require.
inline MemoryFormat preferred_format(Device device) {
  return on_gpu(device) ? MemoryFormat::contiguous : MemoryFormat::channels_last;
}
// Channels-last only if x is not contiguous as well.
inline MemoryFormat layout_of(const Tensor& x) {
  return x.is_channels_last() && !x.is_contiguous() ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}
// x itself if contiguous or channels-last, else a recorded copy.
inline Tensor with_image_layout(const Tensor& x) {
  return x.is_contiguous() || x.is_channels_last() ? x : contiguous(x, preferred_format(x.device()));
}

// Uninitialized, with the layout of the first of a and b that is dense and has this shape.
Tensor empty_result(const Shape& shape, DType dtype, const Tensor& a, const Tensor& b);
// One element with the dtype and device of `like`.
inline Tensor scalar(double value, const Tensor& like) { return Tensor::full({}, value, like.options()); }

// x broadcast to `shape` by strides of 0.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
// x as another shape in row-major order, or nullopt if no strides express it.
std::optional<Tensor> try_view(const Tensor& x, const Shape& shape);
// As try_view, with a copy if necessary.
Tensor view_or_copy(const Tensor& x, const Shape& shape);
// The last two axes swapped.
Tensor transposed(const Tensor& x);

// x as a matrix of rows along the last axis.
std::int64_t row_count(const Tensor& x);
inline Tensor rows_of(const Tensor& x) { return x.reshape({row_count(x), x.size(-1)}); }

// g where y = relu(...) is positive, else 0. Differentiable if gradients are recorded.
Tensor relu_gradient(const Tensor& g, const Tensor& y);

}  // namespace metron::detail
