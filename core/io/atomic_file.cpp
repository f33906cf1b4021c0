#include <fcntl.h>
#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>

namespace metron {
namespace {

constexpr char op[] = "write";

std::string unique_suffix() {
  static std::atomic<std::uint64_t> counter{0};
  return "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
}

// Makes the rename durable across a system crash. EINVAL: the file system does not support it.
bool sync_directory(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0 || errno == EINVAL;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return synced;
}

// Resolves symbolic links. The target need not exist.
std::filesystem::path link_target(std::filesystem::path path) {
  constexpr int max_links = 40;  // the limit of the Linux kernel
  std::error_code error;
  for (int link = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++link) {
    check<IoError>(link < max_links, op, path.string(), ": too many symbolic links");
    const auto next = std::filesystem::read_symlink(path, error);
    check<IoError>(!error, op, path.string(), ": ", error.message());
    path = path.parent_path() / next;  // an absolute `next` replaces the parent
  }
  return path;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  check<IoError>(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), op,
                 path.string(), ": exists and is not a regular file, so it is not replaced");
  path_ = link_target(path);
  // A unique name and O_EXCL ("x"): never overwrites another file.
  for (int attempt = 0; attempt < 100 && file_ == nullptr; ++attempt) {
    temporary_ = path_;
    temporary_ += unique_suffix();
    file_.reset(std::fopen(temporary_.c_str(), "wbxe"));
    if (file_ == nullptr && errno != EEXIST) break;
  }
  if (file_ == nullptr) fail_with_errno("can't be created");
}

AtomicFile::~AtomicFile() {
  file_.reset();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  check<IoError>(file_ != nullptr, op, path_.string(), ": write after commit");
  if (bytes != 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail_with_errno("can't be written");
}

void AtomicFile::commit() {
  check<IoError>(file_ != nullptr, op, path_.string(), ": committed twice");
  if (std::fflush(file_.get()) != 0) fail_with_errno("can't be written");
  if (::fsync(::fileno(file_.get())) != 0 && errno != EINVAL) fail_with_errno("can't be synced");
  if (std::fclose(file_.release()) != 0) fail_with_errno("can't be closed");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno("can't be replaced");
  temporary_.clear();
  const std::filesystem::path directory = path_.parent_path();
  if (!sync_directory(directory.empty() ? "." : directory))
    fail_with_errno("is written, but its directory can't be synced");
}

void AtomicFile::fail_with_errno(const char* action) const {
  const int error = errno;
  fail<IoError>(op, path_.string(), ": the file ", action, ": ", std::strerror(error));
}

}  // namespace metron
