// Fills, copies between layouts, dtypes and devices, and in-place ops.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

// Rejects tensors that the graph needs, and broadcast axes, whose elements share memory.
void check_writable(const char* op, const Tensor& y, const Tensor* source = nullptr) {
  check<ValueError>(y.defined() && (source == nullptr || source->defined()), op,
                    "operands must be defined, got an undefined tensor");
  check<AutogradError>(!needs_grad({&y, source == nullptr ? &y : source}), op,
                       "a tensor that requires a gradient can be changed only under NoGradGuard, got ",
                       y.shape());
  for (int i = 0; i < y.rank(); ++i) {
    check<ShapeError>(y.numel() == 0 || y.shape()[i] == 1 || y.strides()[i] != 0, op,
                      "an expanded tensor can't be changed in place: its elements share memory, got ",
                      y.shape());
  }
}

// `source` as an operand of an in-place op on y: broadcast, and copied if it overlaps y differently.
Tensor operand_for(const char* op, const Tensor& y, const Tensor& source) {
  check<ShapeError>(broadcast_shapes(op, y.shape(), source.shape()) == y.shape(), op,
                    "the source must broadcast to the tensor, got ", source.shape(), " and ", y.shape());
  const bool same_view = source.shape() == y.shape() && source.strides() == y.strides() &&
                         source.storage_offset() == y.storage_offset();
  const bool overlaps = source.storage() == y.storage() && !same_view;
  return detail::broadcast_to(overlaps ? source.detach().clone() : source, y.shape());
}

// Both are dense with the same layout.
void copy_block(const Tensor& source, Tensor& destination) {
  const std::size_t bytes = source.bytes();
  if (bytes == 0) return;
  const Device from = source.device(), to = destination.device();
  if (from.is_cpu()) {
    backend(to).copy_from_host(to.index(), destination.raw_mutable_data(), source.raw_data(), bytes);
  } else if (to.is_cpu()) {
    backend(from).copy_to_host(from.index(), destination.raw_mutable_data(), source.raw_data(), bytes);
  } else {
    Tensor host = Tensor::empty(source.shape(), {source.dtype(), Device(), MemoryFormat::contiguous});
    copy_block(source, host);
    copy_block(host, destination);
  }
}

}  // namespace

Tensor Tensor::full(const Shape& shape, double value, TensorOptions options) {
  const OpScope scope("full");
  detail::check_representable("full", value, options.dtype);
  Tensor y = empty(shape, options);
  kernel::fill(value, y);
  return y;
}

Tensor contiguous(const Tensor& x, MemoryFormat format) {
  detail::check_operands("contiguous", {&x});
  const bool last = format == MemoryFormat::channels_last;
  check<ShapeError>(!last || x.rank() == 4, "contiguous", "channels-last requires (N, C, H, W), got ",
                    x.shape());
  if (last ? x.is_channels_last() : x.is_contiguous()) return x;
  const OpScope scope("contiguous");
  Tensor y = Tensor::empty(x.shape(), {x.dtype(), x.device(), format});
  kernel::copy(x, y);
  // The gradient has x's layout, as the preceding ops expect.
  record("contiguous", y, {&x}, Backward::composite, [last = x.is_channels_last()](const Tensor& g) {
    return last ? contiguous(g, MemoryFormat::channels_last) : g;
  });
  return y;
}

Tensor cast(const Tensor& x, DType dtype) {
  detail::check_operands("cast", {&x});
  if (x.dtype() == dtype) return x;
  const OpScope scope("cast");
  Tensor y = Tensor::empty_like(x, dtype);
  kernel::copy(x, y);
  if (is_floating(dtype)) {
    record("cast", y, {&x}, Backward::composite,
           [from = x.dtype()](const Tensor& g) { return cast(g, from); });
  }
  return y;
}

Tensor clone(const Tensor& x) {
  const OpScope scope("clone");
  detail::check_operands("clone", {&x});
  Tensor y = Tensor::empty_like(x);
  kernel::copy(x, y);
  record("clone", y, {&x}, Backward::composite, [](const Tensor& g) { return g; });
  return y;
}

Tensor Tensor::contiguous() const { return metron::contiguous(*this); }
Tensor Tensor::to(MemoryFormat format) const { return metron::contiguous(*this, format); }
Tensor Tensor::to(DType dtype) const { return cast(*this, dtype); }
Tensor Tensor::clone() const { return metron::clone(*this); }

Tensor Tensor::to(Device device) const {
  detail::check_operands("to", {this});
  if (this->device() == device) return *this;
  const OpScope scope("to");
  const MemoryFormat format = detail::layout_of(*this);
  Tensor y = empty(shape(), {dtype(), device, format});
  copy_block(detach().to(format), y);
  record("to", y, {this}, Backward::composite,
         [from = this->device()](const Tensor& g) { return g.to(from); });
  return y;
}

Tensor& Tensor::fill_(double value) {
  const OpScope scope("fill_");
  check_writable("fill_", *this);
  detail::check_representable("fill_", value, dtype());
  kernel::fill(value, *this);
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  const OpScope scope("copy_");
  check_writable("copy_", *this, &source);
  kernel::copy(operand_for("copy_", *this, source.to(device())), *this);
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, double scale) {
  const OpScope scope("add_");
  check_writable("add_", *this, &other);
  detail::check_operands("add_", {this, &other});
  detail::check_arithmetic("add_", *this);
  const Tensor term = operand_for("add_", *this, scale == 1 ? other : affine(other, scale, 0));
  kernel::binary(BinaryOp::add, *this, term, *this);
  return *this;
}

Tensor& Tensor::mul_(double factor) {
  const OpScope scope("mul_");
  check_writable("mul_", *this);
  detail::check_arithmetic("mul_", *this);
  detail::check_representable("mul_", factor, dtype());
  kernel::unary({UnaryOp::affine, factor, 0}, *this, *this);
  return *this;
}

Tensor& Tensor::div_(double divisor) {
  const OpScope scope("div_");
  check_writable("div_", *this);
  detail::check_floating("div_", *this);
  kernel::unary({UnaryOp::divide_by, divisor, 0}, *this, *this);
  return *this;
}

}  // namespace metron
