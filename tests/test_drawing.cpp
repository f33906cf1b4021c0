// Pictures, decoded by libpng: points match the data, text stays inside.
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/tools/drawing/charts.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "find_color.h"

namespace metron::drawing {
namespace {

void expect_text_is_clean(const Canvas& canvas) {
  const Rect page = canvas.area();
  const auto& texts = canvas.texts();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_TRUE(page.contains(texts[i].box)) << texts[i].text;
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_FALSE(texts[i].box.shrunk(1).overlaps(texts[j].box.shrunk(1)))
          << '"' << texts[i].text << "\" on \"" << texts[j].text << '"';
  }
}

// Maps a value to a position independently of the chart code: only limits and frame are shared.
double position(double value, double low, double high, double from, double to, bool logarithmic) {
  if (logarithmic) value = std::log(value), low = std::log(low), high = std::log(high);
  return from + (to - from) * (value - low) / (high - low);
}

struct PlacementCase {
  bool log_x, log_y;
  double scale;
  const Theme& (*theme)();
};
class Placement : public testing::TestWithParam<PlacementCase> {};

TEST_P(Placement, PointsMatchTheData) {
  const PlacementCase& c = GetParam();
  const Theme& theme = c.theme();
  const std::vector<Point> data{{1, 2}, {3.5, 90}, {10, 11}, {47, 100}, {99, 1}};
  Canvas canvas(701, 433, theme.background);
  LineChart chart;
  chart.x = {"x", c.log_x ? Scale::logarithmic : Scale::linear, 1, 100};
  chart.y = {"y", c.log_y ? Scale::logarithmic : Scale::linear, 1, 100};
  for (const Marker marker : {Marker::circle, Marker::square, Marker::triangle, Marker::diamond}) {
    const auto color = static_cast<std::size_t>(marker) - 1;
    const Point moved{1.0 + 0.02 * static_cast<double>(color), 1.0};
    Series series{.name = "", .color = color, .width = 0, .marker = marker, .marker_size = 9};
    for (const Point& p : data)
      series.points.push_back({std::min(p.x * moved.x + 7. * static_cast<double>(color), 100.), p.y});
    chart.series.push_back(series);
  }
  const Plot plot = draw(canvas, canvas.area().shrunk(13), chart, theme);
  const DecodedPng png(canvas.png(c.scale));
  EXPECT_EQ(png.width, static_cast<int>(std::ceil(701 * c.scale)));
  for (const Series& series : chart.series) {
    for (const Point& p : series.points) {
      const double x = position(p.x, 1, 100, plot.area.x, plot.area.right(), c.log_x);
      const double y = position(p.y, 1, 100, plot.area.bottom(), plot.area.y, c.log_y);
      const bool hidden = std::any_of(chart.series.begin(), chart.series.end(), [&](const Series& other) {
        return std::any_of(other.points.begin(), other.points.end(), [&](const Point& q) {
          if (q.x == p.x && q.y == p.y) return &other != &series;
          return std::hypot(plot.x(q.x) - x, plot.y(q.y) - y) < 14;
        });
      });
      if (hidden) continue;
      const Blob blob = find_color(png, theme.series(series.color), {x - 6, y - 6, 12, 12}, c.scale);
      ASSERT_GT(blob.pixels, 10) << p.x << ", " << p.y;
      EXPECT_NEAR(blob.x, x * c.scale, 1) << p.x << ", " << p.y;
      EXPECT_NEAR(blob.y, y * c.scale, 1) << p.x << ", " << p.y;
    }
  }
  expect_text_is_clean(canvas);
}

INSTANTIATE_TEST_SUITE_P(Axes, Placement,
                         testing::Values(PlacementCase{false, false, 1, light_theme},
                                         PlacementCase{false, false, 2, dark_theme},
                                         PlacementCase{true, false, 2, light_theme},
                                         PlacementCase{false, true, 2, light_theme},
                                         PlacementCase{true, true, 3, dark_theme}));

TEST(Drawing, FrameMatchesThePlot) {
  Canvas canvas(400, 300, light_theme().background);
  const Plot plot = draw(canvas, canvas.area().shrunk(10), LineChart{"", {"x"}, {"y"}, {}}, light_theme());
  const DecodedPng png(canvas.png(1));
  const Blob left = find_color(png, light_theme().axis,
                               {plot.area.x - 3, plot.area.y + 20, 6, plot.area.height - 40}, 1, 90);
  EXPECT_GE(left.pixels, static_cast<int>(plot.area.height) - 45);
  EXPECT_NEAR(left.x, plot.area.x, 1);
}

TEST(Drawing, LinesPassThroughTheirPoints) {
  const Theme& theme = light_theme();
  Canvas canvas(600, 400, theme.background);
  std::vector<Point> wave;
  for (int i = 0; i <= 200; ++i) wave.push_back({i * 0.05, std::sin(i * 0.05) * 3});
  wave[100].y = std::numeric_limits<double>::quiet_NaN();
  const Plot plot =
      draw(canvas, canvas.area().shrunk(10),
           LineChart{"", {"x", Scale::linear, 0, 10}, {"y", Scale::linear, -4, 4}, {{"", wave}}}, theme);
  const DecodedPng png(canvas.png(2));
  for (std::size_t i = 0; i < wave.size(); ++i) {
    const double x = position(wave[i].x, 0, 10, plot.area.x, plot.area.right(), false);
    const double y = position(std::sin(wave[i].x) * 3, -4, 4, plot.area.bottom(), plot.area.y, false);
    const Blob blob = find_color(png, theme.series(0), {x - 1, y - 1, 2, 2}, 2, 60);
    if (i == 100) {
      EXPECT_EQ(blob.pixels, 0) << "a gap where there is no number";
    } else if (i % 10 == 5) {
      EXPECT_GT(blob.pixels, 0) << i;
    }
  }
}

TEST(Drawing, BarsEndAtTheirValues) {
  for (const Scale scale : {Scale::linear, Scale::logarithmic}) {
    const Theme& theme = light_theme();
    BarChart chart{"Time", {"us", scale}, {"batch 1", "batch 16", "batch 64"}, {}, " us"};
    chart.groups = {{"conv2d", {120, 900, 2500}}, {"addmm", {40, 80, 160}}, {"relu", {5, 0.5, 300}}};
    Canvas canvas(700, natural_height(chart) + 20, theme.background);
    const BarPlot plot = draw(canvas, canvas.area().shrunk(10), chart, theme);
    const DecodedPng png(canvas.png(2));
    for (std::size_t g = 0; g < 3; ++g) {
      for (std::size_t s = 0; s < 3; ++s) {
        const double value = chart.groups[g].values[s];
        const double end = position(value, plot.value.low(), plot.value.high(), plot.area.x,
                                    plot.area.right(), scale == Scale::logarithmic);
        const Rect& bar = plot.bars[g][s];
        EXPECT_NEAR(bar.right(), end, 0.01);
        const int y = static_cast<int>(bar.center().y * 2);
        int last = -1;
        for (int x = static_cast<int>(plot.area.x * 2); x < png.width; ++x) {
          if (png.at(x, y).is_near(pixel_of(theme.series(s)), 24)) last = x;
        }
        if (end - plot.area.x < 2) continue;
        EXPECT_NEAR(last + 1, end * 2, 1.01) << g << ", " << s;
      }
    }
    expect_text_is_clean(canvas);
  }
}

TEST(Drawing, CrowdedChartsDoNotOverlapText) {
  LineChart chart{"A title that is much too long for a picture as narrow as this one, and goes on and on",
                  {"arithmetic intensity, FLOP/byte", Scale::logarithmic},
                  {"GFLOP/s", Scale::logarithmic},
                  {}};
  Series points{.name = "operators of the network with a long name", .width = 0, .marker = Marker::circle};
  for (int i = 0; i < 25; ++i) {
    points.points.push_back({std::pow(10, -1 + 0.013 * i), std::pow(10, 0.02 * (i % 5))});
    points.labels.push_back("operator " + std::to_string(i));
  }
  for (std::size_t i = 0; i < 6; ++i) chart.series.push_back(points), chart.series.back().color = i;
  for (const double width : {320., 640., 1200.}) {
    Canvas canvas(width, 420, dark_theme().background);
    draw(canvas, canvas.area().shrunk(12), chart, dark_theme());
    expect_text_is_clean(canvas);
  }
}

TEST(Drawing, ChartsOfZeroOneAndEqualValues) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const std::vector<Point>& points :
       {std::vector<Point>{}, {{3, 4}}, {{1, 2}, {2, 2}}, {{0, 0}}, {{inf, 1}, {-1, -1}}}) {
    for (const Scale scale : {Scale::linear, Scale::logarithmic}) {
      Canvas canvas(300, 200, light_theme().background);
      draw(canvas, canvas.area(), LineChart{"t", {"x", scale}, {"y", scale}, {{"s", points}}}, light_theme());
      EXPECT_NO_THROW(DecodedPng(canvas.png(1)));
    }
  }
  Canvas canvas(300, 200, light_theme().background);
  BarChart bars;
  draw(canvas, canvas.area(), bars, light_theme());
  bars.value.scale = Scale::logarithmic;
  bars.groups.push_back({"g", {0, -1, inf}});
  draw(canvas, canvas.area(), bars, light_theme());
}

