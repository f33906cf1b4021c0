// IDX files, plain or gzipped.
#include <metron/core/data/idx.h>
#include <metron/core/internal/file_reader.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = metron::fuzz::as_file(data, size);
  const std::uint64_t content = metron::FileReader(path).size_limit();
  metron::fuzz::expect_orderly(
      content, [](const std::filesystem::path& file) { (void)metron::read_idx(file); }, path);
  return 0;
}
