// Divides a long layout into columns.
#include <metron/tools/graph/labels.h>
#include <metron/tools/graph/picture.h>

#include <algorithm>
#include <limits>

namespace metron::graph {

using drawing::Canvas, drawing::Point, drawing::Rect;

namespace {

constexpr double column_gap = 64, head_room = 30, foot_room = 36, corner = 10;

// A place between two parts of the layout, and the edge that leads across it.
struct Cut {
  double y = 0;
  std::size_t edge = 0;
};

std::vector<Cut> possible_cuts(const Layout& layout, const Graph& graph) {
  std::vector<std::pair<double, double>> spans;  // top and bottom
  for (const Rect& node : layout.nodes) spans.emplace_back(node.y, node.bottom());
  for (const Layout::Cluster& cluster : layout.clusters)
    spans.emplace_back(cluster.area.y, cluster.area.bottom());
  std::sort(spans.begin(), spans.end());
  std::vector<Cut> cuts;
  double bottom = spans.empty() ? 0 : spans.front().second;
  for (const auto& [top, end] : spans) {
    if (top > bottom) {
      const double y = (bottom + top) / 2;
      std::vector<std::size_t> across;
      for (std::size_t i = 0; i < graph.edges.size(); ++i) {
        const auto is_above = [&](std::size_t node) { return layout.nodes[node].y < y; };
        if (is_above(graph.edges[i].from) != is_above(graph.edges[i].to)) across.push_back(i);
      }
      if (across.size() == 1 && layout.nodes[graph.edges[across[0]].from].y < y)
        cuts.push_back({y, across[0]});
    }
    bottom = std::max(bottom, end);
  }
  return cuts;
}

// For each column but the last the cut that ends it.
std::vector<Cut> chosen_cuts(const std::vector<Cut>& cuts, double height, int columns) {
  std::vector<Cut> chosen;
  for (int column = 1; column < columns; ++column) {
    const double ideal = height * column / columns;
    const auto nearest = std::min_element(cuts.begin(), cuts.end(), [&](const Cut& a, const Cut& b) {
      return std::abs(a.y - ideal) < std::abs(b.y - ideal);
    });
    if (nearest != cuts.end() && (chosen.empty() || nearest->y > chosen.back().y)) chosen.push_back(*nearest);
  }
  return chosen;
}

struct Column {
  double left = std::numeric_limits<double>::infinity(), right = -left;
  double top = left, bottom = right;
  void add(const Rect& rect) {
    left = std::min(left, rect.x), right = std::max(right, rect.right());
    top = std::min(top, rect.y), bottom = std::max(bottom, rect.bottom());
  }
};

// Straight lines with rounded corners, as cubic segments.
std::vector<Point> rounded(const std::vector<Point>& corners) {
  const auto between = [](Point a, Point b, double part) {
    return Point{a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part};
  };
  const auto towards = [&](Point a, Point b) {
    const double length = std::abs(b.x - a.x) + std::abs(b.y - a.y);  // lines are horizontal or vertical
    return length == 0 ? a : between(a, b, std::min(corner, length / 2) / length);
  };
  std::vector<Point> points{corners.front()};
  const auto line_to = [&](Point end) {
    const Point start = points.back();
    points.insert(points.end(), {between(start, end, 1.0 / 3), between(start, end, 2.0 / 3), end});
  };
  for (std::size_t i = 1; i + 1 < corners.size(); ++i) {
    line_to(towards(corners[i], corners[i - 1]));
    points.insert(points.end(), {corners[i], corners[i], towards(corners[i], corners[i + 1])});
  }
  line_to(corners.back());
  return points;
}

class Folder {
 public:
  Folder(const Layout& layout, const Graph& graph, std::vector<Cut> cuts)
      : layout_(layout), graph_(graph), cuts_(std::move(cuts)), columns_(cuts_.size() + 1) {
    measure();
    result_ = layout;
    double x = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const double top = c == 0 ? 0 : head_room;
      offsets_.push_back({x - columns_[c].left, top - columns_[c].top});
      x += columns_[c].right - columns_[c].left + column_gap;
      const double foot = c + 1 < columns_.size() ? foot_room + corner : 0;
      result_.height = std::max(c == 0 ? 0 : result_.height, columns_[c].bottom + offsets_[c].y + foot);
    }
    result_.width = x - column_gap;
  }

