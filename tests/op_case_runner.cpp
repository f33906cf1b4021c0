#include "op_case_runner.h"

#include <metron/core/allocator.h>
#include <metron/core/autograd.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

namespace metron::test {

std::vector<Device> devices() {
  std::vector<Device> list;
  for (const Device device : {Device::Type::cpu, Device::Type::cuda}) {
    if (has_device(device)) list.push_back(device);
  }
  return list;
}

std::vector<Provider> providers_of(Device device) {
  std::vector<Provider> list;
  for (const Provider& p : providers()) {
    if (p.device == device.type()) list.push_back(p);
  }
  return list;
}

Provider portable(Device device) { return providers_of(device).back(); }

namespace {

// The indices of an element of a contiguous array.
naive::Index index_of(std::size_t element, const Shape& shape) {
  naive::Index index = shape;
  auto rest = static_cast<std::int64_t>(element);
  for (int d = shape.size() - 1; d >= 0; rest /= shape[d--]) index[d] = rest % shape[d];
  return index;
}

}  // namespace

testing::AssertionResult close(const naive::Array& got, const naive::Array& want, double tolerance,
                               double unit) {
  if (got.shape != want.shape) {
    return testing::AssertionFailure() << "the shape is " << got.shape << " instead of " << want.shape;
  }
  if (got.data.size() != want.data.size()) {
    return testing::AssertionFailure() << got.data.size() << " elements instead of " << want.data.size();
  }
  if (want.data.empty()) return testing::AssertionSuccess();  // including an array that was never set
  double scale = unit;
  for (const double value : want.data) {
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  }
  const auto differ = [&](double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) return false;
    return !(std::abs(a - b) <= tolerance * scale);  // true for NaN
  };
  std::optional<std::size_t> first;
  std::int64_t count = 0;
  double largest = 0;
  for (std::size_t i = 0; i < got.data.size(); ++i) {
    if (!differ(got.data[i], want.data[i])) continue;
    if (!first) first = i;
    ++count;
    const double difference = std::abs(got.data[i] - want.data[i]);
    largest = std::isnan(difference) || std::isnan(largest) ? std::numeric_limits<double>::quiet_NaN()
                                                            : std::max(largest, difference);
  }
  if (!first) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "element " << index_of(*first, got.shape) << " of " << got.shape
                                     << " is " << got.data[*first] << " instead of " << want.data[*first]
                                     << "; " << count << " of " << got.numel() << " differ, by up to "
                                     << largest << ", tolerance " << tolerance * scale;
}

void poison(Device device, const std::vector<Tensor>& inputs) {
  if (backend(device).is_emulated()) return;  // the emulator reports uninitialized reads itself
  constexpr std::size_t largest = std::size_t{1} << 20;
  static const std::vector<std::uint8_t> ones(largest, 0xff);  // a NaN in every floating-point type
  std::size_t most = inputs.empty() ? largest : largest / 16;
  for (const Tensor& input : inputs) {
    const std::size_t bytes = static_cast<std::size_t>(input.numel()) * size_of(input.dtype());
    most = std::max(most, std::min(largest, 16 * std::bit_ceil(bytes)));
  }
  std::vector<Tensor> blocks;
  for (std::size_t bytes = memory_alignment; bytes <= most; bytes = CachingAllocator::size_class(bytes + 1)) {
    const std::span<const std::uint8_t> block(ones.data(), bytes);
    for (int i = 0; i < (bytes <= largest / 16 ? 4 : 1); ++i)
      blocks.push_back(Tensor::from(block, {static_cast<std::int64_t>(bytes)}, device));
  }
}

naive::Array starting_gradient(const Case& c, const Shape& shape) {
  return make_values(in(shape), title(c) + ", gradient");
}

Outcome run(const Case& c, DType dtype, Device device) {
  std::vector<Tensor> inputs = make_inputs(c, dtype, device);
  poison(device, inputs);
  const Tensor y = c.call(inputs);
  Outcome outcome{to_array(y), std::vector<naive::Array>(inputs.size())};
  if (!y.requires_grad()) return outcome;
  const Tensor g = make_tensor(starting_gradient(c, y.shape()), y.dtype(), Layout::contiguous, device);
  poison(device, inputs);
  y.backward(g);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].requires_grad()) outcome.gradients[i] = to_array(inputs[i].grad());
  }
  return outcome;
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.op + '_' + info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char letter) { return std::isalnum(letter) == 0; }, '_');
  return name;
}

}  // namespace metron::test
