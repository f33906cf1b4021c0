// Conversion of a report to JSON and back.
#include <metron/core/error.h>
#include <metron/core/internal/file_kind.h>
#include <metron/core/numbers.h>
#include <metron/tools/report/run_fields.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace metron::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr char format[] = "metron report";
constexpr int version = 5;

template <typename T>
inline constexpr bool is_list = false;
template <typename T>
inline constexpr bool is_list<std::vector<T>> = true;
template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_plain = std::is_arithmetic_v<T> || std::is_same_v<T, std::string>;

// A diverged training has losses that are not finite. No other number may be one.
template <typename T>
inline constexpr bool holds_losses = std::is_same_v<T, Curve> || std::is_same_v<T, Test>;

template <typename T>
Json written(const T& value, bool is_loss = false) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isfinite(value)) return value;
    check<ValueError>(is_loss, "report", "a number of run.json must be finite, got ", value);
    return exact_text(std::isnan(value) ? std::abs(value) : value);
  } else if constexpr (is_plain<T>) {
    return value;
  } else if constexpr (std::is_same_v<T, JsonText>) {
    return value.text.empty() ? Json() : Json::parse(value.text);
  } else if constexpr (is_optional<T>) {
    return value ? written(*value, is_loss) : Json();
  } else if constexpr (is_list<T>) {
    Json json = Json::array();
    for (const auto& element : value) json.push_back(written(element, is_loss));
    return json;
  } else {
    Json json = Json::object();
    const auto field = [&](const char* name, const auto& member) {
      json[name] = written(member, holds_losses<T>);
    };
    list(field, value, static_cast<const T*>(nullptr));
    return json;
  }
}

double special_number(const std::string& text) {
  const std::optional<double> value = parse_number<double>(text);
  if (!value || std::isfinite(*value)) throw std::range_error("a loss can't be \"" + text + '"');
  return *value;
}

// The library's own conversion wraps -1 and cuts fractions off.
template <typename T>
T whole_number(const Json& json) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<T>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
  if (!fits) throw std::range_error("expected " + NumberRange<T>{}.text() + ", got " + json.dump());
  return json.get<T>();
}

template <typename T>
void read(const Json& json, T& value, bool is_loss = false) {
  if constexpr (std::is_same_v<T, JsonText>) {
    value.text = json.dump();
  } else if constexpr (std::is_floating_point_v<T>) {
    value = is_loss && json.is_string() ? special_number(json.get<std::string>()) : json.get<T>();
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    value = whole_number<T>(json);
  } else if constexpr (is_plain<T>) {
    value = json.get<T>();
  } else if constexpr (is_optional<T>) {
    if (json.is_null()) {
      value.reset();
    } else {
      read(json, value.emplace(), is_loss);
    }
  } else if constexpr (is_list<T>) {
    value.clear();
    for (const Json& element : json.get_ref<const Json::array_t&>())
      read(element, value.emplace_back(), is_loss);
  } else {
    const auto field = [&](const char* name, auto& member) { read(json.at(name), member, holds_losses<T>); };
    list(field, value, static_cast<const T*>(nullptr));
  }
}

}  // namespace

Json to_json(const Report& report) {
  Json json{{"format", format}, {"version", version}};
  json.update(written(report));
  return json;
}

std::string to_json_text(const Report& report) {
  // Paths need not be UTF-8.
  return to_json(report).dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Report load_run(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  check<IoError>(file.good(), "report", path.string(), ": the file can't be read");
  try {
    const Json json = Json::parse(file);
    check<IoError>(json.at("format") == format && json.at("version") == version, "report", path.string(),
                   ": is not a run.json of this version of metron report");
    Report report;
    read(json, report);
    return report;
  } catch (const nlohmann::json::exception& error) {
    fail<IoError>("report", path.string(), ": is not a run.json: ", error.what(),
                  detail::file_kind_hint_at(path));
  } catch (const std::range_error& error) {
    fail<IoError>("report", path.string(), ": is not a run.json: ", error.what());
  }
}

}  // namespace metron::report
