// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace metron {

// Writes to a temporary file beside `path`; commit() puts it in the place of whatever was there. Without a
// commit the temporary is removed and `path` is left as it was. IoError, naming `path`, if anything fails.
class AtomicFile {
 public:
  // Follows a symbolic link; refuses to replace what is no regular file, such as a directory or a device.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

  // Syncs the file to the disk, renames it and syncs the directory. Nothing may be written afterwards.
  void commit();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail_with_errno(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once renamed
  std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace metron