  Layout fold() {
    for (Rect& node : result_.nodes) move(node, column_of(node.y));
    for (Layout::Cluster& cluster : result_.clusters) {
      const std::size_t column = column_of(cluster.area.y);
      move(cluster.area, column);
      cluster.label = moved(cluster.label, column);
    }
    for (Layout::Curve& curve : result_.curves) {
      const std::size_t column = column_of(layout_.nodes[graph_.edges[curve.edge].from].y);
      if (column < cuts_.size() && cuts_[column].edge == curve.edge) {
        route(curve, column);
        continue;
      }
      for (Point& point : curve.points) point = moved(point, column);
      curve.tip = moved(curve.tip, column);
      curve.label = moved(curve.label, column);
    }
    return std::move(result_);
  }

 private:
  std::size_t column_of(double y) const {
    std::size_t column = 0;
    while (column < cuts_.size() && y > cuts_[column].y) ++column;
    return column;
  }
  Point moved(Point p, std::size_t column) const {
    return {p.x + offsets_[column].x, p.y + offsets_[column].y};
  }
  void move(Rect& rect, std::size_t column) const {
    rect.x += offsets_[column].x;
    rect.y += offsets_[column].y;
  }
  double label_width(std::size_t edge) const {
    return Canvas::measure(describe(graph_.edges[edge].shape, graph_.edges[edge].dtype),
                           {.size = edge_size, .color = {}})
        .width;
  }

  // The extent of each column, in the coordinates of the layout.
  void measure() {
    for (const Rect& node : layout_.nodes) columns_[column_of(node.y)].add(node);
    for (const Layout::Cluster& cluster : layout_.clusters)
      columns_[column_of(cluster.area.y)].add(cluster.area);
    for (const Layout::Curve& curve : layout_.curves) {
      const Rect& from = layout_.nodes[graph_.edges[curve.edge].from];
      const std::size_t c = column_of(from.y);
      Column& column = columns_[c];
      const double width = label_width(curve.edge);
      if (c < cuts_.size() && cuts_[c].edge == curve.edge) {
        column.right = std::max(column.right, from.center().x + 4 + width);
        continue;
      }
      for (const Point point : curve.points) column.add({point.x, point.y, 0, 0});
      column.add({curve.label.x - width / 2, curve.label.y, width, 0});
    }
  }

  // Down from the column, up between the two, and into the top of the next one.
  void route(Layout::Curve& curve, std::size_t column) const {
    const Rect &from = result_.nodes[graph_.edges[curve.edge].from],
               &to = result_.nodes[graph_.edges[curve.edge].to];
    const double bottom = columns_[column].bottom + offsets_[column].y;
    const double low = bottom + foot_room, high = corner;
    const double between = columns_[column].right + offsets_[column].x + column_gap / 2;
    constexpr double arrow = 8;
    curve.tip = {to.center().x, to.y};
    curve.points = rounded({{from.center().x, from.bottom()},
                            {from.center().x, low},
                            {between, low},
                            {between, high},
                            {curve.tip.x, high},
                            {curve.tip.x, curve.tip.y - arrow}});
    curve.label = {from.center().x + 4 + label_width(curve.edge) / 2, bottom + foot_room / 2};
  }

  const Layout& layout_;
  const Graph& graph_;
  std::vector<Cut> cuts_;
  std::vector<Column> columns_;
  std::vector<Point> offsets_;  // of each column
  Layout result_;
};

}  // namespace

Layout folded(const Layout& layout, const Graph& graph, int columns) {
  std::vector<Cut> cuts = chosen_cuts(possible_cuts(layout, graph), layout.height, columns);
  return cuts.empty() ? layout : Folder(layout, graph, std::move(cuts)).fold();
}

}  // namespace metron::graph
