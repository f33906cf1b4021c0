#include "summary.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <locale>
#include <string_view>
#include <utility>

#include "device.h"

namespace metron::emulator {

namespace {

int exit_status = -1;  // instead of the program's own; negative: none

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

[[noreturn]] void reject(const char* name, const std::string& value, const char* rule) {
  std::fprintf(stderr, "metron emulator: %s must be %s, got `%s`\n", name, rule, value.c_str());
  std::exit(2);
}

std::uint64_t number(const char* name, const std::string& value, std::uint64_t most, const char* rule) {
  std::uint64_t result = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') reject(name, value, rule);
    result = 10 * result + static_cast<std::uint64_t>(c - '0');
    if (result > most) reject(name, value, rule);
  }
  return result;
}

// METRON_EMULATOR_SEED=N, METRON_EMULATOR_IGNORE=uninitialized,out-of-bounds.
void read_options() {
  Options chosen = options();
  constexpr const char* seed_name = "METRON_EMULATOR_SEED";
  if (const std::string seed = environment(seed_name); !seed.empty())
    chosen.seed = number(seed_name, seed, 0xffffffffu, "a number up to 4294967295");
  constexpr const char* ignore_name = "METRON_EMULATOR_IGNORE";
  std::string ignored = environment(ignore_name);
  while (!ignored.empty()) {
    const std::size_t end = std::min(ignored.find(','), ignored.size());
    std::string word = ignored.substr(0, end);
    ignored.erase(0, end + 1);
    for (char& c : word)
      if (c == '-' || c == '_') c = ' ';
    bool known = word.empty();
    for (int check = 0; check < check_count; ++check)
      if (word == name(Check{static_cast<std::uint8_t>(check)})) {
        chosen = chosen.with(Check{static_cast<std::uint8_t>(check)}, false);
        known = true;
      }
    if (!known) reject(ignore_name, word, "a list of checks, such as race,out-of-bounds");
  }
  set_options(chosen);
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      result += code;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string json_index(const std::uint32_t (&index)[3]) {
  return "[" + std::to_string(index[0]) + ", " + std::to_string(index[1]) + ", " + std::to_string(index[2]) +
         "]";
}
std::string json_thread(const ThreadId& id) {
  return "{\"block\": " + json_index(id.block) + ", \"thread\": " + json_index(id.thread) + "}";
}

// "race in f at app.cu:7: block ..." without what the heading repeats.
std::string details(const Finding& finding) {
  const std::size_t colon = finding.message.find(": ", std::string(name(finding.check)).size());
  return colon == std::string::npos ? finding.message : finding.message.substr(colon + 2);
}

// The number after the words; `at` becomes the position after it. Negative: the words are not there.
long long number_after(const std::string& text, const char* words, std::size_t& at) {
  const std::size_t found = text.find(words, at);
  if (found == std::string::npos) return -1;
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str() + found + std::strlen(words), &end, 10);
  at = static_cast<std::size_t>(end - text.c_str());
  return value;
}

// "loads 4 bytes at byte 436 of an allocation of 400 bytes" is about element 109 of 100.
std::string with_element(std::string text) {
  const bool load = text.find(" loads ") != std::string::npos;
  std::size_t at = 0;
  const long long size = number_after(text, load ? " loads " : " stores ", at),
                  byte = number_after(text, " at byte ", at),
                  all = number_after(text, " of an allocation of ", at);
  if (size <= 0 || byte < 0 || all <= 0 || byte % size != 0 || all % size != 0) return text;
  constexpr std::string_view unit = " bytes";
  if (text.compare(at, unit.size(), unit) == 0)
    text.insert(at + unit.size(),
                " (element " + std::to_string(byte / size) + " of " + std::to_string(all / size) + ")");
  return text;
}

// On two lines if it is about two threads.
std::string wrapped(std::string text) {
  if (const std::size_t second = text.find("; block "); second != std::string::npos)
    text.replace(second, 2, ";\n   ");
  return with_element(std::move(text));
}

void at_end(int status, void*) {
  const std::vector<Finding> findings = take_findings();
  if (const std::string file = environment("METRON_EMULATOR_JSON"); !file.empty()) {
    std::ofstream out(file);
    out.imbue(std::locale::classic());
    if (!(out << summary_json(findings)).flush()) {
      std::fprintf(stderr, "metron emulator: METRON_EMULATOR_JSON names `%s`, which cannot be written\n",
                   file.c_str());
      exit_status = 2;
    }
  }
  if (findings.empty()) return;
  std::fflush(stdout);
  std::fputs(summary_text(findings).c_str(), stderr);
  constexpr const char* exit_name = "METRON_EMULATOR_EXIT";
  if (const std::string wanted = environment(exit_name); !wanted.empty())
    exit_status = static_cast<int>(number(exit_name, wanted, 255, "a status from 0 to 255"));
  (void)status;
}

void end(int, void*) {
  if (exit_status < 0) return;
  std::fflush(nullptr);
  std::_Exit(exit_status);
}

}  // namespace

std::string summary_text(const std::vector<Finding>& findings) {
  std::string text = "==== Metron emulator: " + std::to_string(findings.size()) +
                     (findings.size() == 1 ? " finding" : " findings") + " ====\n";
  int number = 0;
  for (const Finding& finding : findings) {
    text += std::to_string(++number) + ". " + std::string(name(finding.check)) + " in " + finding.kernel;
    if (!finding.file.empty()) text += " at " + finding.file + ":" + std::to_string(finding.line);
    text += "\n   " + wrapped(details(finding)) + "\n";
    if (!finding.allocated_file.empty())
      text += "   the memory was allocated at " + finding.allocated_file + ":" +
              std::to_string(finding.allocated_line) + "\n";
    if (finding.launches > 1) text += "   in " + std::to_string(finding.launches) + " launches\n";
    text += "   usual fix: " + usual_fix(finding) + "\n";
  }
  return text;
}

std::string summary_json(const std::vector<Finding>& findings) {
  std::string text = "{\"findings\": [";
  const char* separator = "\n";
  for (const Finding& finding : findings) {
    text += std::string(separator) + "  {\"check\": " + json_string(name(finding.check)) +
            ", \"kernel\": " + json_string(finding.kernel) + ", \"file\": " + json_string(finding.file) +
            ", \"line\": " + std::to_string(finding.line) +
            ",\n   \"message\": " + json_string(finding.message) +
            ",\n   \"thread\": " + json_thread(finding.thread) +
            ", \"other\": " + (finding.has_other ? json_thread(finding.other) : std::string("null")) +
            ",\n   \"occurrences\": " + std::to_string(finding.occurrences) +
            ", \"launches\": " + std::to_string(finding.launches) + ", \"allocated_at\": " +
            (finding.allocated_file.empty()
                 ? std::string("null")
                 : json_string(finding.allocated_file + ":" + std::to_string(finding.allocated_line))) +
            ",\n   \"fix\": " + json_string(usual_fix(finding)) + "}";
    separator = ",\n";
  }
  return text + (findings.empty() ? "]}\n" : "\n]}\n");
}

void summarize_now() {
  if (Device::get().merges_findings) at_end(0, nullptr);
}

// The handlers run in the reverse of this order: the summary while the device still exists, and the exit
// status after the program's own handlers.
bool report_at_exit();  // see device.h, which declares threadIdx
bool report_at_exit() {
  static const bool once = [] {
    on_exit(end, nullptr);
    Device& device = Device::get();
    device.merges_findings = true;
    read_options();
    on_exit(at_end, nullptr);
    return true;
  }();
  return once;
}

}  // namespace metron::emulator
