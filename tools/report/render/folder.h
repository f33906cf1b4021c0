// The report's folder, written atomically.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace metron::report {

// Files are first written to a staging folder next to the target. commit() moves them. A new folder appears
// complete. In the folder of an earlier report every file is replaced, run.json last, and files that the new
// report lacks are removed. Without commit() nothing is left behind.
class ReportFolder {
 public:
  // IoError if the folder can't be created or written to; ValueError if it has files but no earlier report.
  explicit ReportFolder(const std::filesystem::path& folder);
  ~ReportFolder();
  ReportFolder(const ReportFolder&) = delete;
  ReportFolder& operator=(const ReportFolder&) = delete;

  void write(const std::string& name, std::string_view content);
  std::filesystem::path scratch() const { return staging_ / "scratch"; }  // for temporary files
  std::filesystem::path staged(const std::string& name) const { return staging_ / name; }
  void commit();

 private:
  std::filesystem::path folder_, staging_;
  std::vector<std::string> earlier_;  // files of the earlier report
  bool exists_ = false;
};

}  // namespace metron::report
