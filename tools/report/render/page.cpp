#include <metron/core/error.h>
#include <metron/core/numbers.h>
#include <metron/tools/drawing/theme.h>
#include <metron/tools/graph/picture.h>
#include <metron/tools/report/render/explanation.h>
#include <metron/tools/report/render/page.h>
#include <metron/tools/report/render/page_files.h>
#include <metron/tools/report/render/terms.h>

#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

namespace metron::report {
namespace {

using Json = nlohmann::ordered_json;

// ---- Layout of the graph. The page takes the graph's texts from the report.

graph::NodeKind kind_of(const std::string& name) {
  if (name == "input") return graph::NodeKind::input;
  if (name == "output") return graph::NodeKind::output;
  return name == "parameter" ? graph::NodeKind::parameter : graph::NodeKind::op;
}

graph::Graph graph_of(const GraphSection& section) {
  graph::Graph graph;
  graph.parameters = section.parameters;
  for (const GraphNode& node : section.nodes)
    graph.nodes.push_back({.kind = kind_of(node.kind),
                           .name = node.name,
                           .module = node.module,
                           .parameters = node.parameters,
                           .time_us = node.time_us});
  const auto position = [&](int node) {
    const auto index = static_cast<std::size_t>(node);
    check<ValueError>(node >= 0 && index < section.nodes.size(), "report", "edges must refer to one of the ",
                      section.nodes.size(), " nodes, got ", node);
    return index;
  };
  // The dtype affects only the width of the label, and all names of dtypes are about equally wide.
  for (const GraphEdge& edge : section.edges)
    graph.edges.push_back({position(edge.from), position(edge.to),
                           Shape(edge.shape.data(), edge.shape.size()), DType::float32});
  return graph;
}

// To a tenth of a pixel.
double rounded(double value) { return std::round(value * 10) / 10; }
Json to_json(drawing::Point p) { return {rounded(p.x), rounded(p.y)}; }
Json to_json(const drawing::Rect& r) {
  return {rounded(r.x), rounded(r.y), rounded(r.width), rounded(r.height)};
}

Json to_json(const graph::Layout& layout) {
  Json json{{"width", rounded(layout.width)}, {"height", rounded(layout.height)}};
  json["nodes"] = Json::array();
  for (const drawing::Rect& node : layout.nodes) json["nodes"].push_back(to_json(node));
  json["clusters"] = Json::array();
  for (const auto& cluster : layout.clusters)
    json["clusters"].push_back(Json{{"name", cluster.module.substr(cluster.module.rfind('.') + 1)},
                                    {"area", to_json(cluster.area)},
                                    {"label", to_json(cluster.label)}});
  json["curves"] = Json::array();
  for (const auto& curve : layout.curves) {
    Json points = Json::array();
    for (const drawing::Point point : curve.points) points.push_back(to_json(point));
    json["curves"].push_back(
        Json{{"points", std::move(points)}, {"tip", to_json(curve.tip)}, {"label", to_json(curve.label)}});
  }
  return json;
}

// In one column, two and so on, for pages of different widths.
Json layouts_of(const GraphSection& section) {
  Json json = Json::array();
  if (section.nodes.empty()) return json;
  const graph::Graph graph = graph_of(section);
  const graph::Layout whole = graph::lay_out(graph);
  json.push_back(to_json(whole));
  constexpr int most_columns = 4;
  for (int columns = 2; columns <= most_columns; ++columns) {
    Json folded = to_json(graph::folded(whole, graph, columns));
    if (folded != json.back()) json.push_back(std::move(folded));
  }
  return json;
}

Json to_json(const Flame& flame) {
  Json events = Json::array();
  for (const Flame::Event& e : flame.events)
    events.push_back(Json::array({e.depth, e.name, static_cast<int>(e.kind), static_cast<int>(e.phase),
                                  e.provider, e.module, e.start_ns, e.duration_ns, e.record}));
  return {{"batch", flame.batch},
          {"cold", flame.cold},
          {"wall_ns", flame.wall_ns},
          {"names", flame.names},
          {"events", std::move(events)}};
}

// ---- Parts of the file

std::string css(drawing::Color color, double opacity = 1) {
  const auto byte = [](double part) { return static_cast<int>(std::lround(part * 255)); };
  std::string text = "rgb(";
  for (const double part : {color.r, color.g, color.b}) text += std::to_string(byte(part)) + ' ';
  return text + "/ " + general_text(opacity) + ')';
}

// Black or white, whichever has more contrast.
drawing::Color text_on(drawing::Color color) {
  const drawing::Color black = drawing::Color::hex(0), white = drawing::Color::hex(0xFFFFFF);
  return contrast(color, black) > contrast(color, white) ? black : white;
}

// The pictures' colors as CSS variables.
std::string variables(const drawing::Theme& theme, const char* scheme) {
  std::string text = std::string("color-scheme:") + scheme;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += ";--" + name + ':' + value;
  };
  add("background", css(theme.background));
  add("panel", css(theme.panel));
  add("ink", css(theme.ink));
  add("muted", css(theme.muted));
  add("axis", css(theme.axis));
  add("grid", css(theme.grid));
  add("cold", css(theme.cold));
  add("hot", css(theme.hot));
  add("link", css(theme.series(0)));
  add("mark", css(theme.mark));
  add("bar", css(theme.series(0), 0.55));
  // The opacity of a kernel's bars, on which text has the color of ink.
  add("kernel", std::string_view(scheme) == "dark" ? "0.4" : "0.62");
  for (std::size_t i = 0; i < theme.palette.size(); ++i) {
    const drawing::Color color = theme.series(i);
    add("c" + std::to_string(i), css(color));
    add("on" + std::to_string(i), css(text_on(color)));
  }
  return text;
}

std::string style() {
  const std::string light = variables(drawing::light_theme(), "light");
  const std::string dark = variables(drawing::dark_theme(), "dark");
  std::string text = ":root{" + light + "}\n";  // also for print
  text += "@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){" + dark + "}}\n";
  text += "@media screen{:root[data-theme=dark]{" + dark + "}}\n";
  for (std::size_t i = 0; i < drawing::light_theme().palette.size(); ++i) {
    const std::string n = std::to_string(i);
    text += ".fill" + n + "{fill:var(--c" + n + ")}.line" + n + "{stroke:var(--c" + n + ")}\n";
  }
  return text + page_css;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

// JSON for a <script> element, where nothing may look like a tag.
std::string in_script(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      result += "\\u003c";
    } else {
      result += c;
    }
  }
  return result;
}

