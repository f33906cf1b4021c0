#include <metron/core/autograd.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/ops.h>
#include <metron/core/tensor.h>

#include <algorithm>
#include <array>
#include <limits>
#include <ostream>
#include <sstream>

namespace metron {
namespace {

// The number of elements. ShapeError for a negative size or if the number of bytes would overflow.
std::int64_t checked_numel(const char* op, const Shape& shape) {
  std::int64_t numel = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    check<ShapeError>(size >= 0, op, "sizes must not be negative, got ", shape);
    empty |= size == 0;
    check<ShapeError>(size == 0 || numel <= std::numeric_limits<std::int64_t>::max() / 64 / size, op,
                      "the shape has too many elements, got ", shape);
    numel *= std::max<std::int64_t>(size, 1);
  }
  return empty ? 0 : numel;
}

// Whether the dimensions are dense in this order, innermost first: each stride is the product of the sizes so
// far.
template <typename Order>
bool is_packed(const Shape& shape, const Strides& strides, const Order& order) {
  std::int64_t step = 1;
  for (const int axis : order) {
    if (shape[axis] == 1) continue;
    if (strides[axis] != step) return false;
    step *= shape[axis];
  }
  return true;
}

// A dense copy in row-major order on the host.
Tensor host_copy(const Tensor& tensor) {
  const NoGradGuard no_grad;
  return tensor.detach().contiguous().to(Device());
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, TensorOptions options) {
  auto impl = std::make_shared<Impl>();
  impl->numel = checked_numel("empty", shape);
  impl->shape = shape;
  impl->strides = options.format == MemoryFormat::channels_last ? channels_last_strides(shape)
                                                                : contiguous_strides(shape);
  impl->dtype = options.dtype;
  impl->storage = std::make_shared<Storage>(static_cast<std::size_t>(impl->numel) * size_of(options.dtype),
                                            options.device);
  return Tensor(std::move(impl));
}

Tensor Tensor::empty_like(const Tensor& like) { return empty_like(like, like.dtype()); }

Tensor Tensor::empty_like(const Tensor& like, DType dtype) {
  Tensor result = empty(like.shape(), {dtype, like.device(), MemoryFormat::contiguous});
  if (like.is_dense()) result.impl_->strides = like.strides();
  return result;
}

template <typename T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape, Device device) {
  Tensor result = empty(shape, {dtype_of<T>, device, MemoryFormat::contiguous});
  check<ShapeError>(static_cast<std::int64_t>(values.size()) == result.numel(), "from", "the shape ", shape,
                    " holds ", result.numel(), " elements, got ", values.size());
  if (!values.empty())
    backend(device).copy_from_host(device.index(), result.raw_mutable_data(), values.data(), result.bytes());
  return result;
}

std::int64_t Tensor::size(std::int64_t axis) const { return shape()[checked_axis("size", axis, rank())]; }

bool Tensor::is_contiguous() const {
  if (numel() == 0) return true;
  std::int64_t step = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape()[i] == 1) continue;
    if (strides()[i] != step) return false;
    step *= shape()[i];
  }
  return true;
}

bool Tensor::is_channels_last() const {
  return rank() == 4 && (numel() == 0 || is_packed(shape(), strides(), std::array{1, 3, 2, 0}));
}

bool Tensor::is_dense() const {
  if (is_contiguous()) return true;
  // Each step finds the dimension whose stride is the extent filled so far.
  std::int64_t filled = 1;
  for (int step = 0; step < rank(); ++step) {
    int next = 0;
    while (next < rank() && (shape()[next] == 1 || strides()[next] != filled)) ++next;
    if (next == rank()) break;
    filled *= shape()[next];
  }
  return filled == numel();
}

const void* Tensor::raw_data() const {
  const auto* base = static_cast<const std::byte*>(storage()->data());
  return base == nullptr ? nullptr : base + static_cast<std::size_t>(storage_offset()) * size_of(dtype());
}

void* Tensor::raw_mutable_data() {
  storage()->bump_version();
  return const_cast<void*>(raw_data());
}

void Tensor::undefined() {
  fail<ValueError>("tensor",
                   "undefined tensor: it was default-constructed, or is a gradient that no backward pass has "
                   "reached; check defined() first");
}

void Tensor::wrong_dtype(DType expected) const {
  fail<DTypeError>("data", "elements of ", dtype(), " were read or written as ", expected, "; to() converts");
}

