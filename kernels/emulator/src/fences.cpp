#include "fences.h"

#include <algorithm>

namespace metron::emulator {

void Fences::release(std::uintptr_t word, Record fence) {
  const std::lock_guard lock(mutex_);
  auto& blocks = releases_[word];
  const auto [release, is_new] = blocks.try_emplace(record::serial_of(fence), Release{blocks.size(), fence});
  if (!is_new) release->second.fence = fence;
}

void Fences::acquire(std::uintptr_t word, Acquired& acquired) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = releases_[word].size();
  const auto known =
      std::find_if(acquired.begin(), acquired.end(), [&](const auto& entry) { return entry.first == word; });
  if (known != acquired.end())
    known->second = count;
  else
    acquired.emplace_back(word, count);
}

// The atomic's own record is newer than the preceding fence.
bool Fences::has_acquired(const Acquired& acquired, Record r) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(acquired.begin(), acquired.end(), [&](const auto& entry) {
    const auto word = releases_.find(entry.first);
    if (word == releases_.end()) return false;
    const auto release = word->second.find(record::serial_of(r));
    return release != word->second.end() && release->second.index < entry.second &&
           ((r & record::atomic) != 0 ||
            (r & ~record::flags) <= (release->second.fence | record::any_thread));
  });
}

}  // namespace metron::emulator
