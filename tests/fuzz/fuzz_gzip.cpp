// Gzip streams: the same bytes however they are read, and compress-decompress is the identity.
#include <metron/core/internal/file_reader.h>
#include <metron/core/io/gzip.h>

#include <cstdlib>
#include <string>

#include "fuzz.h"

namespace {

std::string read_all(const std::filesystem::path& path, std::size_t chunk) {
  metron::FileReader reader(path);
  std::string all, part(chunk, '\0');
  while (const std::size_t bytes = reader.read(part.data(), chunk)) {
    all.append(part, 0, bytes);
    if (all.size() > reader.size_limit()) std::abort();
    if (bytes < chunk) break;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read_twice = [](const std::filesystem::path& path) {
    if (read_all(path, 4096) != read_all(path, 7)) std::abort();
  };
  const std::filesystem::path path = metron::fuzz::as_file(data, size);
  metron::fuzz::expect_orderly(metron::FileReader(path).size_limit(), read_twice, path);
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::string zipped = metron::gzip(bytes);
  const auto* compressed = reinterpret_cast<const std::uint8_t*>(zipped.data());
  if (read_all(metron::fuzz::as_file(compressed, zipped.size()), 4096) != bytes) std::abort();
  return 0;
}
