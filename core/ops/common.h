// What the ops share. Private: nothing outside of core/ops includes it. Views made here are outside of
// autograd.
#pragma once

#include <metron/core/ops.h>
#include <metron/core/slots.h>

#include <initializer_list>
#include <optional>

namespace metron::detail {

// ValueError for an operand that is none; DTypeError or DeviceError for two that differ. A null one is
// absent.
void check_operands(const char* op, std::initializer_list<const Tensor*> operands);
void check_floating(const char* op, const Tensor& x);
void check_arithmetic(const char* op, const Tensor& x);  // floating or int64
// ValueError for a number that an integer dtype can't hold.
void check_representable(const char* op, double value, DType dtype);

// Whether both numbers of a window's option are at least `low`, and small enough for products of sizes.
inline bool is_sound(Size2 size, std::int64_t low) {
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  return size.h >= low && size.w >= low && size.h < limit && size.w < limit;
}

inline const Tensor* optional(const Tensor& x) { return x.defined() ? &x : nullptr; }

// The layout of (N, C, H, W) that the device's fast kernels want.
inline MemoryFormat preferred_format(Device device) {
  return device.is_cpu() ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}
// Channels-last where that alone describes x.
inline MemoryFormat layout_of(const Tensor& x) {
  return x.is_channels_last() && !x.is_contiguous() ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}
// x itself, or recorded as a copy where it is neither contiguous nor channels-last.
inline Tensor with_image_layout(const Tensor& x) {
  return x.is_contiguous() || x.is_channels_last() ? x : contiguous(x, preferred_format(x.device()));
}

// Uninitialised, in the dense layout of the first of a and b that has this shape.
Tensor empty_result(const Shape& shape, DType dtype, const Tensor& a, const Tensor& b);
// One element, of the dtype and device of `like`.
inline Tensor scalar(double value, const Tensor& like) { return Tensor::full({}, value, like.options()); }

// x with stride 0 along the axes that grow to `shape`, which x must broadcast to.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
// x's elements in row-major order in another shape, if strides can say so; none otherwise.
std::optional<Tensor> try_view(const Tensor& x, const Shape& shape);
// The same, by way of a copy if need be.
Tensor view_or_copy(const Tensor& x, const Shape& shape);
// The last two axes exchanged.
Tensor transposed(const Tensor& x);

// The product of x's sizes but the last, and x as so many rows: through the ops, or as a plain view.
std::int64_t row_count(const Tensor& x);
inline Tensor rows_of(const Tensor& x) { return x.reshape({row_count(x), x.size(-1)}); }

// g where y = relu(...) is positive, else 0: differentiable if the graph of a gradient is wanted.
Tensor relu_gradient(const Tensor& g, const Tensor& y);

}  // namespace metron::detail
