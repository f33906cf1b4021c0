#include <metron/core/error.h>
#include <metron/core/numbers.h>
#include <metron/tools/drawing/axis.h>

#include <algorithm>
#include <cmath>

namespace metron::drawing {
namespace {

// The smallest round step that fits at most `most` ticks.
double round_step(double range, int most) {
  const double least = range / std::max(most - 1, 1);
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    // A smaller step could result in more than `most` ticks.
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string with_decimals(double value, int decimals) { return fixed_text(value == 0 ? 0 : value, decimals); }

std::string grouped(std::string digits) {
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t begin = digits.front() == '-' ? 1 : 0;
  for (std::size_t i = point; i > begin + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace

std::string number_text(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value == 0) return "0";
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (exponent >= 15 || exponent < -6) {
    return general_text(value, digits);
  }
  std::string text = with_decimals(value, std::max(digits - 1 - exponent, 0));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return grouped(text);
}

std::vector<Tick> linear_ticks(double low, double high, int most) {
  if (!(high > low)) return {{low, number_text(low)}};
  const double step = round_step(high - low, most);
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12);
  const bool halves =
      std::abs(step * std::pow(10, decimals) - std::round(step * std::pow(10, decimals))) > 1e-6;
  std::vector<Tick> ticks;
  const double slack = step * 1e-9;
  for (double i = std::ceil((low - slack) / step); i * step <= high + slack; ++i)
    ticks.push_back({i * step, grouped(with_decimals(i * step, decimals + (halves ? 1 : 0)))});
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, int most) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  std::vector<Tick> ticks;
  const auto add = [&](double value) {
    if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push_back({value, number_text(value)});
  };
  const int decades = last - first + 1;
  if (3 * (decades + 1) <= most) {
    for (int e = first - 1; e <= last; ++e) {
      for (const double factor : {1.0, 2.0, 5.0}) add(factor * std::pow(10, e));
    }
    return ticks;
  }
  const int every = std::max((decades + most - 1) / std::max(most, 1), 1);
  for (int e = first; e <= last; e += every) add(std::pow(10, e));
  return ticks;
}

AxisMap::AxisMap(const Axis& axis, double low, double high, double from, double to, int most_ticks)
    : scale_(axis.scale), from_(from), to_(to) {
  low_ = axis.low.value_or(low);
  high_ = axis.high.value_or(high);
  const bool logarithmic = scale_ == Scale::logarithmic;
  check<ValueError>(
      std::isfinite(low_) && std::isfinite(high_) && low_ <= high_ && (!logarithmic || low_ > 0), "drawing",
      "an axis needs finite limits in order, positive on a logarithmic one, got ", low_, " to ", high_);
  if (logarithmic) {
    if (!axis.low) low_ = std::pow(10, std::floor(std::log10(low_)));
    if (!axis.high) high_ = std::pow(10, std::ceil(std::log10(high_)));
    if (low_ == high_) high_ = low_ * 10;
    ticks_ = log_ticks(low_, high_, most_ticks);
    return;
  }
  if (low_ == high_) {  // a single value: add a margin
    const double room = low_ == 0 ? 1 : std::abs(low_) / 2;
    if (!axis.low) low_ -= room;
    high_ += axis.high && !axis.low ? 0 : room;
  }
  const double step = round_step(high_ - low_, most_ticks);
  if (!axis.low) low_ = std::floor(low_ / step + 1e-9) * step;
  if (!axis.high) high_ = std::ceil(high_ / step - 1e-9) * step;
  ticks_ = linear_ticks(low_, high_, most_ticks + 1);
}

double AxisMap::transformed(double value) const {
  return scale_ == Scale::linear ? value : std::log10(std::max(value, low_));
}

double AxisMap::operator()(double value) const {
  const double low = transformed(low_), high = transformed(high_);
  return from_ + (transformed(value) - low) / (high - low) * (to_ - from_);
}

}  // namespace metron::drawing
