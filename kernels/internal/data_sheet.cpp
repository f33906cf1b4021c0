#include <metron/core/error.h>
#include <metron/core/internal/strict_json.h>
#include <metron/kernels/internal/data_sheet.h>

#include <algorithm>
#include <filesystem>

namespace metron {
namespace detail {
extern const char* const gpus_json;  // the text of gpus.json
}

namespace {

using detail::StrictObject;

constexpr char op[] = "data_sheet";

constexpr std::pair<const char*, double DataSheet::*> rates[]{
    {"boost_clock_mhz", &DataSheet::boost_clock_mhz},
    {"memory_gb", &DataSheet::memory_gb},
    {"bandwidth_gb_per_s", &DataSheet::bandwidth_gb_per_s},
    {"l2_mb", &DataSheet::l2_mb},
    {"launch_latency_us", &DataSheet::launch_latency_us},
    {"event_resolution_us", &DataSheet::event_resolution_us},
    {"event_cost_us", &DataSheet::event_cost_us},
    {"pcie_gb_per_s", &DataSheet::pcie_gb_per_s},
};
constexpr std::pair<const char*, double PeakTflops::*> peaks[]{
    {"fp64", &PeakTflops::fp64},
    {"fp32", &PeakTflops::fp32},
    {"fp16", &PeakTflops::fp16},
    {"bf16", &PeakTflops::bf16},
    {"tf32_tensor", &PeakTflops::tf32_tensor},
    {"fp16_tensor", &PeakTflops::fp16_tensor},
    {"bf16_tensor", &PeakTflops::bf16_tensor},
};
constexpr NumberRange<double> above_zero{0, 1e9, true};

struct Entry {
  DataSheet sheet;
  std::vector<std::string> aliases;
};

bool is_architecture(std::string_view text) {
  return text.starts_with("sm_") && parse_number<int>(text.substr(3), {50, 999}).has_value();
}

bool is_field(std::string_view name) {
  const auto named = [&](const auto& field) { return name == field.first; };
  if (name.starts_with("tflops.")) {
    name.remove_prefix(7);
    return std::ranges::any_of(peaks, named);
  }
  return name == "sms" || name == "copy_engines" || name == "architecture" ||
         std::ranges::any_of(rates, named);
}

Entry entry(StrictObject fields) {
  Entry e;
  DataSheet& sheet = e.sheet;
  sheet.name = fields.text("name");
  if (fields.has("aliases")) e.aliases = fields.texts("aliases");
  sheet.architecture = fields.text("architecture");
  if (!is_architecture(sheet.architecture))
    fields.refuse("architecture",
                  "must be sm_ and a number, such as sm_75, got \"" + sheet.architecture + '"');
  sheet.sms = static_cast<int>(fields.integer("sms", {1, 4096}));
  sheet.copy_engines = static_cast<int>(fields.integer("copy_engines", {1, 64}));
  for (const auto& [name, rate] : rates) sheet.*rate = fields.number(name, above_zero);
  StrictObject tflops = fields.object("tflops");
  sheet.tflops.fp32 = tflops.number("fp32", above_zero);
  for (const auto& [name, peak] : peaks)
    if (tflops.has(name)) sheet.tflops.*peak = tflops.number(name, above_zero);
  tflops.done();
  for (StrictObject& source : fields.objects("sources")) {
    sheet.source +=
        (sheet.source.empty() ? "" : "; ") + source.text("title") + " <" + source.text("url") + '>';
    source.done();
  }
  if (sheet.source.empty()) fields.refuse("sources", "must have at least one");
  if (fields.has("assumptions")) {
    const StrictObject assumptions = fields.object("assumptions");
    sheet.assumptions = assumptions.all_texts();
    for (const auto& [name, from] : sheet.assumptions)
      if (!is_field(name)) assumptions.refuse(name, "names no field of a data sheet");
  }
  fields.done();
  return e;
}

const std::vector<Entry>& known() {
  static const std::vector<Entry> entries = [] {
    const detail::StrictJson json = detail::parse_strict_json(op, "gpus.json", detail::gpus_json);
    StrictObject file(op, "gpus.json", json);
    std::vector<Entry> all;
    for (StrictObject& gpu : file.objects("gpus")) all.push_back(entry(std::move(gpu)));
    file.done();
    return all;
  }();
  return entries;
}

// Lower-case letters and digits, without the vendor.
std::string key(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) letters += c;
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view vendor = "nvidia";
  return letters.starts_with(vendor) ? letters.substr(vendor.size()) : letters;
}

DataSheet read_data_sheet(const std::filesystem::path& path) {
  const detail::StrictJson json = detail::read_strict_json(op, path);
  return entry(StrictObject(op, path.string(), json)).sheet;
}

}  // namespace

DataSheet data_sheet(std::string_view name_or_json_file) {
  const std::string_view text = name_or_json_file;
  if (text.ends_with(".json") || text.find('/') != text.npos) return read_data_sheet(text);
  const std::string wanted = key(text);
  for (const Entry& e : known()) {
    const auto named = [&](const std::string& name) { return key(name) == wanted; };
    if (named(e.sheet.name) || std::ranges::any_of(e.aliases, named)) return e.sheet;
  }
  std::error_code none;
  if (std::filesystem::exists(text, none)) return read_data_sheet(text);
  std::string names;
  for (const std::string& name : data_sheet_names()) names += (names.empty() ? "" : ", ") + name;
  fail<ValueError>(op, "no GPU is called \"", text, "\"; known are ", names, ", or a JSON file");
}

std::vector<std::string> data_sheet_names() {
  std::vector<std::string> names;
  for (const Entry& e : known()) names.push_back(e.sheet.name);
  return names;
}

}  // namespace metron
