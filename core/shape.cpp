#include <metron/core/shape.h>

#include <ostream>
#include <string>

namespace metron {

void Dims::fail_rank(std::size_t count) {
  fail<ShapeError>("shape", "at most ", max_rank, " dimensions, got ", count);
}

std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  std::string text = "(";  // the stream's locale may group digits
  for (int i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return out << text + (dims.size() == 1 ? ",)" : ")");
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  std::int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<std::int64_t>(shape[i], 1);
  }
  return strides;
}

Strides channels_last_strides(const Shape& shape) {
  check<ShapeError>(shape.size() == 4, "channels_last", "the shape must be (N, C, H, W), got ", shape);
  const auto size = [&](int i) { return std::max<std::int64_t>(shape[i], 1); };
  return {size(1) * size(2) * size(3), 1, size(1) * size(3), size(1)};
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape result = a.size() >= b.size() ? a : b;
  const int offset_a = result.size() - a.size();
  const int offset_b = result.size() - b.size();
  for (int i = 0; i < result.size(); ++i) {
    const std::int64_t size_a = i < offset_a ? 1 : a[i - offset_a];
    const std::int64_t size_b = i < offset_b ? 1 : b[i - offset_b];
    check<ShapeError>(size_a == size_b || size_a == 1 || size_b == 1, op,
                      "shapes must be equal or 1 along each axis from the last, got ", a, " and ", b);
    result[i] = size_a == 1 ? size_b : size_a;
  }
  return result;
}

int checked_axis(const char* op, std::int64_t axis, int rank) {
  check<ShapeError>(axis >= -rank && axis < rank, op, "axis ", axis, " is outside of a tensor of rank ",
                    rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace metron
