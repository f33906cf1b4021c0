// Bytes of a file that may be gzipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace metron {

// Reads in order, unpacking (RFC 1952) where the content begins with gzip's magic number. Throws IoError,
// which names the file: it is missing or no regular file, is cut off, or fails a checksum. One read past the
// last byte is what verifies the last checksum.
class FileReader {
 public:
  explicit FileReader(std::filesystem::path path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Returns how many bytes were read: fewer than asked for at the end of the file only.
  std::size_t read(void* destination, std::size_t bytes);

  // No more bytes than this can come out of the whole file, so who is promised more need not allocate them.
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
