// IDX files and image datasets.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/data/dataset.h>
#include <metron/core/data/idx.h>
#include <sys/stat.h>
#include <zlib.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

template <typename T>
std::string big_endian(const std::vector<T>& values) {
  std::string bytes;
  for (const T value : values) {
    std::string one(sizeof(T), '\0');
    std::memcpy(one.data(), &value, sizeof(T));
    bytes.append(one.rbegin(), one.rend());
  }
  return bytes;
}

std::string idx(int code, const std::vector<std::uint32_t>& sizes, const std::string& elements) {
  return std::string{'\0', '\0', static_cast<char>(code), static_cast<char>(sizes.size())} +
         big_endian(sizes) + elements;
}

std::string gzip(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

const std::string six_bytes = idx(8, {2, 3}, "\x01\x02\x03\x04\x05\xff");

class Idx : public testing::Test {
 protected:
  Tensor read(const std::string& content) { return read_idx(folder.write("file", content)); }
  // The error of read_idx for this content, uncompressed. It must name the file.
  std::string refusal(const std::string& content) {
    const std::string message = message_of<IoError>([&] { read(content); });
    if (!message.empty()) {
      EXPECT_TRUE(contains(message, {(folder / "file").string()}));
    }
    return message;
  }
  TemporaryFolder folder;
};

template <typename T>
void expect_elements(const Tensor& tensor, const Shape& shape, const std::vector<T>& values) {
  EXPECT_EQ(tensor.shape(), shape);
  ASSERT_EQ(tensor.dtype(), dtype_of<T>);
  EXPECT_EQ(tensor.to_vector<T>(), values);
}

TEST_F(Idx, ReadsEveryElementType) {
  expect_elements<std::uint8_t>(read(six_bytes), {2, 3}, {1, 2, 3, 4, 5, 255});
  expect_elements<std::int64_t>(read(idx(9, {2}, big_endian<std::int8_t>({-128, 127}))), {2}, {-128, 127});
  expect_elements<std::int64_t>(read(idx(11, {2}, big_endian<std::int16_t>({-32768, 258}))), {2},
                                {-32768, 258});
  expect_elements<std::int64_t>(read(idx(12, {2}, big_endian<std::int32_t>({INT32_MIN, 66051}))), {2},
                                {INT32_MIN, 66051});
  expect_elements<float>(read(idx(13, {3}, big_endian<float>({1.5f, -0.1f, 1e30f}))), {3},
                         {1.5f, -0.1f, 1e30f});
  expect_elements<double>(read(idx(14, {1, 2}, big_endian<double>({0.1, -1e300}))), {1, 2}, {0.1, -1e300});
}

TEST_F(Idx, ReadsMoreElementsThanOneChunk) {
  std::vector<std::int16_t> stored(40000);
  std::vector<std::int64_t> expected(stored.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    stored[i] = static_cast<std::int16_t>(i * 7919);
    expected[i] = stored[i];
  }
  const std::string content = idx(11, {200, 200}, big_endian(stored));
  expect_elements<std::int64_t>(read(content), {200, 200}, expected);
  expect_elements<std::int64_t>(read(gzip(content)), {200, 200}, expected);
}

TEST_F(Idx, ReadsGzipWhateverTheName) {
  expect_elements<std::uint8_t>(read(gzip(six_bytes)), {2, 3}, {1, 2, 3, 4, 5, 255});
  // A multi-member gzip file decompresses to its members' concatenated contents.
  const std::string members = gzip(six_bytes.substr(0, 5)) + gzip("") + gzip(six_bytes.substr(5));
  expect_elements<std::uint8_t>(read(members), {2, 3}, {1, 2, 3, 4, 5, 255});
}

TEST_F(Idx, ReadsSizeZeroAndEightDimensions) {
  expect_elements<std::uint8_t>(read(idx(8, {0, 28, 28}, "")), {0, 28, 28}, {});
  expect_elements<float>(read(gzip(idx(13, {3, 0}, ""))), {3, 0}, {});
  expect_elements<std::uint8_t>(read(idx(8, {1, 1, 1, 1, 1, 1, 1, 2}, "ab")), {1, 1, 1, 1, 1, 1, 1, 2},
                                {'a', 'b'});
}

TEST_F(Idx, RejectsMalformedContentPlainAndGzipped) {
  const struct {
    std::string content, rule;
  } cases[] = {
      {"", "the file ends within its header"},
      {std::string(3, '\0'), "the file ends within its header"},
      {six_bytes.substr(0, 11), "the file ends within its header"},
      {"PNG, really", "begins with two zero bytes, got 80 and 78"},
      {std::string("\0\1\x08\1", 4), "begins with two zero bytes, got 0 and 1"},
      {idx(0, {1}, "a"), "the element type must be 8, 9, 11, 12, 13 or 14, got 0"},
      {idx(10, {1}, "a"), "the element type must be 8, 9, 11, 12, 13 or 14, got 10"},
      {idx(15, {1}, "a"), "the element type must be 8, 9, 11, 12, 13 or 14, got 15"},
      {idx(8, {}, "a"), "there must be 1 to 8 dimensions, got 0"},
      {idx(8, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "a"), "there must be 1 to 8 dimensions, got 9"},
      {idx(8, {255}, std::string(254, 'a')), "the shape (255,)"},
      {idx(14, {2, 1}, std::string(15, 'a')), "the shape (2, 1)"},
      {six_bytes + "a", "more bytes follow the 6 of the declared shape (2, 3)"},
      {idx(8, {0, 5}, "a"), "more bytes follow the 0 of the declared shape (0, 5)"},
      {idx(12, {1}, big_endian<std::int32_t>({7, 8})), "more bytes follow the 4 of the declared shape (1,)"},
      {idx(8, {~0u, ~0u, ~0u, ~0u}, "abc"), "more than the file can hold"},
      {idx(14, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u}, "abc"), "more than the file can hold"},
      {idx(8, {0, ~0u, ~0u, ~0u}, ""), "more than the file can hold"},
      {idx(8, {1 << 30}, "abc"), "more than the file can hold"},
  };
  const std::size_t reserved = memory_stats(Device()).reserved;
  for (const auto& [content, rule] : cases) {
    if (!content.empty()) {
      EXPECT_TRUE(contains(refusal(content), {rule}));
    }
    EXPECT_TRUE(contains(refusal(gzip(content)), {rule}));
  }
  EXPECT_TRUE(contains(refusal(""), {"the file ends within its header"}));
  EXPECT_LT(memory_stats(Device()).reserved, reserved + (1 << 20));
}

