#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/tools/report/render/folder.h>
#include <metron/tools/report/run.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace metron::report {
namespace {

namespace fs = std::filesystem;
constexpr char run_name[] = "run.json";

void check_done(const std::error_code& error, const fs::path& path, const char* action) {
  check<IoError>(!error, "report", path.string(), ": ", action, ": ", error.message());
}

}  // namespace

ReportFolder::ReportFolder(const fs::path& folder) : folder_(fs::absolute(folder).lexically_normal()) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();
  std::error_code error;
  const fs::file_status status = fs::status(folder_, error);
  exists_ = fs::exists(status);
  if (exists_) {
    check<IoError>(fs::is_directory(status), "report", folder_.string(), ": is not a folder");
    if (fs::exists(folder_ / run_name)) {
      for (const File& file : load_run(folder_ / run_name).files) earlier_.push_back(file.name);
    } else {
      check<ValueError>(fs::is_empty(folder_), "report", folder_.string(),
                        ": has files but no earlier report; nothing was written");
    }
    // Fails now rather than after the run.
    check<IoError>(::access(folder_.c_str(), W_OK | X_OK) == 0, "report", folder_.string(),
                   ": can't be written to: ", std::strerror(errno));
  } else {
    fs::create_directories(folder_.parent_path(), error);
    check_done(error, folder_, "can't be created");
  }
  const std::string suffix = ".unfinished-" + std::to_string(::getpid());
  staging_ = folder_;
  staging_ += suffix;
  fs::create_directory(staging_, error);
  if (error == std::errc::filename_too_long) {
    staging_ = folder_.parent_path() / (".metron" + suffix);
    fs::create_directory(staging_, error);
  }
  check_done(error, folder_, "can't be created");
}

ReportFolder::~ReportFolder() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

void ReportFolder::write(const std::string& name, std::string_view content) {
  replace_file(staging_ / name, content);
}

void ReportFolder::commit() {
  std::error_code error;
  fs::remove_all(scratch(), error);
  if (!exists_) {
    fs::rename(staging_, folder_, error);
    check_done(error, folder_, "can't be moved into place");
    return;
  }
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(staging_)) names.push_back(entry.path().filename());
  std::stable_partition(names.begin(), names.end(), [](const fs::path& name) { return name != run_name; });
  for (const fs::path& name : names) {
    keep_access(staging_ / name, folder_ / name);
    fs::rename(staging_ / name, folder_ / name, error);
    check_done(error, folder_ / name, "can't be replaced");
  }
  for (const std::string& name : earlier_) {
    const bool is_plain = !name.empty() && name == fs::path(name).filename();
    if (is_plain && std::find(names.begin(), names.end(), name) == names.end())
      fs::remove(folder_ / name, error);
  }
}

}  // namespace metron::report