TEST(Drawing, RejectsInvalidSizes) {
  EXPECT_THROW(Canvas(0, 10, {}), ValueError);
  EXPECT_THROW(Canvas(10, -1, {}), ValueError);
  EXPECT_THROW(Canvas(1e9, 10, {}), ValueError);
  Canvas canvas(50, 50, light_theme().background);
  EXPECT_THROW(draw(canvas, canvas.area(), LineChart{}, light_theme()), ValueError);
}

TEST(Drawing, TextExtentsMatchTheDrawing) {
  const TextStyle style{20, Color::hex(0x000000)};
  Canvas canvas(300, 60, Color::hex(0xFFFFFF));
  const std::string text = "conv2d (64, 1, 28, 28)";
  canvas.text(text, {10, 30}, style, Align::left, Baseline::middle);
  const Rect box = canvas.texts().front().box;
  EXPECT_NEAR(box.width, Canvas::measure(text, style).width, 1e-9);
  const DecodedPng png(canvas.png(2));
  int left = png.width, right = 0, top = png.height, bottom = 0;
  for (int y = 0; y < png.height; ++y) {
    for (int x = 0; x < png.width; ++x) {
      if (png.at(x, y).r > 128) continue;
      left = std::min(left, x), right = std::max(right, x), top = std::min(top, y),
      bottom = std::max(bottom, y);
    }
  }
  EXPECT_NEAR(left / 2., box.x, 3);
  EXPECT_NEAR(right / 2., box.right(), 3);
  EXPECT_GE(top / 2., box.y - 0.5);
  EXPECT_LE(bottom / 2., box.bottom() + 0.5);
}

