#include "temporary_folder.h"

#include <stdlib.h>
#include <sys/mount.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace metron {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "metron-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
  return path_ / name;
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    result.push_back(entry.path().filename());
  return result;
}

MountedDisk::MountedDisk(const std::filesystem::path& folder, const std::string& size) : folder_(folder) {
  std::filesystem::create_directory(folder_);
  is_mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

MountedDisk::~MountedDisk() {
  if (is_mounted_) ::umount(folder_.c_str());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

testing::AssertionResult contains(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos)
      return testing::AssertionFailure() << '"' << part << "\" is not in \"" << text << '"';
  }
  return testing::AssertionSuccess();
}

}  // namespace metron
