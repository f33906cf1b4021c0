#include <metron/core/ops/common.h>

#include <cmath>

namespace metron::detail {

void check_operands(const char* op, std::initializer_list<const Tensor*> operands) {
  const Tensor* first = nullptr;
  for (const Tensor* operand : operands) {
    if (operand == nullptr) continue;
    check<ValueError>(operand->defined(), op, "operands must be defined, got an undefined tensor");
    if (first == nullptr) first = operand;
    check<DTypeError>(operand->dtype() == first->dtype(), op, "operands must have one dtype, got ",
                      first->dtype(), ' ', first->shape(), " and ", operand->dtype(), ' ', operand->shape(),
                      "; to(dtype) converts");
    check<DeviceError>(operand->device() == first->device(), op, "operands must be on one device, got ",
                       first->device(), " and ", operand->device(), "; to(device) copies");
  }
}

void check_floating(const char* op, const Tensor& x) {
  check<DTypeError>(is_floating(x.dtype()), op, "expects a floating dtype, got ", x.dtype(), ' ', x.shape());
}

void check_arithmetic(const char* op, const Tensor& x) {
  check<DTypeError>(is_floating(x.dtype()) || x.dtype() == DType::int64, op,
                    "expects a floating dtype or int64, got ", x.dtype(), ' ', x.shape());
}

void check_representable(const char* op, double value, DType dtype) {
  if (is_floating(dtype)) return;
  const double low = dtype == DType::uint8 ? 0 : -0x1p63;
  const double high = dtype == DType::uint8 ? 256 : 0x1p63;
  check<ValueError>(value >= low && value < high && value == std::trunc(value), op, dtype,
                    " elements can't hold the number ", value);
}

Tensor empty_result(const Shape& shape, DType dtype, const Tensor& a, const Tensor& b) {
  if (a.shape() == shape && a.is_dense()) return Tensor::empty_like(a, dtype);
  if (b.shape() == shape && b.is_dense()) return Tensor::empty_like(b, dtype);
  return Tensor::empty(shape, {dtype, a.device(), MemoryFormat::contiguous});
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Strides strides = Dims::filled(shape.size(), 0);
  const int added = shape.size() - x.rank();
  for (int i = added; i < shape.size(); ++i) {
    if (x.shape()[i - added] == shape[i]) strides[i] = x.strides()[i - added];
  }
  return x.as_strided(shape, strides, x.storage_offset());
}

std::optional<Tensor> try_view(const Tensor& x, const Shape& shape) {
  if (x.numel() == 0 || x.is_contiguous())
    return x.as_strided(shape, contiguous_strides(shape), x.storage_offset());
  // From the innermost dimension outwards: mergeable dimensions of x form a run, and whole dimensions of the
  // new shape must fill every run.
  Strides strides = Dims::filled(shape.size(), 1);
  int next = shape.size() - 1;
  for (int i = x.rank() - 1; i >= 0;) {
    const std::int64_t step = x.strides()[i];
    std::int64_t length = x.shape()[i--];
    if (length == 1) continue;
    for (; i >= 0 && (x.shape()[i] == 1 || x.strides()[i] == step * length); --i) length *= x.shape()[i];
    std::int64_t filled = 1;
    for (; next >= 0 && filled < length; --next) {
      strides[next] = step * filled;
      filled *= shape[next];
    }
    if (filled != length) return std::nullopt;
  }
  return x.as_strided(shape, strides, x.storage_offset());
}

Tensor view_or_copy(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (auto view = try_view(x, shape)) return *view;
  return *try_view(x.detach().contiguous(), shape);
}

Tensor transposed(const Tensor& x) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  const int last = x.rank() - 1;
  std::swap(shape[last], shape[last - 1]);
  std::swap(strides[last], strides[last - 1]);
  return x.as_strided(shape, strides, x.storage_offset());
}

std::int64_t row_count(const Tensor& x) {
  Shape leading = x.shape();
  leading.erase(x.rank() - 1);
  return leading.numel();
}

}  // namespace metron::detail
