#include <metron/tools/drawing/axis.h>
#include <metron/tools/report/render/explanation.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace metron::report {
namespace {

using Json = nlohmann::ordered_json;

double number_at(const Json& run, const std::string& path) {
  const std::size_t star = path.find("/*");
  if (star == std::string::npos) return run.at(Json::json_pointer(path)).get<double>();
  double sum = 0;
  for (const Json& each : run.at(Json::json_pointer(path.substr(0, star))))
    sum += number_at(each, path.substr(star + 2));
  return sum;
}

// Builds sentences with values looked up in run.json.
class Paragraph {
 public:
  Paragraph(const Report& report, const Language& language)
      : run_(report::to_json(report)), language_(language) {}

  Part word(const std::string& path) const {
    return {run_.at(Json::json_pointer(path)).get<std::string>(), "word", path};
  }
  Part op(const std::string& path) const {
    Part part = word(path);
    part.kind = "code";
    return part;
  }
  Part number(const std::string& kind, const std::string& path, const std::string& over = "",
              double less = 0) const {
    const double value = number_at(run_, path) / (over.empty() ? 1 : number_at(run_, over)) - less;
    const std::string shown = kind == "share" ? drawing::number_text(100 * value, 3)
                                              : drawing::number_text(value, kind == "ratio" ? 3 : 4);
    return {shown, kind, path, over, less};
  }

  // Adds a text in the language, with {0}, {1}, ... replaced by the values.
  void text(const char* english, const std::vector<Part>& values) {
    const std::string whole = language_(english);
    std::string between;
    const auto end_text = [&] {
      if (!between.empty()) parts_.push_back({std::exchange(between, "")});
    };
    for (std::size_t i = 0; i < whole.size();) {
      if (whole[i] == '{' && i + 2 < whole.size() && whole[i + 2] == '}') {
        end_text();
        parts_.push_back(values.at(static_cast<std::size_t>(whole[i + 1] - '0')));
        i += 3;
      } else {
        between += whole[i++];
      }
    }
    end_text();
  }
  void end_sentence() {
    if (language_.code() != "zh") parts_.push_back({" "});
  }

  std::vector<Part> finish() { return std::move(parts_); }

 private:
  Json run_;
  const Language& language_;
  std::vector<Part> parts_;
};

std::string item(const std::string& list, std::size_t index) { return list + '/' + std::to_string(index); }

// The path of the first element for which `holds` returns true; "" if there is none.
template <typename Row, typename Predicate>
std::string find(const std::string& list, const std::vector<Row>& rows, const Predicate& holds) {
  const auto found = std::find_if(rows.begin(), rows.end(), holds);
  return found == rows.end() ? "" : item(list, static_cast<std::size_t>(found - rows.begin()));
}

// Paths of the smallest and the largest positive value among the op's rows in all tables.
struct Extremes {
  std::string low, high;
};
Extremes extremes(const Report& report, const std::string& op, const char* member, const auto& value_of) {
  std::vector<std::pair<double, std::string>> all;
  for (std::size_t s = 0; s < report.faithful.size(); ++s) {
    const auto& rows = report.faithful[s].rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::optional<double> value = value_of(rows[i]);
      if (rows[i].op == op && value && *value > 0)
        all.emplace_back(*value, item(item("/faithful", s) + "/rows", i) + '/' + member);
    }
  }
  if (all.size() < 2) return {};
  const auto [low, high] = std::minmax_element(all.begin(), all.end());
  return {low->second, high->second};
}

}  // namespace

