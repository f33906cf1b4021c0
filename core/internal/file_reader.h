// Reads plain or gzipped files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace metron {

// Sequential reader that decompresses content with the magic number of gzip (RFC 1952). IoError, with the
// path, if the file is missing, not a regular file, truncated or corrupt. Reading
// past the end verifies the last checksum.
class FileReader {
 public:
  explicit FileReader(std::filesystem::path path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Returns the number of bytes read, less than `bytes` only at the end of the file.
  std::size_t read(void* destination, std::size_t bytes);

  // Upper bound of the decompressed size. Callers check sizes in headers against it before allocating.
  std::uint64_t size_limit() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  class Gzip;

  std::size_t read_raw(void* destination, std::size_t bytes);

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::uint64_t file_size_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::unique_ptr<Gzip> gzip_;  // null for a plain file
};

}  // namespace metron