TEST(Drawing, AcceptsArbitraryBytesAsText) {
  for (const std::string text :
       {"\xFF\xFEx", "a\xC3", "\xED\xA0\x80", "\xC0\xAF", "\xF5\x80\x80\x80", "µs → ≤"}) {
    Canvas canvas(200, 40, light_theme().background);
    canvas.text(text, {5, 20}, {12, light_theme().ink});
    EXPECT_FALSE(canvas.png().empty());
    EXPECT_NE(canvas.svg().find("<svg"), std::string::npos);
  }
  const TextStyle style{12, light_theme().ink};
  EXPECT_EQ(Canvas::fitted("short", style, 100), "short");
  const std::string cut = Canvas::fitted("损失与准确率曲线 of the network", style, 60);
  EXPECT_LE(Canvas::measure(cut, style).width, 60);
  EXPECT_EQ(cut.substr(cut.size() - 3), "…");
}

TEST(Drawing, ChineseTextHasGlyphs) {
  if (!has_chinese_font()) GTEST_SKIP() << "no Chinese font is installed";
  const auto ink = [](const std::string& text) {
    Canvas canvas(60, 60, Color::hex(0xFFFFFF));
    canvas.text(text, {10, 40}, {30, Color::hex(0)});
    const DecodedPng png(canvas.png(1));
    return png.rgba;
  };
  EXPECT_NE(ink("损"), ink("失"));  // two missing-glyph boxes would be equal
}

TEST(Axis, TicksAreRoundInsideAndFewEnough) {
  for (const double low : {-3.7, 0., 0.0001, 12.}) {
    for (const double range : {1e-6, 0.3, 1., 7.2, 99., 60000., 1.7e9}) {
      for (int most = 2; most <= 10; ++most) {
        const auto ticks = linear_ticks(low, low + range, most);
        EXPECT_LE(static_cast<int>(ticks.size()), most + 1);
        for (std::size_t i = 0; i < ticks.size(); ++i) {
          EXPECT_GE(ticks[i].value, low - range * 1e-6);
          EXPECT_LE(ticks[i].value, low + range * (1 + 1e-6));
          if (i > 0) {
            EXPECT_NE(ticks[i].label, ticks[i - 1].label);
          }
        }
      }
    }
  }
  const auto labels = [](const std::vector<Tick>& ticks) {
    std::string all;
    for (const Tick& tick : ticks) all += (all.empty() ? "" : " ") + tick.label;
    return all;
  };
  EXPECT_EQ(labels(linear_ticks(0, 1, 6)), "0.0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(labels(linear_ticks(0, 60000, 4)), "0 20,000 40,000 60,000");
  EXPECT_EQ(labels(linear_ticks(0, 1, 5)), "0.00 0.25 0.50 0.75 1.00");
  EXPECT_EQ(labels(log_ticks(1, 1000, 6)), "1 10 100 1,000");
  EXPECT_EQ(labels(log_ticks(1, 10, 12)), "1 2 5 10");
  EXPECT_EQ(number_text(12345.6), "12,346");
  EXPECT_EQ(number_text(0.0012345), "0.00123");
  EXPECT_EQ(number_text(-1234567), "-1,234,567");
  EXPECT_EQ(number_text(98.5), "98.5");
}

}  // namespace
}  // namespace metron::drawing
