#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/profiler/internal/views.h>
#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/profile_folder.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace metron {
namespace {

// A temporary folder, so that a full disk leaves no partial set of files. Removed by the destructor.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& folder)
      : path_(folder / (".unfinished-" + std::to_string(::getpid()))) {
    std::error_code error;
    std::filesystem::create_directory(path_, error);
    check<IoError>(!error, "profile", folder.string(), ": can't be written to: ", error.message());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

void check_profile_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check<IoError>(!error, "profile", "the folder ", folder.string(), " can't be created: ", error.message());
  AtomicFile{folder / "profile.json"};  // never committed, so it is removed again
}

void write_profile_folder(const Profile& profile, const std::filesystem::path& folder) {
  check_profile_folder(folder);
  const TemporaryFolder temporary(folder);
  const detail::DeviceTimeline timeline = detail::device_timeline(profile);
  const Ranking ranking = detail::rank(profile, {}, timeline);
  replace_file(temporary.path() / "ranking.txt", ranking.to_table());
  replace_file(temporary.path() / "ranking.csv", ranking.to_csv());
  replace_file(temporary.path() / "modules.csv", to_csv(detail::module_view(profile, timeline)));
  replace_file(temporary.path() / "memory.csv", detail::memory_timeline_csv(profile, timeline));
  replace_file(temporary.path() / "records.csv", records_to_csv(profile));
  replace_file(temporary.path() / "trace.json", detail::to_trace(profile, timeline));
  save_profile(profile, temporary.path() / "profile.json");
  for (const auto& file : std::filesystem::directory_iterator(temporary.path())) {
    keep_access(file.path(), folder / file.path().filename());
    std::error_code error;
    std::filesystem::rename(file.path(), folder / file.path().filename(), error);
    check<IoError>(!error, "profile", (folder / file.path().filename()).string(),
                   ": can't be replaced: ", error.message());
  }
}

}  // namespace metron
