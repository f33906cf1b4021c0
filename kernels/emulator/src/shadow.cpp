#include "shadow.h"

#include <mutex>

#include "checker.h"

namespace metron::emulator {

void Shadow::split(std::uintptr_t address, bool stale, Record mark) const {
  static std::mutex mutex;  // words are shared between blocks that access different bytes of them
  const std::lock_guard lock(mutex);
  Cell& cell = word(address);
  const Record w = load(cell.writer), r = load(cell.reader);
  if (!stale && (w & record::parts) != 0) return;
  Cell* const cells = parts(address);
  for (std::size_t i = 0; i < word_bytes; ++i) {
    store(cells[i].writer, stale ? 0 : w);
    store(cells[i].reader, stale ? 0 : r);
  }
  store(cell.writer, mark | record::parts);
}

bool Shadow::is_set(std::uintptr_t address) const {
  const Record w = word(address).writer;
  return (((w & record::parts) != 0 ? byte(address).writer : w) & record::set) != 0;
}

void Shadow::mark_set(Range range) const {
  for (std::uintptr_t address = range.begin; address < range.end;) {
    if (address % word_bytes == 0 && range.end - address >= word_bytes) {
      word(address) = {record::set, 0};
      address += word_bytes;
    } else {
      if ((word(address).writer & record::parts) == 0) split(address, false, 0);
      byte(address++) = {record::set, 0};
    }
  }
}

void Shadow::mark_unset(std::uintptr_t address) const {
  if ((word(address).writer & record::parts) == 0) split(address, false, 0);
  byte(address) = {};
}

}  // namespace metron::emulator