// Replaces each @name@ of the template in one pass: inserted text is not scanned again.
std::string filled(std::string_view page,
                   std::initializer_list<std::pair<std::string_view, std::string>> values) {
  std::string result;
  while (!page.empty()) {
    const auto* found = values.end();
    if (page[0] == '@') {
      for (const auto* value = values.begin(); value != values.end(); ++value)
        if (page.starts_with('@' + std::string(value->first) + '@')) found = value;
    }
    if (found != values.end()) {
      result += found->second;
      page.remove_prefix(found->first.size() + 2);
    } else {
      result += page[0];
      page.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace

std::string html_page(const Report& report, std::span<const Flame> flames, const Language& text) {
  Json data{{"lang", text.code()}, {"run", report::to_json(report)}, {"layouts", layouts_of(report.graph)}};
  data["seed"] = std::to_string(report.settings.seed);  // may exceed the precision of JavaScript numbers
  data["notes"] = Json::array();
  for (const Note& note : report.notes) data["notes"].push_back(note_text(note, text));
  data["explanation"] = to_json(explanation(report, text));
  data["flames"] = Json::array();
  for (const Flame& flame : flames) data["flames"].push_back(to_json(flame));
  data["texts"] = Json::object();
  for (const auto& [english, other] : text.table()) data["texts"][std::string(english)] = other;

  return filled(
      page_html,
      {{"lang", std::string(text.code())},
       {"title", escaped(text("Lab report: where a CNN spends its time"))},
       {"skip", escaped(text("To the report"))},
       {"contents", escaped(text("Contents"))},
       {"noscript", escaped(text("This page needs JavaScript; report.md is the same report as text."))},
       {"style", style()},
       {"script", page_js},
       {"data", in_script(data)}});
}

}  // namespace metron::report
