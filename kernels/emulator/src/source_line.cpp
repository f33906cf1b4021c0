// Source lines of addresses, by addr2line, only for reports.
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "symbols.h"

namespace metron::emulator {

namespace {

bool is_own(const std::string& file) {
  return file.find("kernels/emulator/") != std::string::npos ||
         file.find("metron-emulator/emulated/") != std::string::npos || file.starts_with("/usr/") ||
         file.starts_with("??");
}

SourceLine ask(const Module& module, std::uintptr_t address) {
  std::array<char, 64> offset;
  std::snprintf(offset.data(), offset.size(), "0x%zx",
                static_cast<std::size_t>(address - module.load_address()));
  // In the shell, /proc/self/exe would be the shell itself.
  const std::string path = module.path() == "/proc/self/exe" ? "/proc/$PPID/exe" : "'" + module.path() + "'";
  const std::string command = "addr2line -i -e " + path + " " + offset.data() + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  if (!output) return {};
  std::array<char, 4096> text;
  while (std::fgets(text.data(), text.size(), output.get()) != nullptr) {
    const std::string line(text.data());
    const std::size_t colon = line.rfind(':');
    if (colon == std::string::npos || is_own(line)) continue;
    return {tidy_path(line.substr(0, colon)), std::atoi(line.c_str() + colon + 1)};
  }
  return {};
}

}  // namespace

std::string tidy_path(const std::string& file) {
  std::string path = std::filesystem::path(file).lexically_normal().generic_string();
  constexpr std::string_view include_root = "include/metron/";  // a link to the project's root
  if (const std::size_t at = path.find(include_root); at != std::string::npos)
    path.erase(0, at + include_root.size());
  for (const std::string_view root : {METRON_SOURCE_DIR "/", "/project/"})  // see MetronEmulator.cmake
    if (path.starts_with(root)) path.erase(0, root.size());
  while (path.starts_with("../")) path.erase(0, 3);
  return path;
}

SourceLine source_line(std::uintptr_t code) {
  static std::mutex mutex;
  static std::map<std::uintptr_t, SourceLine> known;
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = known.try_emplace(code);
  if (const Module* const module = Module::of(reinterpret_cast<const void*>(code));
      is_new && module != nullptr)
    entry->second = ask(*module, code - 1);  // within the call instruction, not after it
  return entry->second;
}

}  // namespace metron::emulator
