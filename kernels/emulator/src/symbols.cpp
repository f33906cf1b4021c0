#include "symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>

namespace metron::emulator {

namespace {

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class T>
const T* at(const std::vector<char>& image, std::size_t offset, std::size_t count = 1) {
  return offset <= image.size() && count <= (image.size() - offset) / sizeof(T)
             ? reinterpret_cast<const T*>(image.data() + offset)
             : nullptr;
}

struct LoadedModule {  // the module that contains an address
  std::uintptr_t address, load_address = 0;
  std::string path;
};

std::string demangle(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : symbol;
}

}  // namespace

Module::Module(const std::string& path, std::uintptr_t load_address)
    : path_(path), load_address_(load_address) {
  const std::vector<char> image = read_file(path);
  const auto* header = at<Elf64_Ehdr>(image, 0);
  if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return;
  const auto* sections = at<Elf64_Shdr>(image, header->e_shoff, header->e_shnum);
  if (sections == nullptr || header->e_shstrndx >= header->e_shnum) return;
  const std::size_t names = sections[header->e_shstrndx].sh_offset;
  if (const auto* segments = at<Elf64_Phdr>(image, header->e_phoff, header->e_phnum))
    for (int i = 0; i < header->e_phnum; ++i)
      if (segments[i].p_type == PT_TLS) local_storage_bytes_ = segments[i].p_memsz;

  int globals_section = -1;
  for (int i = 0; i < header->e_shnum; ++i) {
    const auto* name = at<char>(image, names + sections[i].sh_name);
    const std::uintptr_t begin = load_address + sections[i].sh_addr;
    if (name == nullptr) continue;
    if (std::string_view(name) == "metron_constant") constants_ = {begin, begin + sections[i].sh_size};
    if (std::string_view(name) != "metron_device") continue;
    globals_ = {begin, begin + sections[i].sh_size};
    globals_section = i;
  }
  for (int i = 0; i < header->e_shnum; ++i) {
    const Elf64_Shdr& section = sections[i];
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= header->e_shnum) continue;
    const std::size_t count = section.sh_size / sizeof(Elf64_Sym),
                      strings = sections[section.sh_link].sh_offset;
    const auto* symbols = at<Elf64_Sym>(image, section.sh_offset, count);
    for (std::size_t s = 0; symbols != nullptr && s < count; ++s) {
      const auto* text = at<char>(image, strings + symbols[s].st_name);
      if (text == nullptr || symbols[s].st_shndx == SHN_UNDEF) continue;
      if (const int type = ELF64_ST_TYPE(symbols[s].st_info); type == STT_FUNC)
        functions_[load_address + symbols[s].st_value] = {
            load_address + symbols[s].st_value + symbols[s].st_size, text};
      else if (type == STT_OBJECT && symbols[s].st_shndx == globals_section)
        global_variables_[load_address + symbols[s].st_value] = {
            {load_address + symbols[s].st_value, load_address + symbols[s].st_value + symbols[s].st_size},
            readable_name(text)};
      else if (type == STT_TLS && std::strncmp(text, "_ZZ", 3) == 0 &&
               std::strstr(text, "metron_guard_") == nullptr)
        variables_.push_back({symbols[s].st_value, symbols[s].st_size, text});
    }
  }
  std::sort(variables_.begin(), variables_.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
}

std::string Module::symbol_of(std::uintptr_t code) const {
  const auto after = functions_.upper_bound(code);
  if (after == functions_.begin()) return {};
  const auto& [begin, function] = *std::prev(after);
  return code < std::max(function.end, begin + 1) ? function.symbol : std::string();
}

std::uintptr_t Module::begin_of(std::uintptr_t code) const {
  const auto after = functions_.upper_bound(code);
  if (after == functions_.begin()) return 0;
  const auto& [begin, function] = *std::prev(after);
  return code < std::max(function.end, begin + 1) ? begin : 0;
}

const SharedVariable* Module::variable_at(std::uintptr_t offset) const {
  const auto after = std::upper_bound(variables_.begin(), variables_.end(), offset,
                                      [](std::uintptr_t o, const SharedVariable& v) { return o < v.offset; });
  if (after == variables_.begin()) return nullptr;
  const SharedVariable& variable = *std::prev(after);
  return offset - variable.offset < variable.bytes ? &variable : nullptr;
}

const GlobalVariable* Module::global_at(std::uintptr_t address) const {
  const auto after = global_variables_.upper_bound(address);
  if (after == global_variables_.begin()) return nullptr;
  const GlobalVariable& variable = std::prev(after)->second;
  return variable.range.contains(address, 1) ? &variable : nullptr;
}

std::size_t Module::static_shared_of(const std::string& function_symbol) const {
  std::size_t bytes = 0;
  for (const SharedVariable& variable : variables_)
    if (variable.is_of(function_symbol)) bytes += variable.bytes;
  return bytes;
}

std::uintptr_t Module::local_storage() const {
  struct Search {
    std::uintptr_t load_address, found;
  } search{load_address_, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& query = *static_cast<Search*>(data);
        if (info->dlpi_addr != query.load_address) return 0;
        query.found = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
        return 1;
      },
      &search);
  return search.found;
}

