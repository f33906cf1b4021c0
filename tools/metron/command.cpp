#include "command.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

namespace metron::tools {

Option Option::whole_number() const {
  option_->check(CLI::Validator(
      [](const std::string& text) {
        std::int64_t value = -1;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool fits = error == std::errc() && end == text.data() + text.size() && value >= 0;
        return fits ? std::string() : "expected a non-negative integer, got " + text;
      },
      "", "whole_number"));
  return *this;
}

Option Option::positive_number() const {
  option_->check(CLI::Validator(
      [](const std::string& text) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool fits =
            error == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value > 0;
        return fits ? std::string() : "expected a positive number, got " + text;
      },
      "", "positive_number"));
  return *this;
}

Option Option::range(int lowest, int highest) const {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}

Option Option::range(double lowest, double highest) const {
  option_->check(CLI::Range(lowest, highest));
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
  return Option(std::visit([&](auto* target) { return app_->add_option(name, *target, text); }, value));
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