TEST_F(Idx, ReportsHowMuchIsMissing) {
  EXPECT_TRUE(
      contains(refusal(gzip(idx(8, {255}, std::string(254, 'a')))), {"255 bytes, but only 254 follow it"}));
  EXPECT_TRUE(
      contains(refusal(gzip(idx(14, {2, 1}, std::string(15, 'a')))), {"16 bytes, but only 15 follow it"}));
}

TEST_F(Idx, RejectsCorruptGzip) {
  const std::string packed = gzip(six_bytes);
  for (std::size_t length = 2; length < packed.size(); ++length)
    EXPECT_TRUE(contains(refusal(packed.substr(0, length)), {"the gzipped data is truncated"})) << length;

  std::string wrong_checksum = packed;
  wrong_checksum[packed.size() - 8] ^= 1;
  EXPECT_TRUE(contains(refusal(wrong_checksum), {"the gzipped data is corrupt: incorrect data check"}));
  std::string wrong_length = packed;
  wrong_length[packed.size() - 4] ^= 1;
  EXPECT_TRUE(contains(refusal(wrong_length), {"the gzipped data is corrupt: incorrect length check"}));
  EXPECT_TRUE(contains(refusal(packed + "x"), {"the gzipped data is truncated"}));
  EXPECT_TRUE(contains(refusal(packed + "garbage that is no gzip"), {"the gzipped data is corrupt"}));
}

TEST_F(Idx, ASingleFlippedBitAtMostThrows) {
  for (const std::string& good : {six_bytes, gzip(six_bytes)}) {
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      try {
        const Tensor tensor = read(bad);
        EXPECT_EQ(tensor.numel(), 6) << bit;  // a changed element, or gzip's timestamp
      } catch (const IoError& error) {
        EXPECT_TRUE(contains(error.what(), {(folder / "file").string()}));
      }
    }
  }
}

