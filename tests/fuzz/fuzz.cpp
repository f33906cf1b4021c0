#include "fuzz.h"

#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>

namespace metron::fuzz {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
std::atomic<std::size_t> largest_allocation{unlimited};

void allocated(const volatile void*, std::size_t bytes) {
  const std::size_t limit = largest_allocation;
  if (bytes <= limit) return;
  largest_allocation = unlimited;
  std::fprintf(stderr, "fuzz: an allocation of %zu bytes, at most %zu are allowed\n", bytes, limit);
  std::abort();
}
void freed(const volatile void*) {}

}  // namespace

std::filesystem::path as_file(const std::uint8_t* data, std::size_t size, const char* extension) {
  // A link gives the file in memory a name with the extension.
  static std::map<std::string, std::pair<int, std::filesystem::path>> files;
  auto& [descriptor, path] = files[extension];
  if (path.empty()) {
    descriptor = memfd_create("fuzz", 0);
    path = std::filesystem::temp_directory_path() / ("fuzz_" + std::to_string(getpid()) + extension);
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor),
                                    path);
    std::atexit([] {
      for (const auto& [name, file] : files) std::filesystem::remove(file.second);
    });
  }
  const bool written =
      ftruncate(descriptor, 0) == 0 && pwrite(descriptor, data, size, 0) == static_cast<ssize_t>(size);
  if (!written) std::abort();
  return path;
}

void expect_orderly(std::size_t content_bytes, void (*read)(const std::filesystem::path&),
                    const std::filesystem::path& path) {
  [[maybe_unused]] static const int hooks = __sanitizer_install_malloc_and_free_hooks(allocated, freed);
  largest_allocation = 4 * content_bytes + (std::size_t{64} << 10);
  try {
    read(path);
  } catch (const Error&) {  // a message about the file
  }
  largest_allocation = unlimited;
}

}  // namespace metron::fuzz
