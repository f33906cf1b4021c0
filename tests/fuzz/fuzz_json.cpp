// Files in JSON: profiles and data sheets of GPUs.
#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/ranking.h>
#include <metron/kernels/internal/data_sheet.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = metron::fuzz::as_file(data, size, ".json");
  // A value of JSON in memory is larger than its text: "1," becomes 16 bytes, in a list that doubles.
  metron::fuzz::expect_orderly(
      64 * size, [](const std::filesystem::path& file) { (void)metron::data_sheet(file.string()); }, path);
  metron::fuzz::expect_orderly(
      64 * size, [](const std::filesystem::path& file) { (void)metron::load_profile(file); }, path);
  return 0;
}