template <typename T>
T Tensor::item() const {
  check<ShapeError>(numel() == 1, "item", "expects exactly one element, got ", shape());
  return to_vector<T>()[0];
}

template <typename T>
std::vector<T> Tensor::to_vector() const {
  require_dtype(dtype_of<T>);
  std::vector<T> values(static_cast<std::size_t>(numel()));
  const Tensor copy = host_copy(*this);
  if (!values.empty()) backend(Device()).copy_to_host(0, values.data(), copy.raw_data(), copy.bytes());
  return values;
}

template Tensor Tensor::from(std::span<const float>, const Shape&, Device);
template Tensor Tensor::from(std::span<const double>, const Shape&, Device);
template Tensor Tensor::from(std::span<const float16>, const Shape&, Device);
template Tensor Tensor::from(std::span<const bfloat16>, const Shape&, Device);
template Tensor Tensor::from(std::span<const std::int64_t>, const Shape&, Device);
template Tensor Tensor::from(std::span<const std::uint8_t>, const Shape&, Device);
template float Tensor::item() const;
template double Tensor::item() const;
template float16 Tensor::item() const;
template bfloat16 Tensor::item() const;
template std::int64_t Tensor::item() const;
template std::uint8_t Tensor::item() const;
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<float16> Tensor::to_vector() const;
template std::vector<bfloat16> Tensor::to_vector() const;
template std::vector<std::int64_t> Tensor::to_vector() const;
template std::vector<std::uint8_t> Tensor::to_vector() const;

Tensor Tensor::as_strided(const Shape& shape, const Strides& strides, std::int64_t offset) const {
  check<ShapeError>(shape.size() == strides.size(), "as_strided", "expects one stride per size, got ", shape,
                    " and ", strides);
  const std::int64_t count = checked_numel("as_strided", shape);
  std::int64_t first = offset, last = offset;
  for (int i = 0; i < shape.size() && count > 0; ++i) {
    std::int64_t reach = 0;
    std::int64_t& end = strides[i] < 0 ? first : last;
    check<ShapeError>(!__builtin_mul_overflow(strides[i], shape[i] - 1, &reach) &&
                          !__builtin_add_overflow(end, reach, &end),
                      "as_strided", "the strides reach too far, got ", shape, " and ", strides);
  }
  const auto held = static_cast<std::int64_t>(storage()->bytes() / size_of(dtype()));
  check<ShapeError>(count == 0 || (first >= 0 && last < held), "as_strided", "elements ", first, " to ", last,
                    " are outside of a storage of ", held);
  auto impl = std::make_shared<Impl>();
  impl->storage = storage();
  impl->shape = shape;
  impl->strides = strides;
  impl->offset = offset;
  impl->numel = count;
  impl->dtype = dtype();
  return Tensor(std::move(impl));
}

Tensor Tensor::detach() const {
  Tensor result(std::make_shared<Impl>(impl()));
  result.impl_->grad_meta = nullptr;
  return result;
}

std::ostream& operator<<(std::ostream& out, Description description) {
  const Tensor& tensor = description.tensor;
  if (!tensor.defined()) return out << "undefined tensor";
  return out << tensor.dtype() << ' ' << tensor.shape();
}

Description::operator std::string() const {
  detail::ClassicStream out;
  out << *this;
  return out.str();
}

namespace {

constexpr std::int64_t printed_elements = 64;

template <typename T>
void print_elements(std::ostream& out, const std::vector<T>& values, const Shape& shape, int axis,
                    std::size_t& next) {
  if (axis == shape.size()) {
    if constexpr (std::is_integral_v<T>) {
      out << static_cast<std::int64_t>(values[next++]);
    } else {
      out << static_cast<double>(
          static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(values[next++]));
    }
    return;
  }
  out << '[';
  for (std::int64_t i = 0; i < shape[axis]; ++i) {
    if (i > 0) out << ", ";
    print_elements(out, values, shape, axis + 1, next);
  }
  out << ']';
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (!tensor.defined()) return out << "Tensor(undefined)";
  detail::ClassicStream text;
  text.flags(out.flags());
  text.precision(out.precision());
  text << "Tensor(" << describe(tensor) << " on " << tensor.device();
  if (tensor.numel() > 0 && tensor.numel() <= printed_elements) {
    text << ": ";
    std::size_t next = 0;
    visit_any_dtype(tensor.dtype(), [&]<typename T>() {
      print_elements(text, tensor.to_vector<T>(), tensor.shape(), 0, next);
    });
  }
  text << ')';
  return out << text.str();
}

}  // namespace metron
