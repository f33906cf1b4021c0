#include "oracle_cases.h"

#include <metron/core/io/safetensors.h>

#include <algorithm>
#include <array>
#include <utility>

#include "json.h"

namespace metron::test {
namespace {

using op_cases::Layout;

constexpr std::pair<const char*, Layout> layouts[] = {
    {"contiguous", Layout::contiguous}, {"transposed", Layout::transposed},
    {"strided", Layout::strided},       {"offset", Layout::offset},
    {"expanded", Layout::expanded},     {"channels_last", Layout::channels_last}};
constexpr std::pair<const char*, DType> dtypes[] = {{"float32", DType::float32},
                                                    {"float64", DType::float64},
                                                    {"float16", DType::float16},
                                                    {"bfloat16", DType::bfloat16}};

template <typename Value, std::size_t count>
Value named(const std::pair<const char*, Value> (&table)[count], const Json& name) {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  fail<ValueError>("oracle", "unknown name ", name.dump());
}

OracleOptions options_of(const Json& json) {
  OracleOptions options;
  for (const auto& [name, value] : json.items()) {
    OracleOptions::Option& option = options.all[name];
    if (value.is_boolean()) option.number = value.get<bool>() ? 1 : 0;
    if (value.is_number()) option.number = value.get<double>();
    if (value.is_string()) option.text = value.get<std::string>();
    if (value.is_array()) {
      for (const Json& element : value) option.list.push_back(element.get<std::int64_t>());
    }
  }
  return options;
}

class File {
 public:
  File(const std::filesystem::path& path, std::map<std::string, std::vector<OracleCase>>& into) {
    Metadata metadata;
    for (NamedTensor& entry : load_safetensors(path, &metadata))
      tensors_.emplace(std::move(entry.name), std::move(entry.tensor));
    const Json tolerances = parse_json(metadata.at("tolerances"));
    const Json cases = parse_json(metadata.at("cases"));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      OracleCase c = read(i, cases[i]);
      c.tolerance = tolerances.at(c.op).get<double>();
      into[c.op].push_back(std::move(c));
    }
  }

 private:
  OracleCase read(std::size_t index, const Json& json) const {
    OracleCase c;
    c.op = json.at("op").get<std::string>();
    c.title = c.op + ": " + json.at("name").get<std::string>();
    if (json.contains("options")) c.options = options_of(json.at("options"));
    if (json.contains("dtypes")) {
      for (const Json& dtype : json.at("dtypes")) c.dtypes.push_back(named(dtypes, dtype));
    } else {
      for (const auto& [name, dtype] : dtypes) c.dtypes.push_back(dtype);
    }
    c.gradient_layout = named(layouts, json.value("gradient_layout", "contiguous"));
    c.kept = json.value("kept", false);
    if (json.contains("quantiles")) c.quantiles = json.at("quantiles").get<std::vector<double>>();
    const std::string id = std::to_string(index) + '.';
    for (const Json& layout : json.at("inputs")) {
      const std::string number = std::to_string(c.inputs.size());
      const Tensor& x = tensors_.at(id + 'x' + number);
      check<DTypeError>(x.dtype() != DType::float64, "oracle", "inputs must be exact in float32, got ",
                        c.title);
      c.gradients.push_back(result(id + 'd' + number));
      c.updated.push_back(result(id + 'a' + number));
      c.inputs.push_back(
          {op_cases::to_array(x), x.dtype(), named(layouts, layout), c.gradients.back().has_value()});
    }
    c.result = result(id + 'y').value();
    if (tensors_.contains(id + 'g')) c.gradient = op_cases::to_array(tensors_.at(id + 'g'));
    return c;
  }

  std::optional<OracleResult> result(const std::string& name) const {
    const auto values = tensors_.find(name), bounds = tensors_.find(name + ".bound");
    if (values == tensors_.end()) return std::nullopt;
    OracleResult found{op_cases::to_array(values->second), {}};
    if (bounds != tensors_.end()) {
      check<ShapeError>(bounds->second.shape() == values->second.shape(), "oracle", "a bound for each of ",
                        name);
      found.bounds = op_cases::to_array(bounds->second).data;
    }
    return found;
  }

  std::map<std::string, Tensor> tensors_;
};

}  // namespace

double OracleOptions::number(const char* name, double otherwise) const {
  const auto found = all.find(name);
  return found == all.end() ? otherwise : found->second.number;
}

Dims OracleOptions::list(const char* name) const { return all.at(name).list; }

Size2 OracleOptions::size(const char* name, Size2 otherwise) const {
  const auto found = all.find(name);
  return found == all.end() ? otherwise : Size2(found->second.list[0], found->second.list[1]);
}

std::string OracleOptions::text(const char* name) const {
  const auto found = all.find(name);
  return found == all.end() ? "" : found->second.text;
}

std::map<std::string, std::vector<OracleCase>> load_oracle(const std::filesystem::path& folder) {
  std::map<std::string, std::vector<OracleCase>> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") File(entry.path(), cases);
  }
  return cases;
}

}  // namespace metron::test
