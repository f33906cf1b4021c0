// Atomic replacement of files.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace metron {

// Writes a temporary file next to `path`; commit() renames it to `path`. Without a commit the temporary is
// removed and `path` is unchanged. IoError, with the path, on failure.
class AtomicFile {
 public:
  // Follows symbolic links. IoError if `path` exists and is not a regular file.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

  // Syncs the file, renames it and syncs the directory. No writes may follow.
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
