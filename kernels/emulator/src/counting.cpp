#include "counting.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <tuple>
#include <unordered_map>

namespace metron::emulator {

namespace {

constexpr std::size_t max_log = std::size_t{1} << 16;  // entries per thread between two synchronizations
constexpr std::uintptr_t sector = 32, bank_bytes = 4, banks = 32;

struct LaneAccess {
  std::uintptr_t address;
  std::uint32_t lane;
};

// The 32-byte sectors touched by the lanes, and the minimum that holds their bytes.
void count_sectors(std::span<LaneAccess> lanes, std::uintptr_t bytes, AccessCounters& c) {
  std::sort(lanes.begin(), lanes.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  std::uintptr_t end = 0, next_sector = 0, distinct = 0;
  for (const LaneAccess& lane : lanes) {
    const std::uintptr_t last = lane.address + bytes;
    distinct += last - std::clamp(end, lane.address, last);
    end = std::max(end, last);
    const std::uintptr_t first = std::max(next_sector, lane.address / sector);
    next_sector = std::max(next_sector, (last - 1) / sector + 1);
    c.transactions += next_sector - std::min(first, next_sector);
  }
  c.fewest += (distinct + sector - 1) / sector;
}

// Passes over the banks: per warp for up to 4 bytes a lane, per half for 8, per quarter for 16. Words shared
// between lanes are free, but atomics on the same word serialize.
void count_passes(std::span<const LaneAccess> lanes, std::uintptr_t bytes, bool atomic, AccessCounters& c) {
  const std::uint32_t together = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  for (std::uint32_t first = 0; first < Counting::lanes; first += together) {
    std::array<std::uintptr_t, 32> words;
    std::array<std::uint64_t, banks> load{};
    std::size_t count = 0;
    for (const LaneAccess& lane : lanes) {
      if (lane.lane - first >= together) continue;
      for (std::uintptr_t word = lane.address / bank_bytes; word <= (lane.address + bytes - 1) / bank_bytes;
           ++word) {
        const auto end = words.begin() + static_cast<std::ptrdiff_t>(count);
        const bool known = std::find(words.begin(), end, word) != end;
        if (!known && count < words.size()) words[count++] = word;
        if (!known || atomic) ++load[word % banks];
      }
    }
    if (count == 0) continue;
    c.transactions += *std::max_element(load.begin(), load.end());
    ++c.fewest;
  }
}

}  // namespace

double AccessCounters::ratio() const {
  return fewest == 0 ? 1 : static_cast<double>(transactions) / static_cast<double>(fewest);
}

AccessCounters& AccessCounters::operator+=(const AccessCounters& other) {
  accesses += other.accesses;
  lanes += other.lanes;
  for (std::size_t i = 0; i < std::size(by_size); ++i) by_size[i] += other.by_size[i];
  transactions += other.transactions;
  fewest += other.fewest;
  return *this;
}

void Counts::add(const Counts& other) {
  blocks += other.blocks;
  barriers += other.barriers;
  warp_operations += other.warp_operations;
  for (const auto& [site, counters] : other.sites) sites[site] += counters;
}

// One instruction moves at most 16 bytes, fewer if the alignment is smaller.
void Counting::note(std::uint32_t thread, bool shared, const Attempt& attempt) {
  auto& log = logs_[thread];
  std::uint8_t part = 0;
  const auto code = reinterpret_cast<std::uintptr_t>(attempt.code);
  for (std::uintptr_t address = attempt.address, end = address + attempt.bytes; address < end; ++part) {
    const std::uintptr_t aligned = std::uintptr_t{1} << std::countr_zero(address | attempt.widest);
    const std::uintptr_t bytes = std::min(aligned, std::bit_floor(end - address));
    if (log.size() < max_log)
      log.push_back({address, {code, attempt.access, shared}, part, static_cast<std::uint8_t>(bytes), 0, 0});
    address += bytes;
  }
}

void Counting::end_interval(std::uint32_t first_thread, std::uint32_t count) {
  for (std::uint32_t first = first_thread; first < first_thread + count; first += lanes)
    end_warp_interval(first, std::min(first + lanes, first_thread + count));
}

void Counting::end_block(std::uint32_t threads) {
  end_interval(0, threads);
  ++counts_.blocks;
}

void Counting::drop_block() {
  for (auto& log : logs_) log.clear();
}

void Counting::end_warp_interval(std::uint32_t first_thread, std::uint32_t last_thread) {
  warp_.clear();
  for (std::uint32_t thread = first_thread; thread < last_thread; ++thread) {
    std::unordered_map<std::uintptr_t, std::uint32_t> executions;
    for (Logged& logged : logs_[thread]) {
      logged.occurrence = logged.part == 0 ? ++executions[logged.site.code] : executions[logged.site.code];
      logged.lane = static_cast<std::uint8_t>(thread - first_thread);
      warp_.push_back(logged);
    }
    logs_[thread].clear();
  }
  const auto instruction = [](const Logged& l) { return std::tie(l.site, l.occurrence, l.part, l.bytes); };
  std::sort(warp_.begin(), warp_.end(),
            [&](const Logged& a, const Logged& b) { return instruction(a) < instruction(b); });
  for (auto first = warp_.begin(); first != warp_.end();) {
    const auto last = std::find_if(first, warp_.end(),
                                   [&](const Logged& l) { return instruction(l) != instruction(*first); });
    std::array<LaneAccess, lanes> together;
    const auto count = static_cast<std::size_t>(last - first);
    std::transform(first, last, together.begin(), [](const Logged& l) {
      return LaneAccess{l.address, l.lane};
    });
    AccessCounters& c = counts_.sites[first->site];
    ++c.accesses;
    c.lanes += count;
    ++c.by_size[std::countr_zero(first->bytes)];
    if (first->site.shared)
      count_passes({together.data(), count}, first->bytes, first->site.access == Access::atomic, c);
    else
      count_sectors({together.data(), count}, first->bytes, c);
    first = last;
  }
}

}  // namespace metron::emulator
