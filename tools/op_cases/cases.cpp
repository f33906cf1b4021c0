// Creates the inputs of a case.
#include <metron/tools/op_cases/cases.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <numeric>
#include <ostream>
#include <random>

namespace metron::op_cases {
namespace {

constexpr std::int64_t absurd_index = std::int64_t{-1} << 40;

// The C++ standard specifies the output of mt19937_64 but not of its distributions.
std::int64_t below(std::mt19937_64& random, std::int64_t limit) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
}

DType dtype_of_input(const Input& input, DType floating) {
  if (input.is_floating()) return floating;
  return input.values >= Values::mask ? DType::uint8 : DType::int64;
}

// A view of this shape with the given layout. The storage may be larger.
template <typename T>
Tensor blank_view(const Shape& shape, Layout layout) {
  const auto filled = [](const Shape& stored) {
    T gap{};
    if constexpr (std::is_same_v<T, std::int64_t>) {
      gap = absurd_index;
    } else if constexpr (std::is_same_v<T, std::uint8_t>) {
      gap = 99;
    } else {
      gap = static_cast<T>(std::numeric_limits<float>::quiet_NaN());
    }
    return Tensor::from(std::vector<T>(static_cast<std::size_t>(stored.numel()), gap), stored);
  };
  const int last = shape.size() - 1;
  switch (layout) {
    case Layout::contiguous:
      return filled(shape);
    case Layout::channels_last:
      return filled(shape).as_strided(shape, channels_last_strides(shape), 0);
    case Layout::transposed: {
      Shape stored = shape;
      std::swap(stored[last], stored[last - 1]);
      Strides strides = contiguous_strides(stored);
      std::swap(strides[last], strides[last - 1]);
      return filled(stored).as_strided(shape, strides, 0);
    }
    case Layout::strided: {
      Shape stored = shape;
      stored[last] = 2 * shape[last] + 1;
      Strides strides = contiguous_strides(stored);
      strides[last] = 2;
      return filled(stored).as_strided(shape, strides, 1);
    }
    case Layout::offset:
      return filled({shape.numel() + 10}).as_strided(shape, contiguous_strides(shape), 5);
    case Layout::expanded: {
      Shape stored = shape;
      stored[0] = 1;
      Strides strides = contiguous_strides(stored);
      strides[0] = 0;
      return filled(stored).as_strided(shape, strides, 0);
    }
  }
  return {};
}

template <typename C>
std::vector<C> concatenated(std::initializer_list<std::vector<C> (*)()> families) {
  std::vector<C> all;
  for (const auto family : families) {
    std::vector<C> some = family();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Case>& cases() {
  static const std::vector<Case> all =
      concatenated<Case>({elementwise_cases, reduction_cases, movement_cases, matmul_cases, convolution_cases,
                          normalization_cases, loss_cases, random_cases, optimizer_cases});
  return all;
}

const std::vector<ErrorCase>& error_cases() {
  static const std::vector<ErrorCase> all = concatenated<ErrorCase>(
      {elementwise_error_cases, reduction_error_cases, movement_error_cases, matmul_error_cases,
       convolution_error_cases, normalization_error_cases, loss_error_cases, random_error_cases});
  return all;
}

std::string title(const Case& c) { return c.op + ": " + c.name; }

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << title(c); }

naive::Array make_values(const Input& input, const std::string& seed, std::size_t position) {
  const std::string text = seed + std::to_string(position);
  std::seed_seq sequence(text.begin(), text.end());
  std::mt19937_64 random(sequence);
  naive::Array values(input.shape);
  // Odd multiples of 1/128 are between the multiples of 1/64. Every other input is offset once more.
  const double shift = position % 2 == 0 ? 0x1p-7 : 0x1p-7 + 0x1p-8;
  const auto lattice = [&](double low, std::int64_t points) {
    return low + static_cast<double>(below(random, points)) / 64 + shift;
  };
  if (input.values == Values::distinct) {
    std::iota(values.data.begin(), values.data.end(), -std::floor(static_cast<double>(values.numel()) / 2));
    for (std::int64_t i = values.numel(); i > 1; --i) std::swap(values[i - 1], values[below(random, i)]);
  }
  for (double& value : values.data) {
    switch (input.values) {
      case Values::any:
        value = lattice(-2, 255);
        break;
      case Values::positive:
        value = lattice(0.25, 127);
        break;
      case Values::nonzero:
        value = lattice(0.5, 127) * (below(random, 2) == 0 ? 1 : -1);
        break;
      case Values::distinct:
        value = value / 64 + shift;
        break;
      case Values::tied:
        value = static_cast<double>(below(random, 3));
        break;
      case Values::large:
        value = static_cast<double>(below(random, 511) - 255);
        break;
      case Values::label:
        value = static_cast<double>(below(random, input.limit));
        break;
      case Values::integer:
        value = static_cast<double>(below(random, 17) - 8);
        break;
      case Values::mask:
        value = static_cast<double>(below(random, 2));
        break;
      case Values::byte:
        value = static_cast<double>(below(random, 256));
        break;
    }
  }
  if (input.layout != Layout::expanded) return values;
  return naive::generate(values.shape, [&](naive::Index i) {
    i[0] = 0;
    return values.at(i);
  });
}

Tensor make_tensor(const naive::Array& values, DType dtype, Layout layout, Device device) {
  Tensor result;
  visit_any_dtype(dtype, [&]<typename T>() {
    // Built on the host, where elements are writable one by one, then copied as one block, gaps included.
    const Tensor view = blank_view<T>(values.shape, layout);
    const std::int64_t held = static_cast<std::int64_t>(view.storage()->bytes() / sizeof(T));
    Tensor block = view.as_strided({held}, {1}, 0);
    T* elements = block.mutable_data<T>() + view.storage_offset();
    std::int64_t next = 0;
    naive::for_each_index(values.shape, [&](const naive::Index& index) {
      std::int64_t position = 0;
      for (int i = 0; i < index.size(); ++i) position += index[i] * view.strides()[i];
      const double value = values[next++];
      if constexpr (std::is_same_v<T, double>) {
        elements[position] = value;
      } else {
        elements[position] = static_cast<T>(static_cast<float>(value));
      }
    });
    result = block.to(device).as_strided(values.shape, view.strides(), view.storage_offset());
  });
  return result;
}

Tensor make_input(const Input& input, const naive::Array& values, DType dtype, Device device) {
  Tensor tensor = make_tensor(values, dtype_of_input(input, dtype), input.layout, device);
  if (input.wants_gradient()) tensor.set_requires_grad();
  return tensor;
}

std::vector<Tensor> make_inputs(const Case& c, DType dtype, Device device) {
  std::vector<Tensor> tensors;
  for (const Input& input : c.inputs)
    tensors.push_back(make_input(input, make_values(input, title(c), tensors.size()), dtype, device));
  return tensors;
}

naive::Array to_array(const Tensor& tensor) {
  naive::Array array(tensor.shape());
  visit_any_dtype(tensor.dtype(), [&]<typename T>() {
    const std::vector<T> values = tensor.detach().to_vector<T>();
    std::transform(values.begin(), values.end(), array.data.begin(), [](T value) {
      if constexpr (std::is_arithmetic_v<T>) return static_cast<double>(value);
      return static_cast<double>(static_cast<float>(value));
    });
  });
  return array;
}

std::vector<naive::Array> to_arrays(Tensors tensors) {
  std::vector<naive::Array> arrays;
  for (const Tensor& tensor : tensors) arrays.push_back(to_array(tensor));
  return arrays;
}

}  // namespace metron::op_cases
