#include "globals.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "memory.h"

namespace metron::emulator {

namespace {

struct Registered {
  std::mutex mutex;
  std::vector<Range> ranges;
};
Registered& registered() {
  static Registered all;
  return all;
}

std::size_t words_in(Range range) { return (range.end - range.begin) / word_bytes + 2; }

}  // namespace

bool register_globals(const void* begin, const void* end);  // see device.h, which declares threadIdx
bool register_globals(const void* begin, const void* end) {
  const std::lock_guard lock(registered().mutex);
  registered().ranges.push_back(
      {reinterpret_cast<std::uintptr_t>(begin), reinterpret_cast<std::uintptr_t>(end)});
  return true;
}

Globals::Globals(Range all)
    : range(all),
      words(words_in(all) * sizeof(Cell)),
      bytes(words_in(all) * word_bytes * sizeof(Cell)),
      shadow{{all.begin & ~(word_bytes - 1), all.end}, words.as<Cell>(), bytes.as<Cell>()} {
  shadow.mark_set({shadow.memory.begin, shadow.memory.end});
}

void Globals::reset_records() const {
  for (std::uintptr_t address = shadow.memory.begin; address < shadow.memory.end; address += word_bytes) {
    Cell& cell = shadow.word(address);
    cell = {cell.writer & (record::set | record::parts), 0};
    for (std::size_t i = 0; i < word_bytes; ++i) {
      Cell& part = shadow.parts(address)[i];
      part = {part.writer & record::set, 0};
    }
  }
}

// The same range is registered by each translation unit that has such variables.
void Memory::add_registered_globals() {
  const std::lock_guard lock(registered().mutex);
  for (const Range& range : registered().ranges)
    if (globals_at(range.begin) == nullptr) globals_.push_back(std::make_unique<Globals>(range));
  registered().ranges.clear();
}

const Globals* Memory::globals_at(std::uintptr_t address) const {
  const auto found = std::find_if(globals_.begin(), globals_.end(),
                                  [&](const auto& globals) { return globals->range.contains(address, 1); });
  return found == globals_.end() ? nullptr : found->get();
}

}  // namespace metron::emulator
