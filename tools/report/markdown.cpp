#include <metron/core/text_table.h>
#include <metron/tools/drawing/axis.h>
#include <metron/tools/report/explain.h>
#include <metron/tools/report/markdown.h>
#include <metron/tools/report/pictures.h>

#include <algorithm>

namespace metron::report {
namespace {

using drawing::number_text;

constexpr std::size_t most_expensive = 10;

std::string number(double value) { return number_text(value, 4); }
std::string cell(const std::optional<double>& value) { return value ? number(*value) : "-"; }
std::string percent(double part) { return fixed(100 * part, 2); }
std::string percent(const std::optional<double>& part) { return part ? percent(*part) : "-"; }
// Of an OpRow or a ProviderRow.
std::string roof_text(const auto& row, const Language& text) {
  return row.roof_kind == "cached" ? text("cached") : percent(row.roof);
}
std::string rank_text(int rank, bool known) { return (known ? "" : "~") + std::to_string(rank); }

class Writer {
 public:
  Writer(const Report& report, const Language& text) : report_(report), t_(text) {}

  std::string write() {
    out_ = "# " + t_("Operators of a convolutional network on MNIST") + "\n\n";
    out_ += t_("{0}, measured on {1}, {2}.",
               {report_.settings.model, report_.settings.device_name, report_.settings.created}) +
            '\n';
    for (const Note& note : report_.notes) out_ += "\n> " + note_text(note, t_) + '\n';
    environment();
    graph();
    curves();
    if (report_.settings.faithful) {
      faithful(t_("The most expensive operators, as the lab measured"));
      ranking();
    } else {
      ranking();
    }
    batches();
    cold();
    phases();
    roofline();
    providers();
    if (!report_.settings.faithful) faithful(t_("As the lab measured"));
    correlations();
    timer();
    repeat();
    return std::move(out_);
  }

 private:
  void heading(const std::string& title) {
    out_ += (out_.ends_with("\n\n") ? "## " : "\n## ") + std::to_string(++sections_) + ". " + title + "\n\n";
  }
  void paragraph(const std::string& text) { out_ += text + "\n\n"; }
  void picture(const std::string& name, const std::string& what) {
    out_ += "![" + what + "](" + name + ".png)\n\n";
  }
  void table(const MarkdownTable& table) { out_ += table.to_string() + '\n'; }
  std::string time_header(const std::string& name) const { return marked(report_, name, t_); }
  std::string provider(const std::string& name) const { return provider_label(report_, name, t_); }
  bool has_device_time() const {
    return std::any_of(report_.batches.begin(), report_.batches.end(),
                       [](const BatchSection& batch) { return batch.ranked_by == "device"; });
  }

