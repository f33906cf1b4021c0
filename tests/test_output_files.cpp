// Output files: identity, permissions, long names, pipes and descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/profiler/profile_folder.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <string>

#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;

class OutputFiles : public testing::Test {
 protected:
  static void write(const fs::path& path, const std::string& text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
  }
  static struct stat info(const fs::path& path) {
    struct stat result {};
    EXPECT_EQ(::stat(path.c_str(), &result), 0) << path;
    return result;
  }
  static ::mode_t mode(const fs::path& path) { return info(path).st_mode & 07777; }

  TemporaryFolder folder;
};

TEST_F(OutputFiles, KeepTheirMode) {
  const fs::path path = folder.write("file", "old");
  for (const ::mode_t kept : {0600u, 0640u, 0444u, 0666u, 0755u, 0000u}) {
    ASSERT_EQ(::chmod(path.c_str(), kept), 0);
    write(path, "new");
    EXPECT_EQ(mode(path), kept);
  }
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  fs::create_symlink(path, folder / "link");
  write(folder / "link", "newer");
  EXPECT_EQ(mode(path), 0600u) << "through a link";
  EXPECT_EQ(read_file(path), "newer");
}

TEST_F(OutputFiles, OfAProfileKeepTheirMode) {
  Profile profile;
  profile.strings = {""};
  write_profile_folder(profile, folder / "profile");
  fs::permissions(folder / "profile" / "records.csv", fs::perms(0600));
  write_profile_folder(profile, folder / "profile");
  EXPECT_EQ(mode(folder / "profile" / "records.csv"), 0600u);
}

TEST_F(OutputFiles, AreNeverWidelyReadableWhileWritten) {
  const fs::path path = folder.write("file", "old");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  AtomicFile file(path);
  file.write("secret");
  for (const std::string& name : folder.names()) EXPECT_EQ(mode(folder / name) & 0077u, 0u) << name;
}

TEST_F(OutputFiles, KeepOwnerAndGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const fs::path path = folder.write("file", "old");
  ASSERT_EQ(::chown(path.c_str(), 1234, 4321), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  write(path, "new");
  EXPECT_EQ(info(path).st_uid, 1234u);
  EXPECT_EQ(info(path).st_gid, 4321u);
  EXPECT_EQ(mode(path), 0640u);
}

// As a user who may write to the folder but can't set the group: its permissions go to no one else.
TEST_F(OutputFiles, NarrowWhatCanNotBeKept) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can take another identity";
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  for (const auto& [before, after] :
       {std::pair{0660u, 0600u}, {0664u, 0644u}, {0604u, 0600u}, {04755u, 0755u}}) {
    const fs::path path = folder.write("file", "old");
    ASSERT_EQ(::chown(path.c_str(), 1234, 4321), 0);
    ASSERT_EQ(::chmod(path.c_str(), before), 0);
    ASSERT_EQ(::setegid(5678), 0);
    ASSERT_EQ(::seteuid(5678), 0);
    write(path, "new");
    ASSERT_EQ(::seteuid(0), 0);
    ASSERT_EQ(::setegid(0), 0);
    EXPECT_EQ(mode(path), after) << std::oct << before;
    fs::remove(path);
  }
}

