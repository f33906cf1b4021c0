#include "stacks.h"

#include <sys/mman.h>

#include <new>

namespace metron::emulator {

Stacks::Stacks(std::size_t count) : region_bytes_(count * bytes) {
  void* const region = mmap(nullptr, region_bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (region == MAP_FAILED) throw std::bad_alloc();
  madvise(region, region_bytes_, MADV_NOHUGEPAGE);  // each fiber touches a page or two
  region_ = reinterpret_cast<std::uintptr_t>(region);
  for (std::size_t i = count; i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
}

Stacks::~Stacks() { munmap(reinterpret_cast<void*>(region_), region_bytes_); }

}  // namespace metron::emulator