TEST_F(Idx, InflatesNoMoreThanTheHeaderDeclares) {
  const std::string bomb = gzip(idx(8, {16}, std::string(std::size_t{16} << 20, '\0')));
  const std::size_t peak = memory_stats(Device()).peak_allocated;
  EXPECT_TRUE(contains(refusal(bomb), {"more bytes follow the 16 of the declared shape (16,)"}));
  EXPECT_LT(memory_stats(Device()).peak_allocated, peak + (1 << 20));
}

TEST_F(Idx, RejectsPathsThatAreNotFiles) {
  EXPECT_TRUE(contains(message_of<IoError>([&] { read_idx(folder / "absent"); }),
                       {(folder / "absent").string(), "No such file or directory"}));
  EXPECT_TRUE(
      contains(message_of<IoError>([&] { read_idx(folder.write("file", "") / "below"); }), {"below: "}));
  EXPECT_TRUE(contains(message_of<IoError>([&] { read_idx(folder.path()); }), {"not a regular file"}));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(contains(message_of<IoError>([&] { read_idx(folder / "pipe"); }), {"not a regular file"}));
  EXPECT_TRUE(contains(message_of<IoError>([&] { read_idx("/dev/zero"); }), {"not a regular file"}));
}

// ---- Datasets ----

class Images : public Idx {
 protected:
  std::filesystem::path images =
      folder.write("images", idx(8, {2, 1, 2}, std::string("\x00\xff\x80\x33", 4)));
  std::filesystem::path labels = folder.write("labels", idx(8, {2}, "\x07\x09"));
};

TEST_F(Images, AreNormalizedWhenGathered) {
  const ImageDataset dataset = read_images(images, labels, {0.1307, 0.3081});
  EXPECT_EQ(dataset.size(), 2);
  const auto normalized = [](int byte) { return (static_cast<float>(byte) / 255.0f - 0.1307f) / 0.3081f; };
  const Batch batch = dataset.gather(std::vector<std::int64_t>{1, 0, 1});
  expect_elements<float>(batch.input, {3, 1, 1, 2},
                         {normalized(0x80), normalized(0x33), normalized(0), normalized(0xff),
                          normalized(0x80), normalized(0x33)});
  expect_elements<std::int64_t>(batch.target, {3}, {9, 7, 9});

  const Batch none = dataset.gather({});
  expect_elements<float>(none.input, {0, 1, 1, 2}, {});
  expect_elements<std::int64_t>(none.target, {0}, {});
  EXPECT_THROW(dataset.gather(std::vector<std::int64_t>{2}), ValueError);
  EXPECT_THROW(dataset.gather(std::vector<std::int64_t>{-1}), ValueError);
}

TEST_F(Images, KeepTheirFirstSamples) {
  const ImageDataset dataset = read_images(images, labels, {});
  EXPECT_EQ(dataset.first(0).size(), 0);
  EXPECT_EQ(dataset.first(5).size(), 2);
  const ImageDataset one = dataset.first(1);
  EXPECT_EQ(one.size(), 1);
  expect_elements<std::int64_t>(one.gather(std::vector<std::int64_t>{0}).target, {1}, {7});
  EXPECT_THROW(one.gather(std::vector<std::int64_t>{1}), ValueError);
  EXPECT_THROW(dataset.first(-1), ValueError);
}

TEST_F(Images, MayHaveChannelsAndBeNonContiguous) {
  const Tensor stored = Tensor::from<std::uint8_t>({0, 51, 102, 153, 204, 255}, {1, 2, 3});  // (N, W, C)
  const Tensor pixels = stored.reshape({1, 1, 2, 3}).permute({0, 3, 1, 2});
  const ImageDataset dataset(pixels, Tensor::from<std::int64_t>({4}, {1}), {}, 5);
  expect_elements<float>(dataset.gather(std::vector<std::int64_t>{0}).input, {1, 3, 1, 2},
                         {0, 153 / 255.0f, 51 / 255.0f, 204 / 255.0f, 102 / 255.0f, 1});
}