std::vector<Part> explanation(const Report& report, const Language& language) {
  if (report.faithful.empty() || report.batches.empty() || report.cold.empty()) return {};
  const FaithfulSection& faithful = report.faithful.back();
  const std::string lab = item("/faithful", report.faithful.size() - 1), small = "/batches/0",
                    large = item("/batches", report.batches.size() - 1),
                    cold = item("/cold", report.cold.size() - 1);
  const std::string top =
      find(lab + "/rows", faithful.rows, [](const FaithfulRow& row) { return row.in_reference; });
  if (top.empty()) return {};
  const std::string op = std::find_if(faithful.rows.begin(), faithful.rows.end(), [](const FaithfulRow& row) {
                           return row.in_reference;
                         })->op;
  const auto is_warm = [&](const OpRow& row) { return row.phase == "forward" && row.reference_name == op; };
  const std::string warm_small = find(small + "/ops", report.batches.front().ops, is_warm),
                    warm_large = find(large + "/ops", report.batches.back().ops, is_warm);
  const bool warm = !warm_small.empty() && !warm_large.empty();

  Paragraph p(report, language);
  p.text("Measured as the lab did, {0} takes {1} µs at batch size {2}: {3} % of the only pass.",
         {p.op(top + "/op"), p.number("us", top + "/total_us"), p.number("count", lab + "/batch"),
          p.number("share", top + "/total_us", lab + "/wall_us")});
  p.end_sentence();
  for (std::size_t i = 0; i < faithful.starts.size(); ++i) {
    const std::string start = item(lab + "/starts", i);
    p.text(
        "{0}, {1} µs in the first call of {2}, is not part of any row, since it is not a cost of that "
        "operator. The reference includes the initialization of cuDNN in conv2d.",
        {p.word(start + "/name"), p.number("us", start + "/us"), p.op(start + "/op")});
    p.end_sentence();
  }
  if (warm) {
    p.text("Warm, the same operator takes {0} µs in a step at batch size {1} and {2} µs at batch size {3}.",
           {p.number("us", warm_small + "/time_us"), p.number("count", small + "/batch"),
            p.number("us", warm_large + "/time_us"), p.number("count", large + "/batch")});
    p.end_sentence();
  }
  if (!report.cold.back().initialization.empty() && report.cold.back().initialization.front().us > 0) {
    const std::string most = cold + "/initialization/0";
    p.text(
        "In the first training step of a process at batch size {0}, including the backward pass, {1} took "
        "{2} µs longer than in a warm step: {3} % of that first step.",
        {p.number("count", cold + "/batch"), p.word(most + "/library"), p.number("us", most + "/us"),
         p.number("share", most + "/share")});
    p.end_sentence();
  }
  const Extremes here =
      extremes(report, op, "total_us", [](const FaithfulRow& row) { return std::optional(row.total_us); });
  if (!here.low.empty()) {
    p.text(
        "The lab's program processes one image at any batch size, so its tables repeat one measurement: the "
        "times of {0} differ by {1} % here",
        {p.op(top + "/op"), p.number("share", here.high, here.low, 1)});
    const Extremes there =
        extremes(report, op, "reference_us", [](const FaithfulRow& row) { return row.reference_us; });
    if (!there.low.empty())
      p.text(" and {0} % in the reference", {p.number("share", there.high, there.low, 1)});
    if (warm)
      p.text(", whereas real batches cost {0} times as much at the largest size as at the smallest",
             {p.number("ratio", warm_large + "/time_us", warm_small + "/time_us")});
    p.text(".", {});
    p.end_sentence();
  }
  p.text(
      "Parents include their nested rows, so the rows of that table add up to {0} % of the pass; self times "
      "add up to {1} % of the wall time.",
      {p.number("share", lab + "/rows/*/total_us", lab + "/wall_us"),
       p.number("share", large + "/self_part")});
  if (!report.batches.back().phases.empty()) {
    p.end_sentence();
    p.text(
        "It covers only the forward pass, on the host's clock: {1} % of a warm training step at batch size "
        "{0}.",
        {p.number("count", large + "/batch"), p.number("share", large + "/phases/0/share")});
  }
  return p.finish();
}

std::string plain(const std::vector<Part>& parts) {
  std::string text;
  for (const Part& part : parts) text += part.text;
  return text;
}

Json to_json(const std::vector<Part>& parts) {
  Json json = Json::array();
  for (const Part& part : parts) {
    if (part.kind.empty()) {
      json.push_back(part.text);
    } else {
      json.push_back({{"kind", part.kind}, {"path", part.path}, {"over", part.over}, {"less", part.less}});
    }
  }
  return json;
}

}  // namespace metron::report
