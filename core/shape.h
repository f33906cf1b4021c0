// Dims: up to eight sizes, strides or axes, stored inline so that shapes never allocate.
#pragma once

#include <metron/core/error.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>

namespace metron {

inline constexpr int max_rank = 8;

class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values) : Dims(values.begin(), values.size()) {}
  Dims(const std::int64_t* values, std::size_t count) : count_(checked_rank(count)) {
    std::copy_n(values, count, values_.begin());
  }
  static Dims filled(int count, std::int64_t value) {
    Dims dims;
    dims.count_ = checked_rank(static_cast<std::size_t>(count));
    std::fill_n(dims.values_.begin(), count, value);
    return dims;
  }

  int size() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::int64_t operator[](int i) const { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t& operator[](int i) { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t back() const { return (*this)[count_ - 1]; }
  const std::int64_t* begin() const { return values_.data(); }
  const std::int64_t* end() const { return values_.data() + count_; }
  std::int64_t* begin() { return values_.data(); }
  std::int64_t* end() { return values_.data() + count_; }

  void push_back(std::int64_t value) {
    checked_rank(static_cast<std::size_t>(count_) + 1);
    values_[static_cast<std::size_t>(count_++)] = value;
  }
  void insert(int position, std::int64_t value) {
    push_back(value);
    std::rotate(begin() + position, end() - 1, end());
  }
  void erase(int position) {
    std::copy(begin() + position + 1, end(), begin() + position);
    --count_;
  }

  std::int64_t numel() const {  // the product; 1 for rank 0
    std::int64_t product = 1;
    for (std::int64_t value : *this) product *= value;
    return product;
  }

  friend bool operator==(const Dims& a, const Dims& b) {
    return a.count_ == b.count_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  static int checked_rank(std::size_t count) {
    if (count > max_rank) [[unlikely]]
      fail_rank(count);
    return static_cast<int>(count);
  }
  [[noreturn]] static void fail_rank(std::size_t count);
  std::array<std::int64_t, max_rank> values_{};
  int count_ = 0;
};

using Shape = Dims;    // sizes, outermost first
using Strides = Dims;  // in elements, one per dimension
using Axes = Dims;     // dimension indices; negative ones count from the end

std::ostream& operator<<(std::ostream& out, const Dims& dims);  // (64, 1, 28, 28)

// Row-major strides of a dense tensor with this shape.
Strides contiguous_strides(const Shape& shape);
// Strides of (N, C, H, W) stored as N, H, W, C.
Strides channels_last_strides(const Shape& shape);
// The shape of a and b broadcast together by NumPy's rule; ShapeError if they are incompatible.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);
// Wraps a negative axis; ShapeError if outside [-rank, rank).
int checked_axis(const char* op, std::int64_t axis, int rank);

}  // namespace metron
