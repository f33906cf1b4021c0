#include <metron/tools/report/render/markdown_writer.h>

#include <cmath>

namespace metron::report {

std::string MarkdownWriter::write() {
  out_ = "# " + t_("Operators of a convolutional network on MNIST") + "\n\n";
  out_ += t_("{0}, measured on {1}, {2}.", {term_text(report_.settings.model, t_),
                                            report_.settings.device_name, report_.settings.created}) +
          "\n\n";
  out_ += t_("The lab is the experiment that this report reproduces: train a CNN on MNIST, profile one "
             "forward pass, and rank its operators at batch sizes 1, 16 and 64. The reference is its result "
             "on a GeForce RTX 2070 SUPER with PyTorch 1.6.0.") +
          '\n';
  for (const Note& note : report_.notes) out_ += "\n> " + note_text(note, t_) + '\n';
  environment();
  graph();
  curves();
  if (report_.settings.faithful) {
    faithful(t_("The most expensive operators in the lab's measurement"));
    ranking();
  } else {
    ranking();
  }
  batches();
  cold();
  phases();
  roofline();
  providers();
  if (!report_.settings.faithful) faithful(t_("The lab's measurement"));
  correlations();
  timer();
  repeat();
  return std::move(out_);
}

void MarkdownWriter::graph() {
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

void MarkdownWriter::curves() {
  heading(t_("Loss and accuracy"));
  const Training& training = report_.training;
  if (training.curve.step.empty() && training.tests.empty()) return paragraph(t_("There are no curves."));
  if (training.epochs && training.batch_size)
    paragraph(t_("Epochs: {0}; batch size {1}; seed {2}.",
                 {std::to_string(*training.epochs), std::to_string(*training.batch_size),
                  training.seed ? std::to_string(*training.seed) : t_("unknown")}));
  if (!training.curve.step.empty()) picture("loss", t_("loss of the training steps"));
  paragraph(
      t_("Each point is the mean loss of its batch. The lab's curve divides a sum of such means by the batch "
         "size as well, so it is too small by that factor."));
  if (training.tests.empty()) return;
  picture("accuracy",
          training.tests.size() == 1 ? t_("test accuracy") : t_("test accuracy after each epoch"));
  MarkdownTable rows({t_("epoch"), t_("mean loss"), t_("accuracy, %")}, 0);
  for (const Test& test : training.tests)
    rows.add({std::to_string(test.epoch), std::isfinite(test.loss) ? fixed(test.loss, 4) : number(test.loss),
              percent(test.accuracy)});
  table(rows);
}

void MarkdownWriter::op_table(const BatchSection& batch, std::size_t most) {
  std::vector<std::string> header{t_("rank"),
                                  t_("operator"),
                                  t_("phase"),
                                  t_("provider"),
                                  t_("calls"),
                                  time_header(t_("self µs")),
                                  time_header(t_("total µs"))};
  const bool device = batch.ranked_by != "host";
  if (device) header.push_back(device_header());
  for (const std::string& name :
       {t_("share of wall, %"), time_header(t_("lowest round µs")), time_header(t_("highest round µs")),
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

void MarkdownWriter::ranking() {
  heading(t_("The ten most expensive operators"));
  if (report_.batches.empty()) return paragraph(t_("Not reached."));
  const BatchSection& batch = report_.batches.back();
  paragraph(t_(
      "A warm training step at batch size {0}: medians over the recorded steps ({1}) of fresh processes "
      "({2}). Self time excludes nested operators, total time includes them. Shares are of the wall time of "
      "a step. Ranks marked ~ are within the noise: the operator's range overlaps that of another one.",
      {std::to_string(batch.batch), std::to_string(batch.steps), std::to_string(report_.settings.rounds)}));
  op_table(batch, most_expensive);
}

void MarkdownWriter::batches() {
  heading(t_("Batch sizes"));
  if (report_.batches.empty()) return paragraph(t_("Not reached."));
  MarkdownTable rows(
      {t_("batch size"), time_header(t_("step µs")), time_header(t_("images/s")), t_("self times, % of wall"),
       t_("outside operators, %"), t_("timer, %"), t_("waiting for the device, %"), t_("peak MiB")},
      0);
  for (const BatchSection& batch : report_.batches)
    rows.add({std::to_string(batch.batch), number(batch.wall_us), number(batch.images_per_second),
              percent(batch.self_part), percent(batch.outside_part), percent(batch.timer_part),
              percent(batch.waiting_part), fixed(batch.peak_bytes / (1 << 20), 1)});
  table(rows);
  if (parts_add_up())
    paragraph(
        t_("Over all recorded steps, self times, the timer, time outside operators and waiting for a device "
           "add up to the wall time."));
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

bool MarkdownWriter::parts_add_up() const {
  constexpr double tolerance = 0.005;  // the timer's overhead is an estimate
  return std::all_of(report_.batches.begin(), report_.batches.end(), [](const BatchSection& b) {
    return std::abs(b.self_part + b.timer_part + b.outside_part + b.waiting_part - 1) < tolerance;
  });
}

std::string MarkdownWriter::comparison_rank(const ComparisonRow& row, std::size_t batch) const {
  for (const OpRow& op : report_.batches[batch].ops) {
    if (op.name == row.name && op.phase == row.phase) return rank_text(op.rank, op.rank_known);
  }
  return "-";
}

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

std::string to_markdown(const Report& report, const Language& text) {
  return MarkdownWriter(report, text).write();
}

}  // namespace metron::report