const Module* Module::of(const void* code) {
  static std::mutex mutex;
  static std::map<std::uintptr_t, std::unique_ptr<Module>> modules;
  LoadedModule module_of_code{reinterpret_cast<std::uintptr_t>(code), 0, {}};
  const int found = dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& module = *static_cast<LoadedModule*>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD ||
              module.address - info->dlpi_addr - segment.p_vaddr >= segment.p_memsz)
            continue;
          module.load_address = info->dlpi_addr;
          module.path = info->dlpi_name[0] != 0 ? info->dlpi_name : "/proc/self/exe";
          return 1;
        }
        return 0;
      },
      &module_of_code);
  if (found == 0) return nullptr;
  const std::lock_guard lock(mutex);
  auto& module = modules[module_of_code.load_address];
  if (!module) module = std::make_unique<Module>(module_of_code.path, module_of_code.load_address);
  return module.get();
}

std::string SharedVariable::name() const {
  const std::string full = demangle(symbol);
  const std::size_t scope = full.rfind("::");
  return scope == std::string::npos ? full : full.substr(scope + 2);
}

bool SharedVariable::is_of(const std::string& function_symbol) const {  // _ZZ<function>E<name>
  return function_symbol.size() > 2 &&
         symbol.compare(3, function_symbol.size() - 2, function_symbol, 2) == 0 &&
         symbol[3 + function_symbol.size() - 2] == 'E';
}

Range read_only_image(std::uintptr_t address) {
  static const std::vector<Range> ranges = [] {
    std::vector<Range> found;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& segment = info->dlpi_phdr[i];
            const bool read_only = segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0;
            if (!read_only && segment.p_type != PT_GNU_RELRO) continue;
            const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
            static_cast<std::vector<Range>*>(data)->push_back({begin, begin + segment.p_memsz});
          }
          return 0;
        },
        &found);
    return found;
  }();
  const auto found = std::find_if(ranges.begin(), ranges.end(),
                                  [&](const Range& range) { return range.contains(address, 1); });
  return found == ranges.end() ? Range{} : *found;
}

std::string readable_name(const std::string& symbol) {
  std::string name = demangle(symbol);
  for (const std::string_view prefix : {"(anonymous namespace)::", "metron::"})
    for (std::size_t at = name.find(prefix); at != std::string::npos; at = name.find(prefix))
      name.erase(at, prefix.size());
  // A template's demangled name starts with its return type; text within angle brackets is kept.
  int depth = 0;
  std::size_t begin = 0, end = name.size();
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (depth != 0) continue;
    if (name[i] == ' ') begin = i + 1;
    if (name[i] == '(') {
      end = i;
      break;
    }
  }
  return name.substr(begin, end - begin);
}

}  // namespace metron::emulator