TEST_F(OutputFiles, KeepTheirAccessList) {
  const fs::path path = folder.write("file", "old");
  // Version 2; owner rw, user 1234 rw, group none, mask rw, others none.
  const unsigned char list[] = {2, 0,    0,    0,    1,    0,    6,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   6,
                                0, 0xd2, 4,    0,    0,    4,    0,  0, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
                                6, 0,    0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
  constexpr char name[] = "system.posix_acl_access";
  if (::setxattr(path.c_str(), name, list, sizeof list, 0) != 0) GTEST_SKIP() << "no access lists here";
  write(path, "new");
  std::array<unsigned char, 256> kept{};
  ASSERT_EQ(::getxattr(path.c_str(), name, kept.data(), kept.size()), static_cast<ssize_t>(sizeof list));
  EXPECT_TRUE(std::equal(std::begin(list), std::end(list), kept.begin()));
}

TEST_F(OutputFiles, HaveNamesOf255Bytes) {
  for (const std::size_t length : {200u, 240u, 254u, 255u}) {
    const fs::path path = folder / std::string(length, 'n');
    write(path, "first");
    write(path, "second");
    EXPECT_EQ(read_file(path), "second");
    EXPECT_EQ(folder.names().size(), 1u);
    fs::remove(path);
  }
  EXPECT_TRUE(contains(message_of<IoError>([&] { AtomicFile{folder / std::string(256, 'n')}; }),
                       {"can't be created: File name too long"}));
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(OutputFiles, MayBePipes) {
  const fs::path path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  AtomicFile{path};  // a check before work neither waits nor ends the reader's input
  auto reader = std::async(std::launch::async, [&] { return read_file(path); });
  write(path, "through the pipe");
  EXPECT_EQ(reader.get(), "through the pipe");
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"pipe"});
}

TEST_F(OutputFiles, MayBeDevices) {
  write("/dev/null", "nothing");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(contains(message_of<IoError>([&] { write("/dev/full", "too much"); }), {"No space left"}));
}

TEST_F(OutputFiles, MayBeOpenDescriptors) {
  const fs::path path = folder / "log";
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(::write(descriptor, "before ", 7), 7);
  for (const char* const prefix : {"/dev/fd/", "/proc/self/fd/"})
    write(prefix + std::to_string(descriptor), "text ");
  fs::create_symlink("/dev/fd/" + std::to_string(descriptor), folder / "link");
  write(folder / "link", "linked ");
  ASSERT_EQ(::write(descriptor, "after", 5), 5);
  EXPECT_EQ(read_file(path), "before text text linked after");
  ::close(descriptor);
  EXPECT_NE(message_of<IoError>([&] { AtomicFile{"/dev/fd/" + std::to_string(descriptor)}; }), "");

  const int readable = ::open(path.c_str(), O_RDONLY);
  EXPECT_TRUE(contains(message_of<IoError>([&] { AtomicFile{"/dev/fd/" + std::to_string(readable)}; }),
                       {"open for reading only"}));
  ::close(readable);
}

TEST_F(OutputFiles, AreOneByDeviceAndInode) {
  const fs::path a = folder.write("a", ""), b = folder.write("b", "");
  fs::create_hard_link(a, folder / "hard");
  fs::create_symlink("a", folder / "soft");
  fs::create_directory(folder / "sub");
  fs::create_directory_symlink(folder.path(), folder / "sub" / "up");
  for (const auto& other : {a, folder / "./a", folder / "sub/../a", folder / "hard", folder / "soft",
                            folder / "sub/up/a", folder / "sub/up/soft"}) {
    EXPECT_TRUE(is_same_output(a, other)) << other;
    EXPECT_TRUE(is_same_output(other, a)) << other;
    EXPECT_FALSE(is_same_output(b, other)) << other;
  }
}

TEST_F(OutputFiles, AreOneBeforeTheyExist) {
  fs::create_directory(folder / "sub");
  fs::create_directory_symlink("sub", folder / "link");
  fs::create_symlink("new", folder / "dangling");
  EXPECT_TRUE(is_same_output(folder / "new", folder / "./new"));
  EXPECT_TRUE(is_same_output(folder / "new", folder / "sub/../new"));
  EXPECT_TRUE(is_same_output(folder / "sub/new", folder / "link/new"));
  EXPECT_TRUE(is_same_output(folder / "new", folder / "dangling"));
  EXPECT_FALSE(is_same_output(folder / "new", folder / "newer"));
  EXPECT_FALSE(is_same_output(folder / "new", folder / "sub/new"));
  EXPECT_FALSE(is_same_output(folder / "new", folder.write("old", "")));
  EXPECT_FALSE(is_same_output("/dev/null", "/dev/null"));
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_TRUE(is_same_output("new", "./new"));
  EXPECT_TRUE(is_same_output("new", folder / "new"));
  fs::current_path(before);
}

}  // namespace
}  // namespace metron
