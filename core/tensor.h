// Tensor: a strided view of typed elements in a Storage, and the only tensor type. Copying one copies the
// handle.
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

// How the elements of a dense (N, C, H, W) tensor lie in memory. The shape is (N, C, H, W) in both.
enum class MemoryFormat : std::uint8_t { contiguous, channels_last };

struct TensorOptions {
  DType dtype = DType::float32;
  Device device = {};
  MemoryFormat format = MemoryFormat::contiguous;
};

class Tensor {
 public:
  Tensor() = default;  // undefined: stands for "none"; asked for anything but defined(), a ValueError

  // Factories. `empty` leaves the elements uninitialised.
  static Tensor empty(const Shape& shape, TensorOptions options = {});
  static Tensor full(const Shape& shape, double value, TensorOptions options = {});
  static Tensor zeros(const Shape& shape, TensorOptions options = {}) { return full(shape, 0, options); }
  static Tensor ones(const Shape& shape, TensorOptions options = {}) { return full(shape, 1, options); }
  // Uninitialised, same shape, dtype and device as `like`, and its dense layout where it has one.
  static Tensor empty_like(const Tensor& like);
  static Tensor empty_like(const Tensor& like, DType dtype);
  // Copies `values` in row-major order; ShapeError unless there are shape.numel() of them.
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
  bool is_dense() const;          // its elements fill one gapless block, in whatever order of dimensions

  // Elements, in device memory. DTypeError if T is not the dtype. mutable_data counts as a change of the
  // tensor.
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

  // Reads from any device; `item` wants exactly one element, `to_vector` gives row-major order.
  template <typename T>
  T item() const;
  template <typename T>
  std::vector<T> to_vector() const;

  // Views: no element is copied, and gradients pass through. (reshape copies where the strides leave no
  // choice.)
  Tensor reshape(const Shape& shape) const;  // one size may be -1: inferred
  Tensor permute(const Axes& order) const;
  Tensor transpose(std::int64_t a, std::int64_t b) const;
  Tensor slice(std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1) const;
  Tensor select(std::int64_t axis, std::int64_t index) const;  // drops the axis
  Tensor expand(const Shape& shape) const;                     // stride 0 along sizes that grow from 1
  Tensor unsqueeze(std::int64_t axis) const;
  Tensor squeeze(std::int64_t axis) const;
  Tensor flatten(std::int64_t first = 0, std::int64_t last = -1) const;
  // The raw view underneath all of them: unchecked against overlap, outside of autograd.
  Tensor as_strided(const Shape& shape, const Strides& strides, std::int64_t offset) const;
  std::int64_t storage_offset() const { return impl().offset; }  // in elements

  // Copies, differentiable. Each returns the tensor itself where nothing would change, but for clone.
  Tensor contiguous() const;
  Tensor to(MemoryFormat format) const;
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor clone() const;  // keeps a dense layout

  // In place. Refused with an AutogradError for a tensor that takes part in autograd, but under NoGradGuard.
  Tensor& fill_(double value);
  Tensor& copy_(const Tensor& source);                  // broadcasts and converts dtype and device
  Tensor& add_(const Tensor& other, double scale = 1);  // += scale * other
  Tensor& mul_(double factor);

  // Autograd (core/autograd.h).
  bool requires_grad() const;
  Tensor& set_requires_grad(bool requires_grad = true);  // leaves only
  bool is_leaf() const;
  Tensor grad() const;  // undefined until a backward pass reached it
  void set_grad(Tensor grad);
  void retain_grad();     // keep the gradient of an inner tensor too
  Tensor detach() const;  // the same elements, outside of the graph
  // Gradients of this tensor (one element unless `gradient` is given) into the leaves' grad(). With
  // create_graph those gradients are part of the graph themselves, which holds its leaves: set_grad({}) ends
  // the cycle, and frees both.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;

  const std::shared_ptr<Storage>& storage() const { return impl().storage; }
  std::uint64_t version() const { return impl().storage->version(); }
  const std::shared_ptr<GradMeta>& grad_meta() const { return impl().grad_meta; }  // null outside of autograd
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
  void require_dtype(DType wanted) const {
    if (impl().dtype != wanted) [[unlikely]]
      wrong_dtype(wanted);
  }
  [[noreturn]] void wrong_dtype(DType wanted) const;

  std::shared_ptr<Impl> impl_;
};

// Prints shape, dtype and device, and the elements of a small tensor.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// Streams as "float32 (64, 1, 28, 28)", or "none"; no string is built unless it is asked for.
struct Description {
  const Tensor& tensor;
  operator std::string() const;
};
inline Description describe(const Tensor& tensor) { return {tensor}; }
std::ostream& operator<<(std::ostream& out, Description description);

}  // namespace metron
