#include <fcntl.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/numbers.h>
#include <metron/layers/checkpoint.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace metron {
namespace {

namespace fs = std::filesystem;

constexpr char folder_op[] = "checkpoint";
constexpr std::string_view file_prefix = "step-", file_suffix = ".safetensors";

std::string file_name(std::int64_t step) {
  constexpr std::size_t digits = 9;  // more if needed
  const std::string number = std::to_string(step);
  return std::string(file_prefix) + std::string(digits - std::min(digits, number.size()), '0') + number +
         std::string(file_suffix);
}

// -1 for other files.
std::int64_t step_of(const std::string& name) {
  if (!name.starts_with(file_prefix) || !name.ends_with(file_suffix) ||
      name.size() <= file_prefix.size() + file_suffix.size())
    return -1;
  const std::string_view number = std::string_view(name).substr(
      file_prefix.size(), name.size() - file_prefix.size() - file_suffix.size());
  return parse_number(number, NumberRange<std::int64_t>{.lowest = 0}).value_or(-1);
}

// What a process that was killed in the middle of writing left: step-000000120.safetensors.1234-5.tmp.
bool is_leftover(const std::string& name) {
  const std::size_t end = name.find(std::string(file_suffix) + '.');
  return name.ends_with(".tmp") && end != std::string::npos &&
         step_of(name.substr(0, end + file_suffix.size())) >= 0;
}

std::vector<fs::path> listed(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    paths.push_back(entry->path());
  check<IoError>(!error, folder_op, folder.string(), ": the folder can't be read: ", error.message());
  return paths;
}

}  // namespace

// Held until the process ends, however it ends.
class CheckpointFolder::Lock {
 public:
  explicit Lock(const fs::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    // Other errors: the file system has no locks.
    const bool taken =
        descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (taken) ::close(descriptor_);
    check<IoError>(!taken, folder_op, folder.string(), ": another run writes its checkpoints there");
  }
  ~Lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

CheckpointFolder::CheckpointFolder(const fs::path& folder, std::int64_t keep) : folder_(folder), keep_(keep) {
  check<ValueError>(keep >= 1, folder_op, "at least one checkpoint must be kept, got ", keep);
  std::error_code error;
  fs::create_directories(folder, error);
  check<IoError>(!error, folder_op, folder.string(), ": the folder can't be created: ", error.message());
  { const AtomicFile writable(folder / file_name(0)); }  // throws if the folder is not writable
  lock_ = std::make_unique<Lock>(folder);
  remove_leftovers();
}

CheckpointFolder::~CheckpointFolder() = default;

void CheckpointFolder::remove_leftovers() const {
  for (const fs::path& path : listed(folder_)) {
    std::error_code ignored;  // only space is lost
    if (is_leftover(path.filename().string())) fs::remove(path, ignored);
  }
}

std::vector<fs::path> CheckpointFolder::files() const {
  std::vector<fs::path> found = listed(folder_);
  std::erase_if(found, [](const fs::path& path) { return step_of(path.filename().string()) < 0; });
  std::ranges::sort(found, {}, [](const fs::path& path) { return step_of(path.filename().string()); });
  return found;
}

// Files of later steps are damaged ones that load_newest skipped. They don't count, so that the checkpoint
// just written is never the one to go.
fs::path CheckpointFolder::save(const Checkpoint& checkpoint) {
  fs::path path = folder_ / file_name(checkpoint.step);
  save_checkpoint(path, checkpoint);
  std::vector<fs::path> older = files();
  std::erase_if(older,
                [&](const fs::path& file) { return step_of(file.filename().string()) > checkpoint.step; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < older.size(); ++i) {
    std::error_code error;
    fs::remove(older[i], error);
    check<IoError>(!error, folder_op, older[i].string(), ": the file can't be removed: ", error.message());
  }
  return path;
}

std::optional<CheckpointFolder::Loaded> CheckpointFolder::load_newest() const {
  std::vector<fs::path> candidates = files();
  std::vector<std::string> skipped;
  for (; !candidates.empty(); candidates.pop_back()) {
    try {
      return Loaded{load_checkpoint(candidates.back()), candidates.back(), std::move(skipped)};
    } catch (const IoError& error) {
      skipped.emplace_back(error.what());
    }
  }
  std::string reasons;
  for (const std::string& reason : skipped) reasons += "\n  " + reason;
  check<IoError>(skipped.empty(), folder_op, folder_.string(), ": no checkpoint is intact:", reasons);
  return std::nullopt;
}

}  // namespace metron
