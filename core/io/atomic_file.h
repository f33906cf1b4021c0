// Atomic replacement of files.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace metron {

// Writes a temporary file next to `path`; commit() renames it to `path`. Without a commit the temporary is
// removed and `path` is unchanged. A file that is replaced passes on its permissions and owner; what the
// process may not set is narrowed, never widened. IoError, with the path, on failure.
//
// Pipes, terminals and open descriptors (a FIFO, /dev/stdout, /dev/null) can't be replaced: they are opened
// by the first write and written directly.
class AtomicFile {
 public:
  // Follows symbolic links. IoError if `path` is a directory or a disk.
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
  void create_temporary();
  void open_directly();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once renamed, and if written directly
  std::unique_ptr<std::FILE, CloseFile> file_;
  bool direct_ = false;
  int descriptor_ = -1;  // that path_ denotes, as /dev/stdout does
  bool committed_ = false;
};

// Replaces the file, or creates it, with this content.
void replace_file(const std::filesystem::path& path, std::string_view content);

// Gives `file`, which is about to replace `old`, its permissions and owner as AtomicFile does.
void keep_access(const std::filesystem::path& file, const std::filesystem::path& old);

// Whether two outputs are one file: by device and inode, so through any links, or by folder and name if
// neither exists yet. Character devices such as /dev/null may be shared.
bool is_same_output(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace metron
