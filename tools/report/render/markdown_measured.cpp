#include <metron/core/numbers.h>
#include <metron/tools/report/render/explanation.h>
#include <metron/tools/report/render/markdown_writer.h>

namespace metron::report {

void MarkdownWriter::cold() {
  heading(t_("Cold and warm"));
  if (report_.cold.empty()) return paragraph(t_("Not reached."));
  paragraph(
      t_("The first training step of a fresh process compared with a warm one: medians over the processes "
         "({0}). The difference is one-time initialization of a library, of its code for these shapes and of "
         "memory. Initialization of a library as a whole is charged only to the library, not to an operator.",
         {std::to_string(report_.settings.cold_runs)}));
  MarkdownTable rows({t_("library"), t_("provider"), t_("batch size"), time_header(t_("first step µs")),
                      time_header(t_("warm step µs")), time_header(t_("initialization µs")),
                      t_("of the first step, %"), time_header(t_("of which library startup, µs"))},
                     2);
  for (const ColdSection& section : report_.cold) {
    for (const Initialization& i : section.initialization)
      rows.add({i.library, provider(i.provider), std::to_string(section.batch), number(section.cold_wall_us),
                number(section.warm_wall_us), number(i.us), percent(i.share),
                i.start_us > 0 ? number(i.start_us) : "-"});
  }
  table(rows);
  picture("cold", t_("first step of a process and a warm one"));
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

void MarkdownWriter::phases() {
  heading(t_("Forward, backward, optimizer; host and device"));
  if (report_.batches.empty()) return paragraph(t_("Not reached."));
  std::vector<std::string> header{t_("phase"), t_("batch size"), time_header(t_("host self µs"))};
  if (has_device_time()) header.push_back(device_header());
  header.push_back(t_("share of wall, %"));
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
                  ? t_("An emulated device has no device times.")
                  : t_("On the CPU the host is the device, so host time is device time."));
}

void MarkdownWriter::roofline() {
  heading(t_("Roofline"));
  if (!report_.roofs.gflops || report_.roofline.empty()) return paragraph(t_("There are no measured roofs."));
  paragraph(t_(
      "Measured on this machine: {0} GFLOP/s of float32 multiply-adds and {1} GB/s of memory bandwidth. Pale "
      "points and cells marked cached: the operands came from a cache, so the memory roof does not apply.",
      {number(*report_.roofs.gflops), number(*report_.roofs.gbytes)}));
  picture("roofline", t_("kernels below the machine's measured roofs"));
}

void MarkdownWriter::providers() {
  heading(t_("Providers side by side"));
  if (report_.providers.empty()) return paragraph(t_("Not measured."));
  paragraph(
      t_("Each kernel call of the network by each provider of the device. Results are verified against "
         "float64 loops before the call is timed. Declined: the provider does not support the call."));
  MarkdownTable rows({t_("call"), t_("provider"), t_("batch size"), t_("result"),
                      has_device_time() ? device_header() : time_header(t_("median µs")), "±, %", "GFLOP/s",
                      "GB/s", t_("of the roof, %"), t_("speedup over the vendor"), t_("error")},
                     2);
  for (const ProviderRow& row : report_.providers) {
    const std::string error = row.error ? scientific_text(*row.error, 0) : "-";
    rows.add({row.layer, provider(row.provider), std::to_string(row.batch), t_(row.disposition),
              cell(row.median_us), percent(row.spread), cell(row.gflops), cell(row.gbytes),
              roof_text(row, t_), row.vendor_ratio ? fixed(*row.vendor_ratio, 2) + "×" : "-", error});
  }
  table(rows);
}

void MarkdownWriter::faithful(const std::string& title) {
  heading(title);
  if (report_.faithful.empty()) return paragraph(t_("Not reached."));
  paragraph(
      t_("One cold forward pass of one image in train mode in a fresh process, at any batch size. Times are "
         "host times, medians over the processes ({0}). Parents include their nested rows.",
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
    MarkdownTable rows({t_("op"), t_("operator in Metron"), t_("rank"), time_header(t_("total µs")),
                        t_("rank in the reference"), t_("total µs in the reference")},
                       2);
    for (const FaithfulRow& row : section.rows)
      rows.add({row.in_reference ? row.op : "-", row.source, std::to_string(row.rank), fixed(row.total_us, 3),
                row.reference_rank ? std::to_string(*row.reference_rank) : "-",
                row.reference_us ? fixed(*row.reference_us, 3) : "-"});
    for (const LibraryStart& start : section.starts)
      rows.add({"-", t_("{0}, in {1}", {start.name, start.op}), "-", fixed(start.us, 3), "-", "-"});
    for (const ReferenceRow& row : section.reference) {
      const bool shown = std::any_of(section.rows.begin(), section.rows.end(),
                                     [&](const FaithfulRow& ours) { return ours.op == row.op; });
      if (!shown) rows.add({row.op, "-", "-", "-", std::to_string(row.rank), fixed(row.total_us, 3)});
    }
    table(rows);
  }
  const std::string why = plain(explanation(report_, t_));
  if (!why.empty()) paragraph(why);
}

void MarkdownWriter::correlations() {
  heading(t_("Rank correlations"));
  if (report_.correlations.empty()) return paragraph(t_("Not reached."));
  paragraph(
      t_("Kendall's tau-b, with a 95 % bootstrap interval. Differences below the noise are ties. The noise "
         "is that of the timer, and for the reference the variation among its three tables, which repeat one "
         "measurement."));
  MarkdownTable rows({t_("ranking"), t_("with"), "tau-b", t_("from"), t_("to"), t_("operators"), t_("ties")},
                     2);
  for (const Correlation& c : report_.correlations) {
    const auto value = [](const std::optional<double>& x) { return x ? number_text(*x, 3) : "-"; };
    rows.add({term_text(c.first, t_), term_text(c.second, t_), value(c.tau), value(c.low), value(c.high),
              std::to_string(c.items), std::to_string(c.tied_first) + " + " + std::to_string(c.tied_second)});
  }
  table(rows);
}

void MarkdownWriter::timer() {
  heading(t_("The timer"));
  paragraph(
      t_("Recording an operator costs {0} ns, a kernel {1} ns, a memory event {2} ns. These costs are "
         "subtracted from the times above. An empty record takes up to {3} ns: shorter times are marked ~.",
         {number(report_.timer.op_ns), number(report_.timer.kernel_ns), number(report_.timer.memory_ns),
          number(report_.timer.noise_ns)}));
}

void MarkdownWriter::repeat() {
  heading(t_("Reproduction"));
  paragraph("    " + report_.settings.repeat);
  MarkdownTable rows({t_("file"), t_("content")}, 2);
  for (const File& file : report_.files) rows.add({'`' + file.name + '`', term_text(file.what, t_)});
  table(rows);
}

}  // namespace metron::report
