#include <metron/kernels/internal/gather_axis.h>

namespace metron {

GatherAxis GatherAxis::tap(std::int64_t t) const {
  return {outputs, inputs, step, offset + t * tap_step, 1, 1, kernel + t * kernel_step, 1};
}

bool GatherAxis::is_identity() const { return taps == 1 && step == 1 && offset == 0 && outputs == inputs; }

GatherAxis forward_gather(const WindowAxis& axis) {
  return {axis.output, axis.input, axis.stride, -axis.padding, axis.kernel, axis.dilation, 0, 1};
}

GatherAxis backward_gather(const WindowAxis& axis, std::int64_t phase) {
  // Kernel element k maps input i to output (i + padding - k * dilation) / stride, if divisible.
  const auto distance = [&](std::int64_t k) { return phase + axis.padding - k * axis.dilation; };
  std::int64_t first = 0;
  while (first < axis.kernel && distance(first) % axis.stride != 0) ++first;
  std::int64_t next = first + 1;
  while (next < axis.kernel && distance(next) % axis.stride != 0) ++next;
  const std::int64_t every = next - first;
  const std::int64_t taps = first < axis.kernel ? (axis.kernel - 1 - first) / every + 1 : 0;
  const std::int64_t last = first + (taps - 1) * every;
  const std::int64_t outputs = phase < axis.input ? (axis.input - 1 - phase) / axis.stride + 1 : 0;
  if (taps == 0) return {outputs, axis.output, 1, 0, 0, 1, 0, 1};
  // From the last element to the first, so that the taps advance forwards through the image.
  return {outputs, axis.output, 1, distance(last) / axis.stride, taps, every * axis.dilation / axis.stride,
          last,    -every};
}

}  // namespace metron
