// Axes: positions of values, and the values to label.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace metron::drawing {

enum class Scale : std::uint8_t { linear, logarithmic };

struct Axis {
  std::string label;
  Scale scale = Scale::linear;
  std::optional<double> low = {};  // if empty: from the data, rounded outwards to a tick
  std::optional<double> high = {};
};

struct Tick {
  double value = 0;
  std::string label;
};

// At most `most` round values (1, 2, 2.5 or 5 times a power of ten apart) in [low, high].
std::vector<Tick> linear_ticks(double low, double high, int most);
// Powers of ten, several decades apart if necessary; also 2 and 5 times each if there is room.
std::vector<Tick> log_ticks(double low, double high, int most);

// `digits` significant digits: 12345.6 as "12,346", 0.00123 as "0.00123".
std::string number_text(double value, int digits = 3);

// Maps values to positions. On a logarithmic axis, values that are not positive map to the low end.
class AxisMap {
 public:
  // [low, high] is the range of the data, for limits that the axis does not set.
  AxisMap(const Axis& axis, double low, double high, double from, double to, int most_ticks);

  double operator()(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  double transformed(double value) const;

  Scale scale_;
  double low_, high_;  // values
  double from_, to_;   // positions
  std::vector<Tick> ticks_;
};

}  // namespace metron::drawing
