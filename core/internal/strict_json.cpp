#include <metron/core/error.h>
#include <metron/core/internal/file_kind.h>
#include <metron/core/internal/strict_json.h>
#include <metron/core/io/regular_file.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

namespace metron::detail {
namespace {

constexpr std::uint64_t largest_file = 1 << 20;
constexpr int deepest = 32;  // readers recurse

std::string excerpt(const StrictJson& json) {
  constexpr std::size_t longest = 60;
  const std::string text = json.dump(-1, ' ', true, StrictJson::error_handler_t::replace);
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

// An unsigned number above int64 is in no range, rather than wrapped into one.
bool is_integer_in(const StrictJson& value, const NumberRange<std::int64_t>& range) {
  if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())) return false;
  return value.is_number_integer() && range.contains(value.get<std::int64_t>());
}

}  // namespace

StrictJson parse_strict_json(const char* op, const std::string& file, std::string_view text) {
  std::vector<std::set<std::string>> names;  // of the objects that enclose the current position
  std::string twice;
  int depth = 0;
  const auto observe = [&](int level, StrictJson::parse_event_t event, StrictJson& parsed) {
    depth = std::max(depth, level);
    if (event == StrictJson::parse_event_t::object_start) names.emplace_back();
    if (event == StrictJson::parse_event_t::object_end) names.pop_back();
    if (event == StrictJson::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  try {
    StrictJson json = StrictJson::parse(text, observe);
    check<ValueError>(twice.empty(), op, file, ": duplicate field ", twice);
    check<ValueError>(depth <= deepest, op, file, " must nest at most ", deepest, " levels, got ", depth);
    return json;
  } catch (const StrictJson::parse_error& error) {
    fail<ValueError>(op, file, " is not JSON: see byte ", error.byte,
                     file_kind_hint(text.substr(0, file_kind_bytes)));
  } catch (const StrictJson::out_of_range&) {
    fail<ValueError>(op, file, " has a number that no double can represent");
  }
}

StrictJson read_strict_json(const char* op, const std::filesystem::path& path) {
  check<IoError>(regular_file_size(op, path) <= largest_file, op, path.string(),
                 ": the file must be at most 1 MiB");
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  check<IoError>(stream.is_open() && !stream.bad(), op, path.string(), ": the file can't be read");
  return parse_strict_json(op, path.string(), text);
}

StrictObject::StrictObject(const char* op, std::string file, const StrictJson& json, std::string path)
    : op_(op), file_(std::move(file)), json_(json), path_(std::move(path)) {
  if (!json_.is_object()) mistyped("", "an object", json_);
}

bool StrictObject::has(const char* name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  return json_.contains(name);
}

std::string StrictObject::text(const char* name) {
  const StrictJson& value = at(name);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) mistyped(name, "a string", value);
  return value.get<std::string>();
}

double StrictObject::number(const char* name, const NumberRange<double>& range) {
  const StrictJson& value = at(name);
  if (!value.is_number() || !range.contains(value.get<double>())) mistyped(name, range.text(), value);
  return value.get<double>();
}

std::int64_t StrictObject::integer(const char* name, const NumberRange<std::int64_t>& range) {
  const StrictJson& value = at(name);
  if (!is_integer_in(value, range)) mistyped(name, range.text(), value);
  return value.get<std::int64_t>();
}

bool StrictObject::boolean(const char* name) {
  const StrictJson& value = at(name);
  if (!value.is_boolean()) mistyped(name, "true or false", value);
  return value.get<bool>();
}

StrictObject StrictObject::object(const char* name) { return {op_, file_, at(name), path_of(name)}; }

std::vector<StrictObject> StrictObject::objects(const char* name) {
  std::vector<StrictObject> all;
  for (const StrictJson& element : list(name))
    all.emplace_back(op_, file_, element, path_of(name) + '[' + std::to_string(all.size()) + ']');
  return all;
}

std::vector<std::string> StrictObject::texts(const char* name) {
  std::vector<std::string> all;
  for (const StrictJson& element : list(name)) {
    if (!element.is_string()) mistyped(name, "a list of strings", list(name));
    all.push_back(element.get<std::string>());
  }
  return all;
}

std::vector<std::int64_t> StrictObject::integers(const char* name, const NumberRange<std::int64_t>& range) {
  std::vector<std::int64_t> all;
  for (const StrictJson& element : list(name)) {
    if (!is_integer_in(element, range)) mistyped(name, "a list, each " + range.text(), list(name));
    all.push_back(element.get<std::int64_t>());
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> StrictObject::all_texts() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : json_.items()) {
    if (!value.is_string()) mistyped(name, "a string", value);
    all.emplace_back(name, value.get<std::string>());
  }
  return all;
}

void StrictObject::done() const {
  for (const auto& [name, value] : json_.items()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    std::string known;
    for (const std::string& one : known_) known += (known.empty() ? "" : ", ") + one;
    fail<ValueError>(op_, file_, ": unknown field ", path_of(name), "; known are ", known);
  }
}

void StrictObject::refuse(std::string_view name, const std::string& rule) const {
  fail<ValueError>(op_, file_, ": ", path_of(name), ' ', rule);
}

const StrictJson& StrictObject::list(const char* name) {
  const StrictJson& value = at(name);
  if (!value.is_array()) mistyped(name, "a list", value);
  return value;
}

const StrictJson& StrictObject::at(const char* name) {
  check<ValueError>(has(name), op_, file_, ": field ", path_of(name), " is missing");
  return json_.at(name);
}

std::string StrictObject::path_of(std::string_view name) const {
  if (name.empty()) return path_.empty() ? "the file" : path_;
  return path_.empty() ? std::string(name) : path_ + '.' + std::string(name);
}

void StrictObject::mistyped(std::string_view name, const std::string& expected,
                            const StrictJson& found) const {
  refuse(name, "must be " + expected + ", got " + excerpt(found));
}

}  // namespace metron::detail
