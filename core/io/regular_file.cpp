#include <metron/core/error.h>
#include <metron/core/io/regular_file.h>

#include <system_error>

namespace metron {

std::uint64_t regular_file_size(const char* op, const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  check<IoError>(std::filesystem::exists(status), op, path.string(), ": ", error.message());
  check<IoError>(std::filesystem::is_regular_file(status), op, path.string(), ": not a regular file");
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  check<IoError>(!error, op, path.string(), ": ", error.message());
  return bytes;
}

}  // namespace metron
