#include <metron/tools/graph/labels.h>
#include <metron/tools/graph/picture.h>

#include <algorithm>
#include <cmath>

namespace metron::graph {

using namespace drawing;

namespace {

constexpr double margin = 24;
constexpr double title_size = 16, subtitle_size = 12;
constexpr double heading_height = 58;
constexpr double legend_width = 300, legend_height = 10;

std::string subtitle(const Graph& graph) {
  const Words& words = graph.words;
  return thousands(graph.parameters) + words.parameters + words.separator +
         (graph.backward ? words.gradients : words.activations);
}

bool has_times(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) { return node.time_us; });
}

// A picture that is not much taller than wide, so that its texts are legible at the width of a page.
Layout in_columns(const Graph& graph) {
  constexpr int most = 4;
  constexpr double tallest = 1.3;  // over the width
  const Layout whole = lay_out(graph);
  Layout best = whole;
  for (int columns = 2; columns <= most && best.height > tallest * best.width; ++columns)
    best = folded(whole, graph, columns);
  return best;
}

Point translated(Point p, Point by) { return {p.x + by.x, p.y + by.y}; }
Rect translated(const Rect& r, Point by) { return {r.x + by.x, r.y + by.y, r.width, r.height}; }

class Painter {
 public:
  Painter(const Graph& graph, const Theme& theme)
      : graph_(graph),
        theme_(theme),
        colors_(graph, theme),
        layout_(in_columns(graph)),
        canvas_(make_canvas()) {}

  Canvas paint() {
    draw_heading();
    if (has_times(graph_)) draw_legend();
    for (const Layout::Cluster& cluster : layout_.clusters) draw_cluster(cluster);
    for (const Layout::Curve& curve : layout_.curves) draw_arrow(curve);
    for (const Layout::Cluster& cluster : layout_.clusters) draw_cluster_label(cluster);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) draw_node(i);
    for (const Layout::Curve& curve : layout_.curves) draw_edge_label(curve);
    return std::move(canvas_);
  }

 private:
  Canvas make_canvas() {
    const TextStyle title{.size = title_size, .color = theme_.ink, .bold = true};
    const TextStyle note{.size = subtitle_size, .color = theme_.muted};
    double width = std::max({layout_.width, Canvas::measure(graph_.title, title).width,
                             Canvas::measure(subtitle(graph_), note).width});
    double top = heading_height;
    if (has_times(graph_)) {
      width = std::max(width, legend_width + 40);
      top += 40;
    }
    offset_ = {margin + (width - layout_.width) / 2, margin + top};
    return {width + 2 * margin, layout_.height + top + 2 * margin, theme_.background};
  }

  void draw_heading() {
    canvas_.text(graph_.title, {margin, margin}, {.size = title_size, .color = theme_.ink, .bold = true},
                 Align::left, Baseline::top);
    canvas_.text(subtitle(graph_), {margin, margin + title_size * 1.6},
                 {.size = subtitle_size, .color = theme_.muted}, Align::left, Baseline::top);
  }

  // A scale from 0 to the most expensive op, linear in the root of the time.
  void draw_legend() {
    const double y = margin + heading_height - 8;
    constexpr int steps = 30;
    for (int i = 0; i < steps; ++i) {
      const double part = static_cast<double>(i) / (steps - 1);
      canvas_.rectangle({margin + i * legend_width / steps, y, legend_width / steps + 0.5, legend_height},
                        theme_.heat(part));
    }
    canvas_.rectangle({margin, y, legend_width, legend_height}, {}, {.color = theme_.axis, .width = 0.8});
    const auto most = std::max_element(
        graph_.nodes.begin(), graph_.nodes.end(),
        [](const Node& a, const Node& b) { return a.time_us.value_or(0) < b.time_us.value_or(0); });
    const TextStyle style{.size = detail_size, .color = theme_.muted};
    const std::string text = time_label(*most->time_us, graph_.words) + graph_.words.per_call;
    const std::string quarter = time_label(*most->time_us / 4, graph_.words);
    const double zero = Canvas::measure("0", style).width + 8, width = Canvas::measure(text, style).width;
    const double right = std::max(legend_width, zero + width), below = y + legend_height + 4;
    canvas_.text("0", {margin, below}, style, Align::left, Baseline::top);
    canvas_.text(text, {margin + right, below}, style, Align::right, Baseline::top);
    if (legend_width / 2 + Canvas::measure(quarter, style).width / 2 + 8 < right - width)
      canvas_.text(quarter, {margin + legend_width / 2, below}, style, Align::center, Baseline::top);
  }

  void draw_cluster(const Layout::Cluster& cluster) {
    canvas_.rectangle(translated(cluster.area, offset_), theme_.panel, {.color = theme_.grid, .width = 1}, 6);
  }

  // Drawn over the arrows.
  void draw_cluster_label(const Layout::Cluster& cluster) {
    const TextStyle style{.size = cluster_size, .color = theme_.muted};
    const std::string text = cluster_label(graph_, cluster.module);
    const TextExtent extent = Canvas::measure(text, style);
    const Point at{cluster.area.x + offset_.x + 7, cluster.label.y + offset_.y};
    canvas_.rectangle({at.x, at.y - extent.height() / 2, extent.width, extent.height()}, theme_.panel);
    canvas_.text(text, at, style, Align::left, Baseline::middle);
  }

  void draw_node(std::size_t index) {
    const Node& node = graph_.nodes[index];
    const Rect box = translated(layout_.nodes[index], offset_);
    const double radius = node.kind == NodeKind::op ? 5 : box.height / 2;
    canvas_.rectangle(box, colors_.fill(node), {.color = theme_.axis, .width = 1.2}, radius);
    const std::vector<std::string> lines = label_of(node, graph_.words);
    double y = box.center().y - line_height * (static_cast<double>(lines.size()) - 1) / 2;
    for (std::size_t i = 0; i < lines.size(); ++i, y += line_height)
      canvas_.text(lines[i], {box.center().x, y}, style_of_line(i, theme_.ink), Align::center,
                   Baseline::middle);
  }

  void draw_arrow(const Layout::Curve& curve) {
    if (curve.points.size() < 4) return;
    std::vector<Point> points;
    for (const Point& p : curve.points) points.push_back(translated(p, offset_));
    canvas_.bezier(points, {.color = theme_.axis, .width = 1.4});
    const Point tip = translated(curve.tip, offset_), base = points.back();
    const double dx = tip.x - base.x, dy = tip.y - base.y, length = std::hypot(dx, dy);
    if (length == 0) return;
    const Point side{-dy / length * 4, dx / length * 4};
    const Point head[]{tip, {base.x + side.x, base.y + side.y}, {base.x - side.x, base.y - side.y}};
    canvas_.polygon(head, theme_.axis);
  }

  void draw_edge_label(const Layout::Curve& curve) {
    const Edge& edge = graph_.edges[curve.edge];
    canvas_.text(describe(edge.shape, edge.dtype), translated(curve.label, offset_),
                 {.size = edge_size, .color = theme_.muted}, Align::center, Baseline::middle);
  }

  const Graph& graph_;
  const Theme& theme_;
  NodeColors colors_;
  Layout layout_;
  Point offset_;
  Canvas canvas_;
};

}  // namespace

Canvas draw(const Graph& graph, const Theme& theme) { return Painter(graph, theme).paint(); }

}  // namespace metron::graph