  void environment() {
    heading(t_("Environment"));
    MarkdownTable rows({t_("what"), t_("value")}, 2);
    const auto& e = report_.environment;
    const auto text_of = [](const nlohmann::ordered_json& value) {
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    const auto add = [&](const std::string& name, const std::string& value) { rows.add({name, value}); };
    const auto gibibytes = [](double bytes) { return fixed(bytes / (1 << 30), 1) + " GiB"; };
    const auto& cpu = e.at("cpu");
    add(t_("CPU"), text_of(cpu.at("model")));
    add(t_("cores"), t_("{0} ({1} hardware threads, {2} usable)",
                        {text_of(cpu.at("cores")), text_of(cpu.at("threads")), text_of(cpu.at("usable"))}));
    add(t_("instruction sets"), text_of(cpu.at("instruction_sets")));
    add(t_("memory"), gibibytes(e.at("memory_bytes").get<double>()));
    add(t_("GPUs"), std::to_string(e.at("gpus").size()));
    for (const auto& gpu : e.at("gpus"))
      add(t_("GPU"), t_("{0}, {1}, compute capability {2}",
                        {text_of(gpu.at("name")), gibibytes(gpu.at("memory_bytes").get<double>()),
                         text_of(gpu.at("compute_capability"))}));
    add(t_("system"), text_of(e.at("os")) + ", " + text_of(e.at("kernel")));
    add(t_("compiler"), text_of(e.at("compiler")));
    for (const auto& [name, version] : e.at("libraries").items()) add(name, text_of(version));
    for (const char* name : {"CUDA", "CUDA driver", "cuDNN", "cuBLAS", "oneDNN"}) {
      if (!e.at("libraries").contains(name)) add(name, t_("not in this build"));
    }
    add("Metron", t_("{0}, commit {1}", {text_of(e.at("metron")), text_of(e.at("commit"))}));
    for (const auto& [name, value] : e.at("build_options").items()) add(name, text_of(value));
    add(t_("device measured"), report_.settings.device);
    std::string order;
    for (const std::string& name : report_.settings.providers)
      order += (order.empty() ? "" : ", ") + provider(name);
    add(t_("providers, in order"), order);
    add(t_("threads that compute"), std::to_string(report_.settings.threads));
    table(rows);
  }

  void graph() {
    heading(t_("Data-flow graph"));
    if (report_.graph.nodes.empty()) return paragraph(t_("Not reached."));
    const bool timed = std::any_of(report_.graph.nodes.begin(), report_.graph.nodes.end(),
                                   [](const GraphNode& node) { return node.time_us.has_value(); });
    paragraph(t_("The forward pass at batch size {0}: shapes and dtypes on the edges, {1} parameters.",
                 {std::to_string(report_.graph.batch),
                  number_text(static_cast<double>(report_.graph.parameters), 7)}) +
              (timed ? ' ' + time_header(t_("The time on a node is that of a warm call on the host.")) : ""));
    picture("graph", t_("data-flow graph"));
  }

  void curves() {
    heading(t_("Loss and accuracy"));
    const Training& training = report_.training;
    if (training.curve.step.empty() && training.tests.empty()) return paragraph(t_("There are no curves."));
    if (training.epochs && training.batch_size)
      paragraph(t_("Epochs: {0}; batch size {1}; seed {2}.",
                   {std::to_string(*training.epochs), std::to_string(*training.batch_size),
                    std::to_string(report_.settings.seed)}));
    if (!training.curve.step.empty()) picture("loss", t_("loss of the training steps"));
    paragraph(
        t_("Each point is the mean loss of its batch. The lab's curve divides a sum of such means by the "
           "batch size too, and so reads too small by that factor."));
    if (training.tests.empty()) return;
    picture("accuracy", t_("test accuracy after each epoch"));
    MarkdownTable rows({t_("epoch"), t_("mean loss"), t_("accuracy, %")}, 0);
    for (const Test& test : training.tests)
      rows.add({std::to_string(test.epoch), fixed(test.loss, 4), percent(test.accuracy)});
    table(rows);
  }

  void op_table(const BatchSection& batch, std::size_t most) {
    std::vector<std::string> header{t_("rank"),
                                    t_("operator"),
                                    t_("phase"),
                                    t_("provider"),
                                    t_("calls"),
                                    time_header(t_("self µs")),
                                    time_header(t_("total µs"))};
    const bool device = batch.ranked_by == "device";
    if (device) header.push_back(t_("device µs"));
    for (const std::string& name : {t_("share, %"), t_("lowest round µs"), t_("highest round µs"),
                                    std::string("GFLOP/s"), std::string("GB/s"), t_("of the roof, %")})
      header.push_back(name);
    MarkdownTable rows(header, 4);
    for (std::size_t i = 0; i < std::min(most, batch.ops.size()); ++i) {
      const OpRow& op = batch.ops[i];
      std::vector<std::string> cells{rank_text(op.rank, op.rank_known),
                                     op.name,
                                     t_(op.phase),
                                     provider(op.provider),
                                     number(op.calls),
                                     number(op.self_us),
                                     number(op.total_us)};
      if (device) cells.push_back(cell(op.device_us));
      for (const std::string& value : {percent(op.share), number(op.lowest_us), number(op.highest_us),
                                       cell(op.gflops), cell(op.gbytes), roof_text(op, t_)})
        cells.push_back(value);
      if (!op.above_timer) cells[6] = '~' + cells[6];
      rows.add(cells);
    }
    table(rows);
  }

  void ranking() {
    heading(t_("The ten most expensive operators"));
    if (report_.batches.empty()) return paragraph(t_("Not reached."));
    const BatchSection& batch = report_.batches.back();
    paragraph(t_(
        "A warm training step at batch size {0}: medians of {1} steps in {2} fresh processes. Self time "
        "leaves nested operators out, total holds them. Ranks marked ~ are within the noise: in some "
        "process the operator took as long as another one did in some process.",
        {std::to_string(batch.batch), std::to_string(batch.steps), std::to_string(report_.settings.rounds)}));
    op_table(batch, most_expensive);
  }

  void batches() {
    heading(t_("Batch sizes"));
    if (report_.batches.empty()) return paragraph(t_("Not reached."));
    MarkdownTable rows(
        {t_("batch size"), time_header(t_("step µs")), t_("images/s"), t_("self times, % of wall"),
         t_("outside operators, %"), t_("timer, %"), t_("peak MiB")},
        0);
    for (const BatchSection& batch : report_.batches)
      rows.add({std::to_string(batch.batch), number(batch.wall_us), number(batch.images_per_second),
                percent(batch.self_part), percent(batch.outside_part), percent(batch.timer_part),
                fixed(batch.peak_bytes / (1 << 20), 1)});
    table(rows);
    picture("batches", t_("share of the most expensive operators by batch size"));
    std::vector<std::string> header{t_("operator"), t_("phase")};
    for (const BatchSection& batch : report_.batches) {
      const std::string size = std::to_string(batch.batch);
      header.push_back(time_header(t_("µs at {0}", {size})));
      header.push_back(t_("% at {0}", {size}));
      header.push_back(t_("rank at {0}", {size}));
    }
    MarkdownTable ops(header, 2);
    for (std::size_t i = 0; i < std::min(most_expensive, report_.comparison.size()); ++i) {
      const ComparisonRow& row = report_.comparison[i];
      std::vector<std::string> cells{row.name, t_(row.phase)};
      for (std::size_t b = 0; b < report_.batches.size(); ++b) {
        cells.push_back(cell(row.time_us[b]));
        cells.push_back(percent(row.share[b]));
        cells.push_back(comparison_rank(row, b));
      }
      ops.add(cells);
    }
    table(ops);
    for (std::size_t b = 0; b + 1 < report_.batches.size(); ++b) {
      paragraph(t_("The ten most expensive at batch size {0}:", {std::to_string(report_.batches[b].batch)}));
      op_table(report_.batches[b], most_expensive);
    }
  }

  std::string comparison_rank(const ComparisonRow& row, std::size_t batch) const {
    for (const OpRow& op : report_.batches[batch].ops) {
      if (op.name == row.name && op.phase == row.phase) return rank_text(op.rank, op.rank_known);
    }
    return "-";
  }

  void cold() {
    heading(t_("Cold and warm"));
    if (report_.cold.empty()) return paragraph(t_("Not reached."));
    paragraph(
        t_("The first training step of a fresh process beside a warm one, medians of {0} processes. What "
           "it takes more is initialisation: of a library, of its code for these shapes, of memory that "
           "is touched for the first time.",
           {std::to_string(report_.settings.cold_runs)}));
    MarkdownTable rows({t_("library"), t_("provider"), t_("batch size"), time_header(t_("first step µs")),
                        time_header(t_("warm step µs")), time_header(t_("initialisation µs")),
                        t_("of the first step, %"), time_header(t_("of it the library's start, µs"))},
                       2);
    for (const ColdSection& section : report_.cold) {
      for (const Initialisation& i : section.initialisation)
        rows.add({i.library, provider(i.provider), std::to_string(section.batch),
                  number(section.cold_wall_us), number(section.warm_wall_us), number(i.us), percent(i.share),
                  i.start_us > 0 ? number(i.start_us) : "-"});
    }
    table(rows);
    picture("cold", t_("first step of a process beside a warm one"));
    const ColdSection& section = report_.cold.back();
    MarkdownTable ops({t_("operator"), t_("phase"), t_("provider"), time_header(t_("first µs")),
                       time_header(t_("warm µs")), t_("first / warm")},
                      3);
    for (std::size_t i = 0; i < std::min(most_expensive, section.ops.size()); ++i) {
      const ColdRow& op = section.ops[i];
      ops.add({op.name, t_(op.phase), provider(op.provider), number(op.cold_us), number(op.warm_us),
               op.warm_us > 0 ? number_text(op.cold_us / op.warm_us, 3) : "-"});
    }
    paragraph(t_("At batch size {0}:", {std::to_string(section.batch)}));
    table(ops);
  }

  void phases() {
    heading(t_("Forward, backward, optimizer; host and device"));
    if (report_.batches.empty()) return paragraph(t_("Not reached."));
    std::vector<std::string> header{t_("phase"), t_("batch size"), time_header(t_("host self µs"))};
    if (has_device_time()) header.push_back(t_("device µs"));
    header.push_back(t_("share, %"));
    MarkdownTable rows(header, 1);
    for (const BatchSection& batch : report_.batches) {
      for (const PhaseRow& phase : batch.phases) {
        std::vector<std::string> cells{t_(phase.phase), std::to_string(batch.batch), number(phase.self_us)};
        if (has_device_time()) cells.push_back(cell(phase.device_us));
        cells.push_back(percent(phase.share));
        rows.add(cells);
      }
    }
    table(rows);
    if (!has_device_time())
      paragraph(report_.settings.emulated
                    ? t_("An emulated device has no time of its own.")
                    : t_("On the CPU the host is the device: there is one clock, and it is the host's."));
  }

  void roofline() {
    heading(t_("Roofline"));
    if (!report_.roofs.gflops || report_.roofline.empty())
      return paragraph(t_("There are no measured roofs."));
    paragraph(t_(
        "Measured on this machine: {0} GFLOP/s of float32 multiply-adds, and {1} GB/s to or from memory. "
        "Pale "
        "points, and cells that say cached: the operands came from a cache, so memory is no roof for them.",
        {number(*report_.roofs.gflops), number(*report_.roofs.gbytes)}));
    picture("roofline", t_("kernels below the machine's measured roofs"));
  }

  void providers() {
    heading(t_("Providers side by side"));
    if (report_.providers.empty()) return paragraph(t_("Not measured."));
    paragraph(t_(
        "The network's kernel calls by each provider of the device: compared with float64 loops first, and "
        "timed in turn only if right. Declined means that the provider does not support the call."));
    MarkdownTable rows(
        {t_("call"), t_("provider"), t_("batch size"), t_("result"), time_header(t_("median µs")), "±, %",
         "GFLOP/s", "GB/s", t_("of the roof, %"), t_("against the vendor"), t_("error")},
        2);
    for (const ProviderRow& row : report_.providers) {
      char error[16] = "-";
      if (row.error) std::snprintf(error, sizeof error, "%.0e", *row.error);
      rows.add({row.layer, provider(row.provider), std::to_string(row.batch), t_(row.disposition),
                cell(row.median_us), percent(row.spread), cell(row.gflops), cell(row.gbytes),
                roof_text(row, t_), row.vendor_ratio ? fixed(*row.vendor_ratio, 2) + "×" : "-", error});
    }
    table(rows);
  }

  void faithful(const std::string& title) {
    heading(title);
    if (report_.faithful.empty()) return paragraph(t_("Not reached."));
    paragraph(
        t_("One cold forward pass of one image in train mode in a fresh process, whatever the batch size; "
           "host time, and nested rows count again in their parents; medians of {0} processes. Beside it the "
           "reference, a GeForce RTX 2070 SUPER with PyTorch 1.6.0.",
           {std::to_string(report_.settings.cold_runs)}));
    for (const FaithfulSection& section : report_.faithful) {
      std::string title_line = t_("Batch size {0}", {std::to_string(section.batch)});
      for (const Correlation& c : report_.correlations) {
        if (c.kind == "faithful-reference" && c.batch == section.batch && c.tau)
          title_line += t_(", tau-b with the reference {0} ({1} to {2}, {3} operators)",
                           {number_text(*c.tau, 2), number_text(*c.low, 2), number_text(*c.high, 2),
                            std::to_string(c.items)});
      }
      paragraph(title_line + ':');
      MarkdownTable rows({t_("op"), t_("what it is here"), t_("rank"), time_header(t_("total µs")),
                          t_("rank in the reference"), t_("total µs in the reference")},
                         2);
      for (const FaithfulRow& row : section.rows)
        rows.add({row.in_reference ? row.op : "-", row.source, std::to_string(row.rank),
                  fixed(row.total_us, 3), row.reference_rank ? std::to_string(*row.reference_rank) : "-",
                  row.reference_us ? fixed(*row.reference_us, 3) : "-"});
      for (const ReferenceRow& row : section.reference) {
        const bool shown = std::any_of(section.rows.begin(), section.rows.end(),
                                       [&](const FaithfulRow& ours) { return ours.op == row.op; });
        if (!shown) rows.add({row.op, "-", "-", "-", std::to_string(row.rank), fixed(row.total_us, 3)});
      }
      table(rows);
    }
    const std::string why = explanation(report_, t_);
    if (!why.empty()) paragraph(why);
  }

  void correlations() {
    heading(t_("Do the rankings agree?"));
    if (report_.correlations.empty()) return paragraph(t_("Not reached."));
    paragraph(t_(
        "Kendall's tau-b, with a 95 % bootstrap interval; differences below the timer's own noise are ties, "
        "for the reference those below what its three tables of the same measurement lie apart."));
    MarkdownTable rows(
        {t_("ranking"), t_("with"), "tau-b", t_("from"), t_("to"), t_("operators"), t_("ties")}, 2);
    for (const Correlation& c : report_.correlations) {
      const auto value = [](const std::optional<double>& x) { return x ? number_text(*x, 3) : "-"; };
      rows.add({c.first, c.second, value(c.tau), value(c.low), value(c.high), std::to_string(c.items),
                std::to_string(c.tied_first) + " + " + std::to_string(c.tied_second)});
    }
    table(rows);
  }

  void timer() {
    heading(t_("The timer"));
    paragraph(t_(
        "Recording an operator costs {0} ns, a kernel {1} ns, a block of memory {2} ns; all of it is taken "
        "out of the times above. An empty record reads up to {3} ns: what takes less is marked ~.",
        {number(report_.timer.op_ns), number(report_.timer.kernel_ns), number(report_.timer.memory_ns),
         number(report_.timer.noise_ns)}));
  }

  void repeat() {
    heading(t_("To repeat it"));
    std::string command;
    for (const std::string& word : report_.settings.command) command += (command.empty() ? "" : " ") + word;
    paragraph("    " + command);
    MarkdownTable rows({t_("file"), t_("what it holds")}, 2);
    for (const File& file : report_.files) rows.add({'`' + file.name + '`', t_(file.what)});
    table(rows);
  }

  const Report& report_;
  const Language& t_;
  std::string out_;
  int sections_ = 0;
};

}  // namespace

MarkdownTable::MarkdownTable(std::vector<std::string> header, std::size_t left) : columns_(header.size()) {
  add(std::move(header));
  for (std::size_t i = 0; i < columns_; ++i) text_ += i < left ? "|---" : "|---:";
  text_ += "|\n";
}

void MarkdownTable::add(std::vector<std::string> cells) {
  cells.resize(columns_);
  for (const std::string& value : cells) {
    text_ += "| ";
    for (const char c : value) text_ += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
    text_ += ' ';
  }
  text_ += "|\n";
}

std::string to_markdown(const Report& report, const Language& text) { return Writer(report, text).write(); }

}  // namespace metron::report
