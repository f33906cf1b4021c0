// A temporary folder for a test, removed afterwards, and helpers to check files and error messages.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

namespace metron {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, const std::string& content) const;
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

// A file system of this size, such as "256k", in memory and mounted on a folder, which is created.
class MountedDisk {
 public:
  MountedDisk(const std::filesystem::path& folder, const std::string& size);
  ~MountedDisk();  // unmounts it
  MountedDisk(const MountedDisk&) = delete;
  MountedDisk& operator=(const MountedDisk&) = delete;
  bool is_mounted() const { return is_mounted_; }  // false where that is not allowed

 private:
  std::filesystem::path folder_;
  bool is_mounted_ = false;
};

std::string read_file(const std::filesystem::path& path);

// Whether `text` contains all parts. Reports the first missing one.
testing::AssertionResult contains(const std::string& text, std::initializer_list<std::string> parts);

// The message of the E that `action` throws; "" if it throws none.
template <typename E, typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

}  // namespace metron
