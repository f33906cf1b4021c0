#include "command.h"

#include <metron/core/numbers.h>

#include <CLI/CLI.hpp>
#include <type_traits>

namespace metron::tools {

namespace {

constexpr char number_rule[] = "number";  // the validator that range() replaces

template <typename T>
CLI::Validator validator(const NumberRange<T>& range) {
  return {[range](const std::string& text) {
            return parse_number(text, range) ? "" : "expects " + range.text() + ", got " + text;
          },
          "", number_rule};
}

template <typename T>
void limit(CLI::Option* option, const NumberRange<T>& range) {
  *option->get_validator(number_rule) = validator(range);
}

std::string shown(double value) { return exact_text(value); }
template <typename T>
std::string shown(T value) {
  return std::to_string(value);
}
template <typename T>
std::string shown(const std::optional<T>& value) {
  return value ? shown(*value) : "";
}
template <typename T>
std::string shown(const std::vector<T>& values) {
  std::string text;
  for (const T value : values) text += (text.empty() ? "" : ",") + shown(value);
  return text;
}

template <typename T>
struct NumberOf {
  using type = T;
};
template <typename T>
struct NumberOf<std::optional<T>> : NumberOf<T> {};
template <typename T>
struct NumberOf<std::vector<T>> : NumberOf<T> {};

// CLI11's own conversion reads 010 as eight, and takes signs and separators.
template <typename Target>
CLI::Option* add_number(CLI::App& app, const char* name, Target& target, const char* text) {
  using T = typename NumberOf<Target>::type;
  constexpr bool is_list = std::is_same_v<Target, std::vector<T>>;
  const auto store = [&target](const CLI::results_t& words) {
    if constexpr (is_list) {
      target.clear();
      for (const std::string& word : words) target.push_back(parse_number<T>(word).value());
    } else {
      target = parse_number<T>(words.back()).value();
    }
    return true;
  };
  CLI::Option* option = app.add_option(name, store, text, true, [&target] { return shown(target); });
  option->type_name(std::is_floating_point_v<T> ? "FLOAT" : std::is_unsigned_v<T> ? "UINT" : "INT");
  if constexpr (is_list) option->expected(CLI::detail::expected_max_vector_size);  // one or more
  return option->check(validator(NumberRange<T>{}));
}

}  // namespace

Option Option::range(std::int64_t lowest, std::int64_t highest) const {
  limit(option_, NumberRange<std::int64_t>{lowest, highest});
  return *this;
}

Option Option::between(double lowest, double highest) const {
  limit(option_, NumberRange<double>{lowest, highest});
  return *this;
}

Option Option::above(double lowest) const {
  limit(option_, NumberRange<double>{.lowest = lowest, .exclude_lowest = true});
  return *this;
}

Option Option::one_of(std::vector<std::string> names) const {
  option_->check(CLI::IsMember(std::move(names)));
  return *this;
}

Option Option::shown_as(const std::string& text) const {
  option_->option_text(text);
  return *this;
}

Option Option::separated_by_commas() const {
  option_->delimiter(',');
  return *this;
}

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::needs(const Option& other) const {
  option_->needs(other.option_);
  return *this;
}

Option Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}

Option Command::option(const char* name, OptionValue value, const char* text) const {
  const auto add = [&](auto* target) {
    using T = typename NumberOf<std::remove_pointer_t<decltype(target)>>::type;
    if constexpr (std::is_arithmetic_v<T>) {
      return add_number(*app_, name, *target, text);
    } else {
      return app_->add_option(name, *target, text);
    }
  };
  return Option(std::visit(add, value));
}

Option Command::flag(const char* name, bool& value, const char* text) const {
  return Option(app_->add_flag(name, value, text));
}

void Command::hide() const { app_->group(""); }
bool Command::was_given() const { return app_->parsed(); }

CommandLine::CommandLine(const char* name, const char* text, const char* version)
    : app_(std::make_unique<CLI::App>(text, name)) {
  app_->set_version_flag("--version", version);
}
CommandLine::~CommandLine() = default;

Command CommandLine::add(const char* name, const char* text) {
  CLI::App* app = app_->add_subcommand(name, text);
  app->option_defaults()->always_capture_default();
  return Command(app);
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace metron::tools
