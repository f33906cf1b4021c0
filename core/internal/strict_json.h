// Reads hand-written JSON: every field is known, of the right type and in range, and none is given twice.
#pragma once

#include <metron/core/numbers.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace metron::detail {

using StrictJson = nlohmann::ordered_json;

// ValueError "[op] FILE ..." if the text is not JSON, nests too deeply or has a field twice.
StrictJson parse_strict_json(const char* op, const std::string& file, std::string_view text);
// IoError if the file can't be read or is larger than 1 MiB.
StrictJson read_strict_json(const char* op, const std::filesystem::path& path);

// The fields of an object. Errors are ValueErrors "[op] FILE: FIELD must be ..., got ...", with the field's
// path.
class StrictObject {
 public:
  StrictObject(const char* op, std::string file, const StrictJson& json, std::string path = "");

  bool has(const char* name);
  bool has_list(const char* name) { return has(name) && json_.at(name).is_array(); }
  std::string text(const char* name);
  double number(const char* name, const NumberRange<double>& range);
  std::int64_t integer(const char* name, const NumberRange<std::int64_t>& range);
  bool boolean(const char* name);
  StrictObject object(const char* name);
  std::vector<StrictObject> objects(const char* name);  // a list of them
  std::vector<std::string> texts(const char* name);
  std::vector<std::int64_t> integers(const char* name, const NumberRange<std::int64_t>& range);
  // Of an object whose fields are all strings.
  std::vector<std::pair<std::string, std::string>> all_texts() const;

  // Refuses unknown fields: those that no call has named.
  void done() const;
  // ValueError about a field of this object, or about the object itself for "".
  [[noreturn]] void refuse(std::string_view name, const std::string& rule) const;

 private:
  const StrictJson& list(const char* name);
  const StrictJson& at(const char* name);
  std::string path_of(std::string_view name) const;
  [[noreturn]] void mistyped(std::string_view name, const std::string& expected,
                             const StrictJson& found) const;

  const char* op_;
  std::string file_;
  const StrictJson& json_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace metron::detail
