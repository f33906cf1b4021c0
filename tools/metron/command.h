// The command line of `metron`: a subcommand is one file, listed in main.cpp. Only command.cpp includes
// CLI11, whose headers take longer to compile than all subcommands together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace metron::tools {

// The destination of an option's value. Its initial value is the default that --help shows. Numbers are read
// by core/numbers.h.
using OptionValue =
    std::variant<std::string*, int*, std::int64_t*, std::uint64_t*, double*, std::optional<std::int64_t>*,
                 std::filesystem::path*, std::vector<std::string>*, std::vector<std::int64_t>*>;

// An option and its validation rules. Invalid input ends the program with status 2.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option range(std::int64_t lowest, std::int64_t highest) const;  // of whole numbers, both included
  Option between(double lowest, double highest) const;
  Option above(double lowest) const;  // and finite
  Option one_of(std::vector<std::string> names) const;
  Option shown_as(const std::string& text) const;  // in --help, instead of the value's type and default
  Option separated_by_commas() const;
  Option required() const;
  Option needs(const Option& other) const;
  Option excludes(const Option& other) const;

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Option option(const char* name, OptionValue value, const char* text = "") const;
  Option flag(const char* name, bool& value, const char* text = "") const;
  void hide() const;  // from --help
  bool was_given() const;

  std::function<int()> run;  // called after parsing; returns the exit status

 private:
  CLI::App* app_;
};

class CommandLine {
 public:
  CommandLine(const char* name, const char* text, const char* version);
  ~CommandLine();

  Command add(const char* name, const char* text);
  // The exit status if the program should end here: after --help or an error message for invalid input.
  std::optional<int> parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace metron::tools
