// The names and contents that copies of MNIST and its successors have, and what other files are called.
#include <gtest/gtest.h>
#include <metron/core/data/dataset.h>
#include <metron/core/data/idx.h>
#include <metron/core/io/gzip.h>
#include <metron/core/io/safetensors.h>
#include <metron/layers/models/mnist_training.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
std::string images(std::uint32_t count, std::uint32_t height = 28, std::uint32_t width = 28) {
  return "\0\0\x08\x03"s + number(count) + number(height) + number(width) +
         std::string(count * height * width, 'x');
}
std::string labels(std::uint32_t count, char label = 1) {
  return "\0\0\x08\x01"s + number(count) + std::string(count, label);
}

class MnistFiles : public testing::Test {
 protected:
  void write_all(const std::string& train = "train", const std::string& test = "t10k",
                 const std::string& separator = "-", const std::string& ending = "") const {
    for (const auto& [name, count] : {std::pair(train, 3u), {test, 2u}}) {
      const auto packed = [&](const std::string& text) { return ending.empty() ? text : gzip(text); };
      folder.write(name + "-images" + separator + "idx3-ubyte" + ending, packed(images(count)));
      folder.write(name + "-labels" + separator + "idx1-ubyte" + ending, packed(labels(count)));
    }
  }
  void expect_found() const {
    EXPECT_EQ(read_mnist(folder.path(), MnistSplit::train).size(), 3);
    EXPECT_EQ(read_mnist(folder.path(), MnistSplit::test).size(), 2);
  }
  std::int64_t first_label() const {
    return read_mnist(folder.path(), MnistSplit::train)
        .gather(std::vector<std::int64_t>{0})
        .target.item<std::int64_t>();
  }
  std::string refusal(MnistSplit split = MnistSplit::train) const {
    return message_of<IoError>([&] { read_mnist(folder.path(), split); });
  }
  TemporaryFolder folder;
};

TEST_F(MnistFiles, AreFoundByTheirNames) {
  const struct {
    const char *train, *test, *separator, *ending;
  } names[] = {{"train", "t10k", "-", ""},
               {"train", "t10k", "-", ".gz"},
               {"train", "t10k", ".", ""},
               {"train", "t10k", ".", ".gz"},
               {"train", "test", "-", ""},
               {"emnist-digits-train", "emnist-digits-test", "-", ""},
               {"emnist-mnist-train", "emnist-mnist-test", "-", ".gz"},
               {"qmnist_train", "qmnist_test", ".", ""}};
  for (const auto& [train, test, separator, ending] : names) {
    for (const std::string& name : folder.names()) fs::remove(folder / name);
    write_all(train, test, separator, ending);
    SCOPED_TRACE(std::string(train) + separator + ending);
    expect_found();
  }
}

TEST_F(MnistFiles, AreFoundInFoldersOfTheirNames) {
  write_all();
  for (const std::string& name : folder.names()) {
    fs::rename(folder / name, folder / "moved");
    fs::create_directory(folder / name);
    fs::rename(folder / "moved", folder / name / name);
  }
  expect_found();
}

TEST_F(MnistFiles, OfSeveralSetsAreRefused) {
  write_all("emnist-digits-train", "emnist-digits-test");
  write_all("emnist-mnist-train", "emnist-mnist-test");
  EXPECT_TRUE(contains(refusal(), {"several data sets", "emnist-digits-train-images-idx3-ubyte",
                                   "emnist-mnist-train-images-idx3-ubyte"}));
  write_all();
  expect_found();  // the plain names are preferred
}

TEST_F(MnistFiles, AreRatherUnpackedThanOlderArchives) {
  write_all();
  const std::string name = "train-labels-idx1-ubyte";
  folder.write(name + ".gz", gzip(labels(3, 7)));
  const auto now = fs::last_write_time(folder / name);
  fs::last_write_time(folder / (name + ".gz"), now - std::chrono::hours(1));
  EXPECT_EQ(first_label(), 1);
  fs::last_write_time(folder / (name + ".gz"), now);
  EXPECT_EQ(first_label(), 1);
  fs::last_write_time(folder / (name + ".gz"), now + std::chrono::hours(1));
  EXPECT_TRUE(contains(refusal(), {name + " and the newer ", name + ".gz differ: remove one of them"}));
  folder.write(name + ".gz", gzip(labels(3, 1)));
  fs::last_write_time(folder / (name + ".gz"), now + std::chrono::hours(1));
  EXPECT_EQ(first_label(), 1) << "the same content";
}

TEST_F(MnistFiles, MayHaveLabelsOfAnyWidth) {
  write_all();
  folder.write("train-labels-idx1-ubyte", "\0\0\x0c\x01"s + number(3) + number(9) + number(0) + number(4));
  EXPECT_EQ(first_label(), 9);
  folder.write("train-labels-idx1-ubyte", "\0\0\x0b\x01"s + number(3) + "\0\5\0\1\0\2"s);
  EXPECT_EQ(first_label(), 5);
  folder.write("train-labels-idx1-ubyte", "\0\0\x0c\x01"s + number(3) + number(9) + number(~0u) + number(4));
  EXPECT_TRUE(contains(refusal(), {"labels must be in [0, 10), got -1 at sample 1"}));
  folder.write("train-labels-idx1-ubyte", "\0\0\x0d\x01"s + number(3) + number(0) + number(0) + number(0));
  EXPECT_TRUE(contains(refusal(), {"labels must be integers (N), got float32 (3,)"}));
}

