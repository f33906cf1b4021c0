#include "driver.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string_view>

#include "arguments.h"
#include "compilation.h"

namespace metron::nvcc {

namespace {

namespace fs = std::filesystem;

bool is_cuda(const std::string& file, const std::string& language) {
  return language.empty() ? fs::path(file).extension() == ".cu" : language == "cu";
}
bool is_object(const std::string& file) {
  const std::string extension = fs::path(file).extension();
  return extension == ".o" || extension == ".a" || extension == ".so" || extension == ".obj" ||
         file.find(".so.") != std::string::npos;
}
bool is_source(const std::string& file) {
  const std::string extension = fs::path(file).extension();
  for (const std::string_view known : {".cu", ".cpp", ".cc", ".cxx", ".c", ".C", ".c++"})
    if (extension == known) return true;
  return false;
}

int report(const std::string& message) {
  std::fprintf(stderr, "metron nvcc: error: %s\n", message.c_str());
  return 1;
}

void check_inputs(const Arguments& arguments) {
  if (arguments.inputs.empty()) throw UsageError("no input files; --help shows the options");
  for (const std::string& input : arguments.inputs) {
    if (!fs::exists(input)) throw UsageError(input + ": no such file");
    if (arguments.language.empty() && !is_source(input) && !is_object(input))
      throw UsageError(input + ": the extension names no language; -x cu says that it is CUDA C++");
  }
  for (const std::string& input : arguments.inputs)
    if (fs::exists(arguments.output) && fs::equivalent(input, arguments.output))
      throw UsageError("-o " + arguments.output + " would overwrite the input file " + input);
  if (arguments.compile_only && !arguments.output.empty() && arguments.inputs.size() > 1)
    throw UsageError("-o names one object file, but there are several input files");
}

int build(const Arguments& arguments) {
  check_inputs(arguments);
  Compilation compilation(arguments.compiler.empty() ? METRON_EMULATOR_CXX : arguments.compiler,
                          arguments.verbose, arguments.dry_run);
  Command host{"-std=gnu++" + arguments.standard};
  append(host, arguments.host);
  if (arguments.shared) host.emplace_back("-fPIC");
  Command objects;
  for (const std::string& input : arguments.inputs) {
    if (is_object(input)) {
      objects.push_back(input);
      continue;
    }
    if (arguments.preprocess_only) {
      Command options = arguments.preprocessor;
      append(options, host);
      compilation.preprocess(input, arguments.output, options, arguments.architecture);
      continue;
    }
    std::string output = arguments.output;
    if (!arguments.compile_only) output = compilation.temporary_object();
    if (output.empty()) output = fs::path(input).stem().string() + ".o";
    if (is_cuda(input, arguments.language)) {
      compilation.cuda(input, output, arguments.preprocessor, host, arguments.architecture);
    } else {
      Command options{"-x", fs::path(input).extension() == ".c" || arguments.language == "c" ? "c" : "c++"};
      const bool c = options.back() == "c";
      append(options, c ? arguments.host : host);
      append(options, arguments.preprocessor);
      if (!arguments.optimization.empty()) options.push_back(arguments.optimization);
      compilation.host_file(input, output, options);
    }
    objects.push_back(output);
  }
  if (arguments.compile_only || arguments.preprocess_only) return 0;
  const std::string program = arguments.output.empty() ? "a.out" : arguments.output;
  Command options = arguments.linker;
  append(options, arguments.host);
  if (arguments.shared) options.emplace_back("-shared");
  compilation.link(objects, program, options);
  if (arguments.run) compilation.run({fs::absolute(program).string()});
  return 0;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  try {
    const Arguments all = parsed(arguments);
    if (all.help || all.version) {
      std::fputs(all.help ? usage() : "metron nvcc " METRON_VERSION ", stands in for nvcc of CUDA 13\n",
                 stdout);
      return 0;
    }
    return build(all);
  } catch (const Failure& failure) {
    return failure.status;
  } catch (const std::exception& error) {
    return report(error.what());
  }
}

// The options of the first step write the dependency file; those of the second must not.
int launch(const std::vector<std::string>& command) {
  try {
    std::string input, output;
    Command preprocessor, host;
    for (std::size_t i = 1; i < command.size(); ++i) {
      const std::string& word = command[i];
      const bool with_value = i + 1 < command.size();
      if (word == "-o" && with_value) {
        output = command[++i];
      } else if ((word == "-MF" || word == "-MT" || word == "-MQ" || word == "-isystem" ||
                  word == "-include") &&
                 with_value) {
        preprocessor.push_back(word);
        preprocessor.push_back(command[++i]);
      } else if (word == "-x" && with_value) {
        ++i;
      } else if (word.starts_with("-M") || word.starts_with("-I") || word.starts_with("-D") ||
                 word.starts_with("-U")) {
        preprocessor.push_back(word);
      } else if (word.ends_with(".cu") && word[0] != '-') {
        input = word;
      } else if (word != "-c" && !word.starts_with("-std=")) {
        host.push_back(word);
      }
    }
    if (input.empty() || output.empty())
      throw UsageError("--launcher expects a compiler's command for one .cu file");
    const auto given = [&](const char* option) {
      return std::find(preprocessor.begin(), preprocessor.end(), option) != preprocessor.end();
    };
    // The dependency file names the object file, as the build's rule does.
    if ((given("-MD") || given("-MMD")) && !given("-MT") && !given("-MQ")) {
      preprocessor.emplace_back("-MT");
      preprocessor.push_back(output);
    }
    host.insert(host.begin(), "-std=gnu++20");
    Compilation(command.at(0), false, false).cuda(input, output, preprocessor, host, 900);
    return 0;
  } catch (const Failure& failure) {
    return failure.status;
  } catch (const std::exception& error) {
    return report(error.what());
  }
}

}  // namespace metron::nvcc
