#include "arguments.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

#include "known_options.h"

namespace metron::nvcc {

namespace {

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> split(const std::string& list, const char* separators = ",") {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find_first_of(separators, begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// "sm_86", "compute_90a", "arch=compute_80,code=sm_80", "native": the compute capability times 100.
int architecture(const std::string& text) {
  if (text == "native" || text == "all" || text == "all-major") return 900;
  const std::size_t at = std::min(text.find("sm_"), text.find("compute_"));
  const std::size_t digits = at == std::string::npos ? at : text.find('_', at) + 1;
  if (digits >= text.size() || std::isdigit(static_cast<unsigned char>(text[digits])) == 0)
    throw UsageError("`" + text + "` names no architecture: sm_75, compute_90, native");
  return std::stoi(text.substr(digits)) * 10;
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& all) : all_(all) {}

  Arguments run() {
    const bool forward = std::any_of(all_.begin(), all_.end(), [](const std::string& argument) {
      return argument == "-forward-unknown-to-host-compiler" ||
             argument == "--forward-unknown-to-host-compiler";
    });
    for (; at_ < all_.size(); ++at_) {
      argument_ = all_[at_];
      if (argument_.size() < 2 || argument_[0] != '-')
        result_.inputs.push_back(argument_);
      else if (!plain() && !prefixed() && !valued() && !(forward && pass(result_.host, argument_)))
        throw UsageError("the option `" + argument_ + "` is not known; -Xcompiler " + argument_ +
                         " passes it to the host compiler");
    }
    return std::move(result_);
  }

 private:
  // Without a value.
  bool plain() {
    if (contains(ignored, argument_)) return true;
    if (contains(device_products, argument_))
      throw UsageError("`" + argument_ + "` makes code for a device: the emulator has none");
    const std::map<std::string_view, bool*> flags{{"-c", &result_.compile_only},
                                                  {"--compile", &result_.compile_only},
                                                  {"-dc", &result_.compile_only},
                                                  {"--device-c", &result_.compile_only},
                                                  {"-dw", &result_.compile_only},
                                                  {"-E", &result_.preprocess_only},
                                                  {"--preprocess", &result_.preprocess_only},
                                                  {"-shared", &result_.shared},
                                                  {"--shared", &result_.shared},
                                                  {"-v", &result_.verbose},
                                                  {"--verbose", &result_.verbose},
                                                  {"--dryrun", &result_.dry_run},
                                                  {"-dryrun", &result_.dry_run},
                                                  {"-h", &result_.help},
                                                  {"--help", &result_.help},
                                                  {"--version", &result_.version},
                                                  {"-V", &result_.version},
                                                  {"-run", &result_.run},
                                                  {"--run", &result_.run}};
    if (const auto flag = flags.find(argument_); flag != flags.end()) return *flag->second = true;
    if (argument_ == "-g" || argument_ == "--debug") return pass(result_.host, "-g");
    if (argument_ == "-pg") return pass(result_.host, "-pg");
    if (argument_ == "-w" || argument_ == "--disable-warnings") return pass(result_.host, "-w");
    if (argument_ == "-M" || argument_ == "-MM") {
      result_.preprocess_only = true;
      return pass(result_.preprocessor, argument_);
    }
    if (argument_ == "-MD" || argument_ == "-MMD" || argument_ == "-MP")
      return pass(result_.preprocessor, argument_);
    return false;
  }

  // The value is the rest of the argument, or the next one.
  bool prefixed() {
    for (const std::string_view option : {"-isystem", "-include", "-MF", "-MT", "-MQ", "-I", "-D", "-U"})
      if (argument_.starts_with(option)) {
        result_.preprocessor.emplace_back(option);
        return pass(result_.preprocessor, value_of(option));
      }
    for (const auto& [name, option] : {std::pair("--include-path", "-I"),
                                       {"--define-macro", "-D"},
                                       {"--undefine-macro", "-U"},
                                       {"--system-include", "-isystem"},
                                       {"--pre-include", "-include"}})
      if (is(name)) {
        result_.preprocessor.emplace_back(option);
        return pass(result_.preprocessor, value_of(name));
      }
    if (is("-lineinfo")) return true;
    for (const std::string_view option : {"-l", "--library"})
      if (argument_.starts_with(option) && !is("--library-path")) return library(value_of(option));
    for (const std::string_view option : {"-L", "--library-path"})
      if (argument_.starts_with(option)) return pass(result_.linker, "-L" + value_of(option));
    for (const std::string_view option : {"-O", "--optimize"})
      if (argument_.starts_with(option)) {
        const std::string level = argument_ == "-O" ? "2" : value_of(option);
        if (level.size() != 1 || level[0] < '0' || level[0] > '3')
          throw UsageError("`" + argument_ + "` is no optimization level: -O0 to -O3");
        result_.optimization = "-O" + level;
        return true;
      }
    return false;
  }

  // "-option value" or "-option=value".
  bool valued() {
    if (is("-o") || is("--output-file")) return set(result_.output);
    if (is("-x") || is("--x")) {
      set(result_.language);
      if (result_.language == "cu" || result_.language == "c++" || result_.language == "c") return true;
      throw UsageError("-x " + result_.language + " is no language: cu, c++, c");
    }
    if (is("-std") || is("--std")) {
      const std::string standard = value();
      const std::string year = standard.substr(std::min(standard.size(), standard.find_last_of('+') + 1));
      if (year != "03" && year != "11" && year != "14" && year != "17" && year != "20" && year != "23")
        throw UsageError("-std=" + standard + " is no standard of C++: c++11 to c++23");
      result_.standard = year == "23" ? "23" : "20";  // the emulator's headers are C++20
      return true;
    }
    if (is("-arch") || is("--gpu-architecture") || is("-gencode") || is("--generate-code")) {
      result_.architecture = architecture(value());
      return true;
    }
    if (is("-ccbin") || is("--compiler-bindir")) return set(result_.compiler);
    if (is("-Xcompiler") || is("--compiler-options")) {
      for (const std::string& option : split(value(), ", ")) result_.host.push_back(option);
      return true;
    }
    if (is("-Xlinker") || is("--linker-options")) {
      for (const std::string& option : split(value())) {
        result_.linker.emplace_back("-Xlinker");
        result_.linker.push_back(option);
      }
      return true;
    }
    return std::any_of(ignored_with_value.begin(), ignored_with_value.end(), [&](std::string_view option) {
      if (!is(option)) return false;
      value();
      return true;
    });
  }

  bool is(std::string_view option) const {
    return argument_ == option || (argument_.starts_with(option) && argument_.size() > option.size() &&
                                   argument_[option.size()] == '=');
  }
  std::string value() {
    if (const std::size_t equals = argument_.find('='); equals != std::string::npos)
      return argument_.substr(equals + 1);
    return next();
  }
  std::string value_of(std::string_view option) {
    if (argument_.size() == option.size()) return next();
    return argument_.substr(option.size() +
                            (argument_[option.size()] == '=' && option.starts_with("--") ? 1 : 0));
  }
  std::string next() {
    if (at_ + 1 >= all_.size()) throw UsageError("the option `" + argument_ + "` needs a value");
    return all_[++at_];
  }
  bool set(std::string& place) {
    place = value();
    return true;
  }
  static bool pass(std::vector<std::string>& list, std::string option) {
    list.push_back(std::move(option));
    return true;
  }
  bool library(const std::string& name) {
    if (contains(missing_libraries, name))
      throw UsageError("-l" + name + ": the emulator does not have this library");
    if (!contains(included_libraries, name)) result_.linker.push_back("-l" + name);
    return true;
  }

  const std::vector<std::string>& all_;
  std::size_t at_ = 0;
  std::string argument_;
  Arguments result_;
};

}  // namespace

Arguments parsed(const std::vector<std::string>& arguments) { return Parser(arguments).run(); }

}  // namespace metron::nvcc
