// Sections of report.md. Private to markdown*.cpp.
#pragma once

#include <metron/core/profiler/internal/text_table.h>
#include <metron/tools/drawing/axis.h>
#include <metron/tools/report/render/markdown.h>
#include <metron/tools/report/render/terms.h>

#include <algorithm>

namespace metron::report {

using drawing::number_text;

inline constexpr std::size_t most_expensive = 10;

inline std::string number(double value) { return number_text(value, 4); }
inline std::string cell(const std::optional<double>& value) { return value ? number(*value) : "-"; }
inline std::string percent(double part) { return part == 0 ? "0" : fixed(100 * part, 2); }
inline std::string percent(const std::optional<double>& part) { return part ? percent(*part) : "-"; }
// Of an OpRow or a ProviderRow.
inline std::string roof_text(const auto& row, const Language& text) {
  return row.roof_kind == "cached" ? text("cached") : percent(row.roof);
}
inline std::string rank_text(int rank, bool known) { return (known ? "" : "~") + std::to_string(rank); }

class MarkdownWriter {
 public:
  MarkdownWriter(const Report& report, const Language& text) : report_(report), t_(text) {}
  std::string write();

 private:
  // markdown_environment.cpp
  void environment();
  // markdown.cpp
  void graph();
  void curves();
  void op_table(const BatchSection& batch, std::size_t most);
  void ranking();
  void batches();
  bool parts_add_up() const;
  std::string comparison_rank(const ComparisonRow& row, std::size_t batch) const;
  // markdown_measured.cpp: sections beyond the lab's template, and the lab's measurement
  void cold();
  void phases();
  void roofline();
  void providers();
  void faithful(const std::string& title);
  void correlations();
  void timer();
  void repeat();

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
  // Modeled times are never called those of a device.
  std::string device_header() const {
    const bool modeled = std::any_of(report_.batches.begin(), report_.batches.end(),
                                     [](const BatchSection& batch) { return batch.ranked_by == "model"; });
    return modeled ? t_("model µs") : t_("device µs");
  }
  bool has_device_time() const {
    return std::any_of(report_.batches.begin(), report_.batches.end(),
                       [](const BatchSection& batch) { return batch.ranked_by != "host"; });
  }

  const Report& report_;
  const Language& t_;
  std::string out_;
  int sections_ = 0;
};

}  // namespace metron::report
