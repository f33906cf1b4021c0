// Tensor: a handle to a strided view of a Storage. The only tensor type; copies share the elements.
#pragma once

#include <metron/core/device.h>
#include <metron/core/dtype.h>
#include <metron/core/shape.h>
#include <metron/core/storage.h>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metron {

struct GradMeta;  // core/autograd.h

// The memory layout of a dense (N, C, H, W) tensor. The shape is (N, C, H, W) in both formats.
enum class MemoryFormat : std::uint8_t { contiguous, channels_last };

struct TensorOptions {
  DType dtype = DType::float32;
  Device device = {};
  MemoryFormat format = MemoryFormat::contiguous;
};

class Tensor {
 public:
  Tensor() = default;  // undefined: all members but defined() throw a ValueError

  // Factories. `empty` is uninitialized.
  static Tensor empty(const Shape& shape, TensorOptions options = {});
  static Tensor full(const Shape& shape, double value, TensorOptions options = {});
  static Tensor zeros(const Shape& shape, TensorOptions options = {}) { return full(shape, 0, options); }
  static Tensor ones(const Shape& shape, TensorOptions options = {}) { return full(shape, 1, options); }
  // Uninitialized, with the shape, dtype and device of `like`, and its layout if it is dense.
  static Tensor empty_like(const Tensor& like);
  static Tensor empty_like(const Tensor& like, DType dtype);
  // Copies `values` in row-major order. ShapeError unless their number is shape.numel().
  template <typename T>
  static Tensor from(std::span<const T> values, const Shape& shape, Device device = {});
  template <typename T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = {}) {
    return from(std::span<const T>(values), shape, device);
  }

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }

  const Shape& shape() const { return impl().shape; }
  const Strides& strides() const { return impl().strides; }  // in elements
  int rank() const { return impl().shape.size(); }
  std::int64_t size(std::int64_t axis) const;  // a negative axis counts from the end
  std::int64_t numel() const { return impl().numel; }
  DType dtype() const { return impl().dtype; }
  Device device() const { return impl().storage->device(); }
  TensorOptions options() const { return {dtype(), device(), MemoryFormat::contiguous}; }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * size_of(dtype()); }

  bool is_contiguous() const;     // row-major and dense
  bool is_channels_last() const;  // rank 4, stored as N, H, W, C and dense
  bool is_dense() const;          // without gaps or overlap, in any order of dimensions

  // Pointers to device memory. DTypeError if T is not the dtype. mutable_data counts as an in-place change.
  template <typename T>
  const T* data() const {
    require_dtype(dtype_of<T>);
    return static_cast<const T*>(raw_data());
  }
  template <typename T>
  T* mutable_data() {
    require_dtype(dtype_of<T>);
    return static_cast<T*>(raw_mutable_data());
  }
  const void* raw_data() const;
  void* raw_mutable_data();

  // Copies from any device. `item` requires exactly one element; `to_vector` is in row-major order.
  template <typename T>
  T item() const;
  template <typename T>
  std::vector<T> to_vector() const;

  // Differentiable views without a copy, except that reshape copies if the strides require it.
  Tensor reshape(const Shape& shape) const;  // one size may be -1 and is inferred
  Tensor permute(const Axes& order) const;
  Tensor transpose(std::int64_t a, std::int64_t b) const;
  Tensor slice(std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1) const;
  Tensor select(std::int64_t axis, std::int64_t index) const;  // removes the axis
  Tensor expand(const Shape& shape) const;                     // stride 0 along sizes that grow from 1
  Tensor unsqueeze(std::int64_t axis) const;
  Tensor squeeze(std::int64_t axis) const;
  Tensor flatten(std::int64_t first = 0, std::int64_t last = -1) const;
  // The primitive below all views: does not check for overlap, not differentiable.
  Tensor as_strided(const Shape& shape, const Strides& strides, std::int64_t offset) const;
  std::int64_t storage_offset() const { return impl().offset; }  // in elements

  // Differentiable copies. All but clone return the tensor itself if nothing changes.
  Tensor contiguous() const;
  Tensor to(MemoryFormat format) const;
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor clone() const;  // preserves a dense layout

  // In place. AutogradError for a tensor that requires a gradient, except under NoGradGuard.
  Tensor& fill_(double value);
  Tensor& copy_(const Tensor& source);                  // broadcasts and converts dtype and device
  Tensor& add_(const Tensor& other, double scale = 1);  // += scale * other
  Tensor& mul_(double factor);
  Tensor& div_(double divisor);  // floating dtypes

  // Autograd (core/autograd.h).
  bool requires_grad() const;
  Tensor& set_requires_grad(bool requires_grad = true);  // leaves only
  bool is_leaf() const;
  Tensor grad() const;  // undefined before a backward pass reaches it
  void set_grad(Tensor grad);
  void retain_grad();     // stores the gradient of a non-leaf, too
  Tensor detach() const;  // shares the elements, not part of the graph
  // Accumulates gradients into grad() of the leaves. `gradient` may be omitted for a tensor of one element.
  // With create_graph, gradients are part of the graph: a reference cycle that set_grad({}) breaks.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;

  const std::shared_ptr<Storage>& storage() const { return impl().storage; }
  std::uint64_t version() const { return impl().storage->version(); }
  const std::shared_ptr<GradMeta>& grad_meta() const {
    return impl().grad_meta;
  }  // null if not part of a graph
  void set_grad_meta(std::shared_ptr<GradMeta> meta) { impl_->grad_meta = std::move(meta); }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  long use_count() const { return impl_.use_count(); }

 private:
  struct Impl {
    std::shared_ptr<Storage> storage;
    Shape shape;
    Strides strides;
    std::int64_t offset = 0;
    std::int64_t numel = 0;
    DType dtype = DType::float32;
    std::shared_ptr<GradMeta> grad_meta;
  };
  explicit Tensor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const {
    if (impl_ == nullptr) [[unlikely]]
      undefined();
    return *impl_;
  }
  [[noreturn]] static void undefined();
  void require_dtype(DType expected) const {
    if (impl().dtype != expected) [[unlikely]]
      wrong_dtype(expected);
  }
  [[noreturn]] void wrong_dtype(DType expected) const;

  std::shared_ptr<Impl> impl_;
};

// Prints dtype, shape and device, and the elements if there are few.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// Prints as "float32 (64, 1, 28, 28)" or "undefined tensor". Builds no string unless converted to one.
struct Description {
  const Tensor& tensor;
  operator std::string() const;
};
inline Description describe(const Tensor& tensor) { return {tensor}; }
std::ostream& operator<<(std::ostream& out, Description description);

}  // namespace metron
