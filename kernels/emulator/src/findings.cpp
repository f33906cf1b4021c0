#include "findings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "symbols.h"

namespace metron::emulator {

namespace {

constexpr std::array<std::string_view, check_count> names = {
    "out of bounds", "use after free", "uninitialized", "misaligned", "race",    "barrier",
    "warp",          "launch limits",  "arithmetic",    "trap",       "timeout", "host call"};

constexpr std::size_t max_findings = 100;  // per launch

}  // namespace

std::string_view name(Check check) { return names[static_cast<std::size_t>(check)]; }

std::string text(const std::uint32_t (&index)[3]) {
  return "(" + std::to_string(index[0]) + "," + std::to_string(index[1]) + "," + std::to_string(index[2]) +
         ")";
}

bool is_fault(Check check) {
  return check != Check::uninitialized && check != Check::race && check != Check::host_call;
}

cudaError_t error_of(Check check) {
  switch (check) {
    case Check::out_of_bounds:
    case Check::use_after_free:
      return cudaErrorIllegalAddress;
    case Check::misaligned:
      return cudaErrorMisalignedAddress;
    case Check::timeout:
      return cudaErrorLaunchTimeout;
    default:
      return cudaErrorLaunchFailure;
  }
}

// One entry per kind and location: the first pair of threads.
void FindingLog::add(RawFinding finding) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(findings_.begin(), findings_.end(), [&](const RawFinding& f) {
    return f.check == finding.check && f.code == finding.code && f.site.line == finding.site.line &&
           f.site.file == finding.site.file;
  });
  if (known != findings_.end())
    ++known->occurrences;
  else if (findings_.size() < max_findings)
    findings_.push_back(std::move(finding));
}

std::vector<RawFinding> FindingLog::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(findings_, {});
}

Finding formatted(const RawFinding& raw, const std::string& kernel) {
  SourceLine line{raw.site.file != nullptr ? tidy_path(raw.site.file) : "", raw.site.line};
  if (raw.code != 0) line = source_line(raw.code);
  const auto who = [](const ThreadId& id) {
    return "block " + text(id.block) + " thread " + text(id.thread);
  };
  std::string message = std::string(name(raw.check)) + " in " + kernel;
  if (!line.file.empty()) message += " at " + line.file + ":" + std::to_string(line.line);
  message += ": " + who(raw.thread) + " " + raw.what;
  if (raw.has_other) message += "; " + who(raw.other) + " " + raw.other_what;
  if (raw.occurrences > 1) message += " (" + std::to_string(raw.occurrences) + " times)";
  const SourceLine allocated = raw.allocation_code != 0 ? source_line(raw.allocation_code) : SourceLine{};
  return {.check = raw.check,
          .kernel = kernel,
          .file = std::move(line.file),
          .line = line.line,
          .message = std::move(message),
          .thread = raw.thread,
          .has_other = raw.has_other,
          .other = raw.other,
          .occurrences = raw.occurrences,
          .allocated_file = allocated.file,
          .allocated_line = allocated.line};
}

}  // namespace metron::emulator