TEST_F(MnistFiles, OfAnotherSizeAreRefused) {
  write_all();
  const std::string name = "train-images-idx3-ubyte";
  for (const auto& [height, width, shape] :
       {std::tuple{32u, 32u, "(3, 32, 32)"}, {20u, 28u, "(3, 20, 28)"}, {28u, 27u, "(3, 28, 27)"}}) {
    folder.write(name, images(3, height, width));
    EXPECT_TRUE(contains(refusal(), {name, "images must be (N, 28, 28), got ", shape}));
  }
  folder.write(name,
               "\0\0\x08\x04"s + number(3) + number(3) + number(28) + number(28) + std::string(9 * 784, 'x'));
  EXPECT_TRUE(contains(refusal(), {"(3, 3, 28, 28)"}));
  folder.write(name,
               "\0\0\x08\x04"s + number(3) + number(1) + number(28) + number(28) + std::string(3 * 784, 'x'));
  EXPECT_EQ(refusal(), "");
  folder.write("t10k-images-idx3-ubyte", images(0));
  EXPECT_TRUE(contains(refusal(MnistSplit::test), {"t10k-images-idx3-ubyte: the file has no images"}));
}

TEST_F(MnistFiles, MayBePaddedWithZeros) {
  write_all("train", "t10k", "-", ".gz");
  const std::string name = "train-images-idx3-ubyte.gz", packed = gzip(images(3));
  for (const std::size_t padding : {1u, 511u, 100'000u}) {
    folder.write(name, packed + std::string(padding, '\0'));
    EXPECT_EQ(refusal(), "") << padding;
  }
  folder.write(name, packed + std::string(100'000, '\0') + "x");
  EXPECT_TRUE(contains(refusal(), {name, "zeros and other bytes follow the gzipped data"}));
  for (const char* const garbage : {"garbage", "\x1f", "\x1f\x8bgarbage"}) {
    folder.write(name, packed + garbage);
    EXPECT_TRUE(contains(refusal(), {name, "the gzipped data is"})) << garbage;
  }
}

const std::vector<std::pair<std::string, std::string>> other_kinds{
    {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"},
    {"<!DOCTYPE html><html>", "an HTML page"},
    {" \n<HTML lang=\"en\"><head>", "an HTML page"},
    {"\xef\xbb\xbf<html>", "an HTML page"},
    {"<?xml version=\"1.0\"?><Error>", "an XML document"},
    {"\x80\x02}q\0(X"s, "a pickle"},
    {"\x80\x04\x95\x10\0\0\0\0\0\0\0"s, "a pickle"},
    {"PK\x03\x04\x14\0\0\0\x08\0"s, "a zip archive"},
    {"BZh91AY&SY", "bzip2 data"},
    {"\xfd"
     "7zXZ\0\0"s,
     "xz data"},
    {"\x28\xb5\x2f\xfd\x04\x58", "zstd data"},
    {"\x93NUMPY\x01\0v\0"s, "a NumPy array"},
    {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
    {"\x89PNG\r\n\x1a\n", "a PNG picture"}};

TEST_F(MnistFiles, SayWhatTheyAreInstead) {
  write_all();
  for (const auto& [content, kind] : other_kinds) {
    folder.write("train-images-idx3-ubyte", content);
    EXPECT_TRUE(contains(refusal(), {"train-images-idx3-ubyte", "; it is " + kind}));
  }
  folder.write("train-images-idx3-ubyte", gzip(gzip(images(3))));
  EXPECT_TRUE(contains(refusal(), {"; it is gzipped data"}));
  folder.write("train-images-idx3-ubyte", "");
  EXPECT_TRUE(contains(refusal(), {"; it is empty"}));
  folder.write("train-images-idx3-ubyte", "\x03\x08\0\0\x03\0\0\0"s + std::string(80, 'x'));
  EXPECT_TRUE(contains(refusal(), {"little-endian byte order"}));
  folder.write("train-images-idx3-ubyte", labels(3));
  EXPECT_TRUE(contains(refusal(), {"images must be uint8 (N, H, W)", "(3,)"}));
}

TEST_F(MnistFiles, OfWeightsSayWhatTheyAreInstead) {
  const auto weights = [&](const std::string& content) {
    const fs::path path = folder.write("weights", content);
    return message_of<IoError>([&] { load_safetensors(path); });
  };
  for (const auto& [content, kind] : other_kinds)
    EXPECT_TRUE(contains(weights(content), {"weights", "; it is " + kind}));
  EXPECT_TRUE(contains(weights(""), {"; it is empty"}));
  EXPECT_TRUE(contains(weights(gzip("{}" + std::string(20, ' '))), {"; it is gzipped data"}));
  EXPECT_TRUE(contains(weights(images(1)), {"; it is an IDX file of images"}));
  const fs::path page = folder.write("metrics.csv", "<html>");
  EXPECT_TRUE(contains(message_of<IoError>([&] { models::read_metrics(page); }), {"; it is an HTML page"}));
}

}  // namespace
}  // namespace metron
