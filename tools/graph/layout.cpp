// Layout by Graphviz: nodes, clusters and splines, in points, with y growing upwards.
#include <gvc.h>
#include <metron/core/error.h>
#include <metron/tools/graph/dot.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace metron::graph {

using drawing::Point;

namespace {

class GraphvizLayout {
 public:
  explicit GraphvizLayout(const std::string& dot) : context_(gvContext()), graph_(agmemread(dot.c_str())) {
    check<Error>(context_ != nullptr && graph_ != nullptr, "graph", "Graphviz can't read the graph");
    check<Error>(gvLayout(context_.get(), graph_.get(), "dot") == 0, "graph",
                 "Graphviz can't lay out the graph; is its layout plug-in installed?");
  }
  ~GraphvizLayout() { gvFreeLayout(context_.get(), graph_.get()); }
  GraphvizLayout(const GraphvizLayout&) = delete;
  GraphvizLayout& operator=(const GraphvizLayout&) = delete;
  Agraph_t* graph() const { return graph_.get(); }

 private:
  struct FreeContext {
    void operator()(GVC_t* context) const { gvFreeContext(context); }
  };
  struct CloseGraph {
    void operator()(Agraph_t* graph) const { agclose(graph); }
  };
  std::unique_ptr<GVC_t, FreeContext> context_;
  std::unique_ptr<Agraph_t, CloseGraph> graph_;
};

class Reader {
 public:
  Reader(Agraph_t* root, const Graph& graph) : root_(root), top_(GD_bb(root).UR.y) {
    layout_.width = GD_bb(root).UR.x;
    layout_.height = top_;
    layout_.curves.resize(graph.edges.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) read_node(("n" + std::to_string(i)).c_str());
    read_clusters(root);
  }
  Layout finish() { return std::move(layout_); }

 private:
  Point point(pointf p) const { return {p.x, top_ - p.y}; }

  void read_node(const char* name) {
    Agnode_t* node = agnode(root_, const_cast<char*>(name), 0);
    const Point center = point(ND_coord(node));
    const double width = (ND_lw(node) + ND_rw(node)), height = ND_ht(node);
    layout_.nodes.push_back({center.x - width / 2, center.y - height / 2, width, height});
    for (Agedge_t* edge = agfstout(root_, node); edge != nullptr; edge = agnxtout(root_, edge))
      read_edge(edge);
  }

  void read_edge(Agedge_t* edge) {
    const std::size_t index = std::stoul(std::string(agnameof(edge)).substr(1));
    Layout::Curve& curve = layout_.curves.at(index);
    curve.edge = index;
    if (const splines* route = ED_spl(edge); route != nullptr && route->size > 0) {
      const bezier& segment = route->list[0];
      for (int i = 0; i < segment.size; ++i) curve.points.push_back(point(segment.list[i]));
      curve.tip = segment.eflag != 0 ? point(segment.ep) : curve.points.back();
    }
    if (const textlabel_t* label = ED_label(edge); label != nullptr) curve.label = point(label->pos);
  }

  void read_clusters(Agraph_t* around) {
    for (int i = 1; i <= GD_n_cluster(around); ++i) {
      Agraph_t* cluster = GD_clust(around)[i];
      const boxf& box = GD_bb(cluster);
      const Point corner = point({box.LL.x, box.UR.y});
      layout_.clusters.push_back({std::string(agnameof(cluster)).substr(std::string_view("cluster_").size()),
                                  {corner.x, corner.y, box.UR.x - box.LL.x, box.UR.y - box.LL.y},
                                  point(GD_label(cluster)->pos)});
      read_clusters(cluster);
    }
  }

  Agraph_t* root_;
  double top_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const Graph& graph) {
  const GraphvizLayout laid_out(write_dot(graph, drawing::light_theme(), DotPurpose::layout));
  return Reader(laid_out.graph(), graph).finish();
}

}  // namespace metron::graph
