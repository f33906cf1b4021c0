// Checkpoints. Their checksum refuses nearly every mutation of a good one, so this is mainly about the parts
// before.
#include <metron/layers/checkpoint.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  metron::fuzz::expect_orderly(
      3 * size, [](const std::filesystem::path& path) { (void)metron::load_checkpoint(path); },
      metron::fuzz::as_file(data, size));
  return 0;
}
