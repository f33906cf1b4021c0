// Formats the counters as a table: a group of rows per kernel, a row per kind of access.
#include <array>
#include <charconv>
#include <string>

#include "statistics.h"

namespace metron::emulator {

namespace {

constexpr double tolerated =
    1.25;  // largest unreported ratio of a line's transactions to the minimum, in global memory

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string right(const std::string& text, std::size_t width) {
  return (text.size() < width ? std::string(width - text.size(), ' ') : std::string()) + text;
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return {text.data(), end.ptr};
}

// "16" if all accesses have one size, "4 16" if sizes differ.
std::string sizes(const AccessCounters& c) {
  std::string text;
  for (std::size_t i = 0; i < std::size(c.by_size); ++i)
    if (c.by_size[i] != 0) text += (text.empty() ? "" : " ") + std::to_string(1u << i);
  return text;
}

std::string row(const std::string& title, const AccessCounters& c) {
  if (c.accesses == 0) return {};
  const double lanes = static_cast<double>(c.lanes) / static_cast<double>(c.accesses);
  return right(grouped(c.accesses), 14) + right(fixed(lanes, 1), 7) + right(sizes(c), 8) +
         right(grouped(c.transactions), 15) + right(grouped(c.fewest), 14) + right(fixed(c.ratio(), 2), 7) +
         "  " + title + "\n";
}

std::string counted(std::uint64_t number, const std::string& one, const char* plural = "s") {
  return grouped(number) + " " + one + (number == 1 ? "" : plural);
}

bool is_wasteful(const LineCounters& line) {
  return line.counters.ratio() > (line.kind.starts_with("shared") ? 1.0 : tolerated);
}

std::string rows(const KernelCounters& k) {
  std::string text = k.kernel + ": " + counted(k.launches, "launch", "es") + ", " +
                     counted(k.blocks, "block") + " of which " + grouped(k.counted_blocks) +
                     " counted: " + counted(k.barriers, "barrier") + ", " +
                     counted(k.warp_operations, "warp operation") + "\n";
  text += row("global load", k.global.loads) + row("global store", k.global.stores) +
          row("global atomic", k.global.atomics) + row("shared load", k.shared.loads) +
          row("shared store", k.shared.stores) + row("shared atomic", k.shared.atomics);
  for (const LineCounters& line : k.lines)
    if (is_wasteful(line))
      text += row("  " + line.kind + " at " + line.file + ":" + std::to_string(line.line), line.counters);
  return text;
}

}  // namespace

std::string table(const std::vector<KernelCounters>& kernels) {
  std::string text =
      "Warp accesses in the counted blocks. Transactions: 32-byte sectors in global memory, passes over the\n"
      "32 banks in shared memory. Fewest: the minimum for the same bytes, or lanes.\n\n" +
      right("accesses", 14) + right("lanes", 7) + right("bytes", 8) + right("transactions", 15) +
      right("fewest", 14) + right("ratio", 7) + "\n";
  for (const KernelCounters& kernel : kernels) text += rows(kernel);
  return text;
}

}  // namespace metron::emulator
