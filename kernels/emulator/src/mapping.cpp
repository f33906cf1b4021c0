#include "mapping.h"

#include <sys/mman.h>

#include <new>

namespace metron::emulator {

Mapping::Mapping(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  begin_ = reinterpret_cast<std::uintptr_t>(memory);
}

Mapping::~Mapping() {
  if (begin_ != 0) munmap(reinterpret_cast<void*>(begin_), bytes_);
}

}  // namespace metron::emulator
