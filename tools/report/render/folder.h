// The report's folder: as a whole, or as it was before.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace metron::report {

// Files are written beside the folder first. commit() moves them in: a folder that is new appears with all of
// them; of an earlier report there, each file is replaced, run.json last, and what the new one lacks is
// removed. Without a commit nothing is left behind.
class ReportFolder {
 public:
  // IoError where the folder can't be made or written to; ValueError where it has files but no earlier
  // report.
  explicit ReportFolder(const std::filesystem::path& folder);
  ~ReportFolder();
  ReportFolder(const ReportFolder&) = delete;
  ReportFolder& operator=(const ReportFolder&) = delete;

  void write(const std::string& name, std::string_view content);
  std::filesystem::path scratch() const { return staging_ / "scratch"; }  // for files that are not kept
  std::filesystem::path staged(const std::string& name) const { return staging_ / name; }
  void commit();

 private:
  std::filesystem::path folder_, staging_;
  std::vector<std::string> earlier_;  // files of the report that is there
  bool exists_ = false;
};

}  // namespace metron::report
