#include <fcntl.h>
#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/numbers.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
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

// What a path denotes after its symbolic links. The file need not exist.
struct Target {
  std::filesystem::path path;
  int descriptor = -1;  // of this process: /dev/stdout is a link to /proc/self/fd/1
};

int denoted_descriptor(const std::filesystem::path& path) {
  std::error_code error;
  const auto folder = std::filesystem::canonical(path.parent_path(), error);
  if (error || folder != std::filesystem::canonical("/proc/self/fd", error) || error) return -1;
  return parse_number(path.filename().string(), NumberRange<int>{.lowest = 0}).value_or(-1);
}

Target target_of(std::filesystem::path path) {
  constexpr int max_links = 40;  // the limit of the Linux kernel
  std::error_code error;
  for (int link = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++link) {
    if (const int descriptor = denoted_descriptor(path); descriptor >= 0) return {path, descriptor};
    check<IoError>(link < max_links, op, path.string(), ": too many symbolic links");
    const auto next = std::filesystem::read_symlink(path, error);
    check<IoError>(!error, op, path.string(), ": ", error.message());
    path = path.parent_path() / next;  // an absolute `next` replaces the parent
  }
  return {path};
}

const char* or_dot(const std::filesystem::path& folder) { return folder.empty() ? "." : folder.c_str(); }

// Sets the access list of `file` to that of `old`, or none. False if it can't be kept.
bool keep_access_list(int file, const std::filesystem::path& old) {
  constexpr char name[] = "system.posix_acl_access";
  std::array<char, 64 * 1024> list;  // the limit of Linux
  const ssize_t size = ::getxattr(old.c_str(), name, list.data(), list.size());
  if (size > 0) return ::fsetxattr(file, name, list.data(), static_cast<std::size_t>(size), 0) == 0;
  ::fremovexattr(file, name);  // inherited from the folder
  return true;
}

// Gives `file` the owner, group, permissions and access list of `old`. Whoever had no access to `old` has
// none to `file`: permissions that can't go to the same group or list go to no one.
void copy_access(int file, const std::filesystem::path& old) {
  struct stat before {};
  if (::stat(old.c_str(), &before) != 0) return;
  ::mode_t mode = before.st_mode & 07777;
  struct stat now {};
  const bool owned = ::fchown(file, before.st_uid, before.st_gid) == 0 ||
                     (::fstat(file, &now) == 0 && now.st_uid == before.st_uid && now.st_gid == before.st_gid);
  const bool grouped = owned || ::fchown(file, static_cast<::uid_t>(-1), before.st_gid) == 0;
  const bool listed = keep_access_list(file, old);
  if (!owned) mode &= 0777;  // no set-user-ID for another owner
  if (!grouped || !listed) {
    const ::mode_t everyone = (mode >> 3) & mode & 07;  // what both the group and others had
    mode = (mode & 0700) | (everyone << 3) | everyone;
  }
  ::fchmod(file, mode);  // fails where the file system has no permissions
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const auto type = status.type();
  const Target target = target_of(path);
  descriptor_ = target.descriptor;
  direct_ = descriptor_ >= 0 || type == std::filesystem::file_type::fifo ||
            type == std::filesystem::file_type::character;
  if (direct_) {
    const int mode = descriptor_ >= 0 ? ::fcntl(descriptor_, F_GETFL) : O_WRONLY;
    if (mode < 0 || (descriptor_ < 0 && ::access(path_.c_str(), W_OK) != 0))
      fail_with_errno("can't be written");
    check<IoError>((mode & O_ACCMODE) != O_RDONLY && type != std::filesystem::file_type::directory, op,
                   path.string(), ": is open for reading only");
    return;
  }
  path_ = target.path;
  check<IoError>(status_known(status), op, path.string(), ": the file can't be created: ", error.message());
  check<IoError>(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), op,
                 path.string(), ": exists and is not a regular file, so it is not replaced");
  create_temporary();
}

// Named uniquely and created exclusively: never overwrites another file. Only its owner can read the
// successor of an existing file, until commit() copies the permissions.
void AtomicFile::create_temporary() {
  const ::mode_t mode = ::access(path_.c_str(), F_OK) == 0 ? 0600 : 0666;
  int descriptor = -1;
  bool named_after_target = true;
  for (int attempt = 0; attempt < 100 && descriptor < 0; ++attempt) {
    temporary_ = named_after_target ? path_ : path_.parent_path() / ".metron";
    temporary_ += unique_suffix();
    descriptor = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor >= 0 || errno == EEXIST) continue;
    if (errno != ENAMETOOLONG || !named_after_target) break;
    named_after_target = false;
  }
  if (descriptor < 0) {
    temporary_.clear();
    fail_with_errno("can't be created");
  }
  file_.reset(::fdopen(descriptor, "wb"));
  if (file_ == nullptr) {
    ::close(descriptor);
    fail_with_errno("can't be created");
  }
}

// Opening a FIFO waits for its reader. A descriptor is duplicated, so that what follows in a file that stands
// behind it is appended to what the process has written.
void AtomicFile::open_directly() {
  if (descriptor_ == STDOUT_FILENO) std::fflush(stdout);
  const int descriptor = descriptor_ >= 0 ? ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0)
                                          : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) fail_with_errno("can't be opened");
  file_.reset(::fdopen(descriptor, "wb"));
  if (file_ == nullptr) {
    ::close(descriptor);
    fail_with_errno("can't be opened");
  }
}

AtomicFile::~AtomicFile() {
  file_.reset();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  check<IoError>(!committed_, op, path_.string(), ": write after commit");
  if (file_ == nullptr) open_directly();
  if (bytes != 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail_with_errno("can't be written");
}

void AtomicFile::commit() {
  check<IoError>(!committed_, op, path_.string(), ": committed twice");
  if (file_ == nullptr) open_directly();
  committed_ = true;
  if (std::fflush(file_.get()) != 0) fail_with_errno("can't be written");
  if (!direct_) {
    copy_access(::fileno(file_.get()), path_);
    if (::fsync(::fileno(file_.get())) != 0 && errno != EINVAL) fail_with_errno("can't be synced");
  }
  if (std::fclose(file_.release()) != 0) fail_with_errno("can't be closed");
  if (direct_) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno("can't be replaced");
  temporary_.clear();
  if (!sync_directory(or_dot(path_.parent_path())))
    fail_with_errno("is written, but its directory can't be synced");
}

void AtomicFile::fail_with_errno(const char* action) const {
  const int error = errno;
  fail<IoError>(op, path_.string(), ": the file ", action, ": ", std::strerror(error));
}

void replace_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void keep_access(const std::filesystem::path& file, const std::filesystem::path& old) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  copy_access(descriptor, old);
  ::close(descriptor);
}

bool is_same_output(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat first {
  }, second{};
  const auto same = [&] { return first.st_dev == second.st_dev && first.st_ino == second.st_ino; };
  const bool exists = ::stat(a.c_str(), &first) == 0;
  if (exists != (::stat(b.c_str(), &second) == 0)) return false;
  if (exists) return same() && !S_ISCHR(first.st_mode);
  const std::filesystem::path x = target_of(a).path, y = target_of(b).path;
  return x.filename() == y.filename() && ::stat(or_dot(x.parent_path()), &first) == 0 &&
         ::stat(or_dot(y.parent_path()), &second) == 0 && same();
}

}  // namespace metron
