#include <metron/core/internal/classic_stream.h>
#include <metron/core/parallel.h>
#include <metron/tools/build_info.h>
#include <metron/tools/environment.h>
#include <sched.h>
#include <sys/utsname.h>
#include <zlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

namespace metron::tools {
namespace {

constexpr char unknown[] = "unknown";

std::string trimmed(const std::string& text) {
  const char* const blanks = " \t\"\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// The value after the separator in the line that starts with `name`.
std::string value_in(const std::string& file, const std::string& name, char separator) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find(separator);
    if (end != std::string::npos && trimmed(line.substr(0, end)) == name)
      return trimmed(line.substr(end + 1));
  }
  return unknown;
}

int physical_cores(int fallback) {
  std::set<std::string> cores;  // package and core
  std::ifstream lines("/proc/cpuinfo");
  std::string package;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("physical id")) package = line;
    if (line.starts_with("core id")) cores.insert(package + line);
  }
  return cores.empty() ? fallback : static_cast<int>(cores.size());
}

// The processor's flags that some provider has kernels for.
std::string instruction_sets() {
  const std::set<std::string> known{"sse4_2",   "avx",      "avx2",     "fma",         "f16c",
                                    "avx512f",  "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
                                    "avx_vnni", "amx_bf16", "amx_int8", "asimd",       "sve"};
  std::string flags = value_in("/proc/cpuinfo", "flags", ':');
  if (flags == unknown) flags = value_in("/proc/cpuinfo", "Features", ':');
  std::istringstream words(flags);
  std::string found;
  for (std::string word; words >> word;) {
    if (known.contains(word)) found += (found.empty() ? "" : " ") + word;
  }
  return found.empty() ? unknown : found;
}

int usable_processors(int fallback) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : fallback;
}

Environment::Cpu read_cpu() {
  Environment::Cpu cpu;
  cpu.model = value_in("/proc/cpuinfo", "model name", ':');
  cpu.threads = static_cast<int>(std::thread::hardware_concurrency());
  cpu.cores = physical_cores(cpu.threads);
  cpu.usable = usable_processors(cpu.threads);
  cpu.isa = cpu_isa();
  cpu.instruction_sets = instruction_sets();
  return cpu;
}

std::uint64_t memory_bytes() {
  std::istringstream value(value_in("/proc/meminfo", "MemTotal", ':'));  // "24650904 kB"
  value.imbue(std::locale::classic());
  std::uint64_t kilobytes = 0;
  value >> kilobytes;
  return kilobytes * 1024;
}

std::string kernel_name() {
  utsname name{};
  if (uname(&name) != 0) return unknown;
  return std::string(name.sysname) + ' ' + name.release + ' ' + name.machine;
}

// The times of an emulator must never be mistaken for a device's.
std::string device_name(Device::Type type) {
  const bool emulated = has_device(type) && backend(type).is_emulated();
  return std::string(emulated ? "emulated " : "") + name_of(type);
}

std::string why_no_accelerator() {
  try {
    backend(Device(Device::Type::cuda));
    return "the CPU executes CUDA kernels";
  } catch (const DeviceError& error) {
    return error.what();
  }
}

std::string gibibytes(std::uint64_t bytes) {
  metron::detail::ClassicStream out;
  out.precision(1);
  out << std::fixed << static_cast<double>(bytes) / (1 << 30) << " GiB";
  return out.str();
}

}  // namespace

Environment collect_environment() {
  Environment e;
  e.cpu = read_cpu();
  e.memory_bytes = memory_bytes();
  e.accelerators = accelerators();
  if (e.accelerators.empty()) e.why_no_accelerator = why_no_accelerator();
  e.os = value_in("/etc/os-release", "PRETTY_NAME", '=');
  e.kernel = kernel_name();
  e.version = build_info::version;
  e.commit = build_info::commit;
  e.compiler = build_info::compiler;
  for (const auto& [name, value] : build_info::options) e.build_options.emplace_back(name, value);
  e.libraries = library_versions();
  e.libraries.push_back({"zlib", zlibVersion()});
  for (const Provider& p : providers())
    e.providers.push_back({p.name, device_name(p.device), static_cast<int>(p.slot_names.size())});
  e.compute_threads = num_threads();
  return e;
}

std::string to_text(const Environment& e) {
  metron::detail::ClassicStream out;
  const auto line = [&](const std::string& name, const auto&... values) {
    out << name << std::string(name.size() < 18 ? 18 - name.size() : 1, ' ');
    (out << ... << values) << '\n';
  };
  line("Metron", e.version, ", commit ", e.commit);
  line("CPU", e.cpu.model);
  line("cores", e.cpu.cores, " (", e.cpu.threads, " hardware threads, ", e.cpu.usable, " usable)");
  line("instruction sets", e.cpu.instruction_sets);
  line("memory", gibibytes(e.memory_bytes));
  if (e.accelerators.empty()) line("GPU", "none: ", e.why_no_accelerator);
  for (const Accelerator& gpu : e.accelerators)
    line("GPU", gpu.name, ", ", gibibytes(gpu.memory_bytes), ", compute capability ", gpu.capability);
  line("system", e.os, ", ", e.kernel);
  line("compiler", e.compiler);
  for (const auto& [name, value] : e.build_options) line(name, value.empty() ? "none" : value);
  for (const LibraryVersion& library : e.libraries) line(library.name, library.version);
  for (const Environment::ProviderInfo& p : e.providers)
    line("provider", report_name(p.name.c_str()), " on ", p.device, ", ", p.slots, " kernel slots",
         p.name == "cpu" ? ", instruction set " + e.cpu.isa : "");
  line("threads", e.compute_threads);
  return out.str();
}

nlohmann::ordered_json to_json(const Environment& e) {
  using Json = nlohmann::ordered_json;
  Json json{{"metron", e.version}, {"commit", e.commit}};
  json["cpu"] = Json{{"model", e.cpu.model},     {"cores", e.cpu.cores},
                     {"threads", e.cpu.threads}, {"usable", e.cpu.usable},
                     {"kernels_isa", e.cpu.isa}, {"instruction_sets", e.cpu.instruction_sets}};
  json["memory_bytes"] = e.memory_bytes;
  json["gpus"] = Json::array();
  for (const Accelerator& gpu : e.accelerators)
    json["gpus"].push_back(
        Json{{"name", gpu.name}, {"memory_bytes", gpu.memory_bytes}, {"compute_capability", gpu.capability}});
  json["os"] = e.os;
  json["kernel"] = e.kernel;
  json["compiler"] = e.compiler;
  for (const auto& [name, value] : e.build_options) json["build_options"][name] = value;
  for (const LibraryVersion& library : e.libraries) json["libraries"][library.name] = library.version;
  json["providers"] = Json::array();
  for (const Environment::ProviderInfo& p : e.providers)
    json["providers"].push_back(
        Json{{"name", report_name(p.name.c_str())}, {"device", p.device}, {"slots", p.slots}});
  json["compute_threads"] = e.compute_threads;
  return json;
}

std::string to_json_text(const Environment& environment) {
  return to_json(environment).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace metron::tools
