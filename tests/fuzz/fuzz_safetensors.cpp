// Safetensors files. What is read can be written, and reads the same again.
#include <metron/core/io/safetensors.h>

#include <cstdlib>
#include <cstring>

#include "fuzz.h"

namespace {

void read(const std::filesystem::path& path) {
  metron::Metadata metadata;
  const auto list = metron::list_safetensors(path, &metadata);
  const auto tensors = metron::load_safetensors(path);
  if (tensors.size() != list.size()) std::abort();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (tensors[i].name != list[i].name) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An I8 becomes an int64, and the allocator rounds up by at most a quarter.
  metron::fuzz::expect_orderly(3 * size, read, metron::fuzz::as_file(data, size));
  return 0;
}
