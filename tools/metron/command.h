// The command line of `metron`: a subcommand is one file, listed in main.cpp. CLI11 is included by
// command.cpp alone, as its headers take longer to compile than all subcommands together.
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

// Where an option's value goes. What is there before is the default that --help shows.
using OptionValue =
    std::variant<std::string*, int*, std::int64_t*, std::uint64_t*, double*, std::optional<std::int64_t>*,
                 std::filesystem::path*, std::vector<std::string>*, std::vector<std::int64_t>*>;

// An option, and the rules of its value: bad input ends the program with status 2.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option whole_number() const;     // not negative
  Option positive_number() const;  // finite and above 0
  Option range(int lowest, int highest) const;
  Option range(double lowest, double highest) const;
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

  std::function<int()> run;  // after the options were read; returns the exit status

 private:
  CLI::App* app_;
};

class CommandLine {
 public:
  CommandLine(const char* name, const char* text, const char* version);
  ~CommandLine();

  Command add(const char* name, const char* text);
  // The exit status where the program is to end here: after --help, or a message about bad input.
  std::optional<int> parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace metron::tools
