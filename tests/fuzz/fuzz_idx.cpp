// IDX files, plain or gzipped.
#include <metron/core/data/idx.h>
#include <metron/core/internal/file_reader.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = metron::fuzz::as_file(data, size);
  const std::uint64_t content = metron::FileReader(path).size_limit();
  // A signed byte becomes an int64, and the allocator rounds up by at most a quarter.
  metron::fuzz::expect_orderly(
      3 * content, [](const std::filesystem::path& file) { (void)metron::read_idx(file); }, path);
  return 0;
}