TEST_F(Images, MustMatchTheirLabels) {
  const auto refused = [&](const std::filesystem::path& x, const std::filesystem::path& y) {
    return message_of<IoError>([&] { read_images(x, y, {}); });
  };
  const auto fewer = folder.write("fewer", idx(8, {1}, "\x07"));
  EXPECT_TRUE(
      contains(refused(images, fewer), {images.string() + " holds 2 images", fewer.string() + " 1 labels"}));
  const auto eleven = folder.write("eleven", idx(8, {2}, "\x07\x0b"));
  EXPECT_TRUE(
      contains(refused(images, eleven), {eleven.string(), "labels must be in [0, 10), got 11 at sample 1"}));
  EXPECT_TRUE(contains(refused(labels, labels), {"images must be uint8 (N, H, W) or (N, C, H, W)"}));
  EXPECT_TRUE(contains(refused(images, images), {"labels must be integers (N)"}));
  const auto wide = folder.write("wide", idx(12, {2}, std::string(8, '\0')));
  EXPECT_EQ(refused(images, wide), "");
  const auto real = folder.write("real", idx(13, {2}, std::string(8, '\0')));
  EXPECT_TRUE(contains(refused(images, real), {"labels must be integers (N), got float32 (2,)"}));
  EXPECT_TRUE(contains(refused(folder / "absent", labels), {"No such file or directory"}));
}

TEST(ImageDataset, IsToldApartByItsChecksum) {
  const Tensor images = Tensor::full({2, 3, 4}, 7, {DType::uint8}),
               labels = Tensor::zeros({2}, {DType::int64});
  const std::string checksum = ImageDataset(images, labels, {}).checksum();
  EXPECT_EQ(checksum.size(), 8u);
  EXPECT_EQ(ImageDataset(images.clone(), labels.to(DType::uint8), {}).checksum(), checksum);
  Tensor other = images.clone();
  other.slice(0, 1, 2).fill_(8);
  std::set<std::string> all{checksum,
                            ImageDataset(other, labels, {}).checksum(),
                            ImageDataset(images.reshape({2, 4, 3}), labels, {}).checksum(),
                            ImageDataset(images, Tensor::ones({2}, {DType::int64}), {}).checksum(),
                            ImageDataset(images, labels, {0.5, 1}).checksum(),
                            ImageDataset(images, labels, {}).first(1).checksum()};
  EXPECT_EQ(all.size(), 6u);
}

TEST(ImageDataset, ChecksTensors) {
  const Tensor images = Tensor::zeros({2, 3, 3}, {DType::uint8});
  const Tensor labels = Tensor::zeros({2}, {DType::int64});
  EXPECT_NO_THROW(ImageDataset(images, labels, {}));
  EXPECT_THROW(ImageDataset({}, labels, {}), ShapeError);
  EXPECT_THROW(ImageDataset(images, {}, {}), ShapeError);
  EXPECT_THROW(ImageDataset(images, labels.slice(0, 0, 1), {}), ShapeError);
  EXPECT_THROW(ImageDataset(images.flatten(), labels, {}), ShapeError);
  EXPECT_THROW(ImageDataset(images.to(DType::float32), labels, {}), DTypeError);
  EXPECT_THROW(ImageDataset(images, labels.to(DType::float32), {}), DTypeError);
  EXPECT_THROW(ImageDataset(images, labels, {0, 0}), ValueError);
  EXPECT_THROW(ImageDataset(images, labels, {0, -1}), ValueError);
  EXPECT_THROW(ImageDataset(images, Tensor::full({2}, -1, {DType::int64}), {}), ValueError);
  EXPECT_THROW(ImageDataset(images, Tensor::full({2}, 3, {DType::int64}), {}, 3), ValueError);
}

TEST(Mnist, Loads) {
  const std::filesystem::path folder = METRON_SOURCE_DIR "/examples/mnist_cnn/data";
  const ImageDataset test = read_mnist(folder, MnistSplit::test);
  EXPECT_EQ(test.size(), 10000);
  EXPECT_EQ(read_mnist(folder, MnistSplit::train).size(), 60000);
  const Batch batch = test.gather(std::vector<std::int64_t>{0, 1, 2, 3, 9999});
  EXPECT_EQ(batch.input.shape(), (Shape{5, 1, 28, 28}));
  EXPECT_EQ(batch.target.to_vector<std::int64_t>(), (std::vector<std::int64_t>{7, 2, 1, 0, 6}));
  EXPECT_FLOAT_EQ(batch.input.to_vector<float>()[0], (0 - 0.1307f) / 0.3081f);
  const TemporaryFolder empty;
  EXPECT_TRUE(contains(message_of<IoError>([&] { read_mnist(empty.path(), MnistSplit::test); }),
                       {"t10k-images-idx3-ubyte: neither this file nor a gzipped one exists"}));
}

}  // namespace
}  // namespace metron
