// report.md: the report as Markdown, in the order of the lab's template.
#pragma once

#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <string>

namespace metron::report {

std::string to_markdown(const Report& report, const Language& text);

// CSV files.
std::string ranking_csv(const BatchSection& batch);
std::string faithful_csv(const Report& report);  // in the format of the reference table

// A Markdown table. The first `left` columns are left-aligned, the others right-aligned.
class MarkdownTable {
 public:
  MarkdownTable(std::vector<std::string> header, std::size_t left);
  void add(std::vector<std::string> cells);  // missing trailing cells are empty
  std::string to_string() const { return text_; }

 private:
  std::size_t columns_;
  std::string text_;
};

}  // namespace metron::report
