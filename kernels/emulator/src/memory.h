// Device memory: one address range, with a table of allocations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace metron::emulator {

struct Range {
  std::uintptr_t begin = 0, end = 0;
  bool contains(std::uintptr_t address, std::size_t bytes) const {
    return address >= begin && address <= end && bytes <= end - address;
  }
};

struct Globals;

class Memory {
 public:
  // Far from where programs and libraries are mapped, so that host pointers are never device addresses.
  static constexpr std::uintptr_t region_begin = 0x2000'0000'0000, region_bytes = std::uintptr_t{1} << 40;
  static constexpr std::size_t alignment = 256, red_zone = 256;

  Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  void* allocate(std::size_t bytes, const void* code = nullptr);  // null if out of memory
  bool release(void* pointer);  // false unless `pointer` is the start of a live allocation
  bool is_device(const void* pointer) const {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    return address - region_begin < region_bytes || globals_at(address) != nullptr;
  }
  std::size_t used() const { return used_; }
  std::uintptr_t committed_end() const { return committed_end_; }

  // The allocation containing an address, live or freed; null if there never was one.
  struct Allocation {
    std::size_t bytes;
    bool freed;
    std::map<std::uintptr_t, std::uintptr_t> live;  // ranges in use: begin -> end
    std::uintptr_t code = 0;                        // of the call that allocated it
  };
  std::map<std::uintptr_t, Allocation>::const_iterator find(std::uintptr_t address) const;
  auto none() const { return allocations_.end(); }
  Range live_around(std::uintptr_t address) const;  // empty if the address is not in use

  // __device__ variables, whose memory is that of a module of the program. Those registered since are added.
  void add_registered_globals();
  const Globals* globals_at(std::uintptr_t address) const;  // null if there are none

  void mark_allocated(Range);
  void mark_freed(Range);
  void reset_records();  // resets readers and writers, and keeps only what is initialized

 private:
  std::map<std::uintptr_t, Allocation> allocations_;
  std::uintptr_t next_ = region_begin, committed_end_ = region_begin;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<Globals>> globals_;
};

}  // namespace metron::emulator
