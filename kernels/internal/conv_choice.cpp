#include <metron/core/internal/provider_order.h>
#include <metron/core/slot.h>
#include <metron/kernels/internal/conv_choice.h>
#include <metron/kernels/providers.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace metron {
namespace {

using PerPass = std::array<double, 3>;  // forward, input gradient, weight gradient

// Shares of the peak rate of FMAs that the algorithms reach in large convolutions. Those of avx2 are measured
// by `metron bench` (docs/performance.md), the others are estimates from them.
struct Rates {
  std::string_view isa;
  std::int64_t lanes;
  PerPass onednn, winograd, direct, cpu;  // of winograd: of its products
  double transform;                       // of winograd, in FMAs per transformed element
};

constexpr Rates all_rates[] = {
    {"baseline", 4, {0.75, 0.55, 0.45}, {0.7, 0.7, 0.5}, {0.65, 0.6, 0.6}, {0.6, 0.5, 0.5}, 12},
    {"avx2", 8, {0.75, 0.55, 0.48}, {0.8, 0.8, 0.6}, {0.87, 0.7, 0.75}, {0.76, 0.55, 0.65}, 24},
    {"avx512", 16, {0.75, 0.55, 0.48}, {0.7, 0.7, 0.5}, {0.8, 0.65, 0.65}, {0.7, 0.5, 0.55}, 48},
};

// Sums of few products do not repay the start of a register tile: this many products take as long.
constexpr double onednn_start = 6, own_start = 32;

const Rates& rates_here() {
  static const Rates& here = *std::find_if(std::begin(all_rates), std::end(all_rates) - 1,
                                           [](const Rates& r) { return r.isa == cpu_isa(); });
  return here;
}

constexpr double never = std::numeric_limits<double>::infinity();

double ceil_to(double value, double multiple) { return std::ceil(value / multiple) * multiple; }

// One pass as a convolution that reads `channels` and computes `columns` per group; for the weight gradient
// as the forward pass.
struct Problem {
  double images, channels, columns, groups;
  double height, width;  // of the image computed
  double taps;           // kernel elements per result
  bool is_winograd;      // whether that provider supports it
  bool is_depthwise, is_product;

  double products() const { return channels * taps; }  // per result
  double fmas() const { return images * height * width * groups * columns * products(); }
};

// In FMAs at the peak rate.
double predicted(ConvAlgorithm algorithm, ConvPass pass, const Problem& p, const Rates& rates) {
  const auto rate = [&](const PerPass& per_pass) { return per_pass[static_cast<std::size_t>(pass)]; };
  // The weight gradient sums over pixels.
  const double start = pass == ConvPass::weight_gradient ? 1 : 1 + own_start / p.products();
  const double panels = ceil_to(p.columns, static_cast<double>(2 * rates.lanes)) / p.columns;
  switch (algorithm) {
    case ConvAlgorithm::onednn:
      return p.fmas() / rate(rates.onednn) * (1 + onednn_start / p.products());
    case ConvAlgorithm::winograd: {
      if (!p.is_winograd) return never;
      const double tiles = p.images * std::ceil(p.height / 4) * std::ceil(p.width / 4);
      const double products = 36 * tiles * p.channels * p.columns * panels;
      const double elements = 36 * (tiles + p.channels) * (p.channels + p.columns);
      return products / rate(rates.winograd) + elements * rates.transform;
    }
    case ConvAlgorithm::direct: {
      if (p.is_depthwise || p.is_product) return never;
      return p.fmas() * panels / rate(rates.direct) * start;
    }
    case ConvAlgorithm::cpu:
      return p.fmas() * (p.is_depthwise ? 1 : panels) / rate(rates.cpu) * start;
  }
  return never;
}

}  // namespace

bool is_depthwise(const Tensor& w, const Conv2dOptions& options) {
  return options.groups > 1 && w.size(1) == 1 && w.size(0) == options.groups;
}

bool is_product(const Tensor& w, const Conv2dOptions& options) {
  return w.size(2) == 1 && w.size(3) == 1 && options.stride == Size2(1) && options.padding == Size2(0);
}

bool is_chosen(ConvAlgorithm algorithm, ConvPass pass, const Tensor& x, const Tensor& w, const Tensor& y,
               const Conv2dOptions& options) {
  if (!detail::is_default_order(Device::Type::cpu)) return true;
  static const bool has_winograd = !provider("winograd").on_request;
  const Rates& rates = rates_here();
  const auto size = [](const Tensor& t, int axis) { return static_cast<double>(t.size(axis)); };
  const bool is_backward = pass == ConvPass::input_gradient;
  const Tensor& written = is_backward ? x : y;
  const double groups = static_cast<double>(options.groups);
  const double strides = static_cast<double>(options.stride.h * options.stride.w);
  const bool is_unit = options.stride == Size2(1) && options.dilation == Size2(1);
  const double inputs = size(w, 1), outputs = size(w, 0) / groups;
  const Problem problem{.images = size(x, 0),
                        .channels = is_backward ? outputs : inputs,
                        .columns = is_backward ? inputs : outputs,
                        .groups = groups,
                        .height = size(written, 2),
                        .width = size(written, 3),
                        .taps = size(w, 2) * size(w, 3) / (is_backward ? strides : 1),
                        .is_winograd = has_winograd && w.size(2) == 3 && w.size(3) == 3 && is_unit &&
                                       options.groups == 1 && w.size(0) % (2 * rates.lanes) == 0 &&
                                       w.size(1) % rates.lanes == 0,
                        .is_depthwise = is_depthwise(w, options),
                        .is_product = is_product(w, options)};
  const double mine = predicted(algorithm, pass, problem, rates);
  for (const ConvAlgorithm other : {ConvAlgorithm::winograd, ConvAlgorithm::direct, ConvAlgorithm::cpu}) {
    if (other > algorithm && predicted(other, pass, problem, rates) < mine) return false;
  }
  return true;
}

}  // namespace metron
