// Safetensors: the file format, round trips, untrusted input and write failures.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/safetensors.h>
#include <sys/resource.h>

#include <bit>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

std::string bytes_of(const void* data, std::size_t bytes) { return {static_cast<const char*>(data), bytes}; }

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return bytes_of(&length, sizeof(length)) + header + data;
}

std::string bits_of(const Tensor& tensor) {
  const Tensor rows = tensor.contiguous();
  return rows.bytes() == 0 ? "" : bytes_of(rows.raw_data(), rows.bytes());
}

class Safetensors : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder / "weights.safetensors"; }
  std::vector<NamedTensor> reload(const std::vector<NamedTensor>& tensors) const {
    save_safetensors(path(), tensors);
    return load_safetensors(path());
  }
  // The error of load_safetensors for a file with this content. It must name the file.
  std::string refusal(const std::string& content) const {
    folder.write("bad", content);
    const std::string message = message_of<IoError>([&] { load_safetensors(folder / "bad"); });
    if (!message.empty()) {
      EXPECT_TRUE(contains(message, {(folder / "bad").string()}));
    }
    return message;
  }
  TemporaryFolder folder;
};

TEST_F(Safetensors, WritesTheFormat) {
  const std::vector<float> values{1.5f, -2.0f};
  save_safetensors(path(), std::vector<NamedTensor>{{"a", Tensor::from(values, {2, 1})}},
                   {{"made by", "a test"}});
  const std::string header =
      R"({"__metadata__":{"made by":"a test"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(path()), file_of(padded, bytes_of(values.data(), 8)));
}

TEST_F(Safetensors, RoundTripsEveryDtypeBitForBit) {
  const std::vector<std::uint16_t> halves{0x3c00, 0x0001, 0xfc00, 0x7e01, 0x8000};
  std::vector<float16> f16(5);
  std::vector<bfloat16> bf16(5);
  for (std::size_t i = 0; i < 5; ++i) f16[i].bits = bf16[i].bits = halves[i];
  const std::vector<NamedTensor> tensors{
      {"f64", Tensor::from<double>({0.1, -0.0, 1e-310, std::bit_cast<double>(0x7ff8000000000123)}, {2, 2})},
      {"i64", Tensor::from<std::int64_t>({INT64_MIN, -1, INT64_MAX}, {3})},
      {"scalar", Tensor::full({}, 7, {DType::int64})},
      {"f32", Tensor::from<float>({0.1f, std::bit_cast<float>(0x7fc01234)}, {1, 2, 1})},
      {"empty", Tensor::empty({0, 3})},
      {"f16", Tensor::from(f16, {5})},
      {"bf16", Tensor::from(bf16, {5, 1})},
      {"u8", Tensor::from<std::uint8_t>({0, 127, 255}, {3, 1, 1, 1, 1, 1, 1, 1})},
  };
  const std::vector<NamedTensor> loaded = reload(tensors);
  ASSERT_EQ(loaded.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded[i].name, tensors[i].name);
    EXPECT_EQ(loaded[i].tensor.dtype(), tensors[i].tensor.dtype()) << tensors[i].name;
    EXPECT_EQ(loaded[i].tensor.shape(), tensors[i].tensor.shape()) << tensors[i].name;
    EXPECT_EQ(bits_of(loaded[i].tensor), bits_of(tensors[i].tensor)) << tensors[i].name;
  }
}

TEST_F(Safetensors, SavesRowMajorForAnyStrides) {
  const Tensor base = Tensor::from<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4});
  const std::vector<NamedTensor> tensors{
      {"transposed", base.transpose(0, 1)},
      {"sliced", base.slice(1, 1, 4, 2)},
      {"expanded", base.select(0, 1).expand({2, 4})},
      {"channels_last", base.reshape({1, 3, 2, 2}).to(MemoryFormat::channels_last)},
  };
  for (const auto& [name, tensor] : reload(tensors)) {
    const auto original =
        std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    EXPECT_EQ(tensor.shape(), original->tensor.shape());
    EXPECT_EQ(tensor.to_vector<float>(), original->tensor.to_vector<float>()) << name;
  }
  EXPECT_EQ(load_safetensors(path())[1].tensor.to_vector<float>(), (std::vector<float>{1, 3, 5, 7, 9, 11}));
}

TEST_F(Safetensors, AlignsEveryTensor) {
  const std::vector<NamedTensor> loaded = reload({{"bytes", Tensor::zeros({3}, {DType::uint8})},
                                                  {"half", Tensor::zeros({1}, {DType::float16})},
                                                  {"wide", Tensor::zeros({1}, {DType::float64})},
                                                  {"float", Tensor::zeros({1})},
                                                  {"float2", Tensor::zeros({1})}});
  std::vector<std::string> names;
  for (const NamedTensor& entry : loaded) names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"wide", "float", "float2", "half", "bytes"}));
}

TEST_F(Safetensors, KeepsMetadataAndOddNames) {
  const Metadata metadata{{"format", "pt"}, {"epoch", "14"}, {"quote\"\n", "ünï"}};
  const std::vector<NamedTensor> tensors{{"0.weight", Tensor::ones({1})},
                                         {"naïve \"x\"\\", Tensor::ones({1})}};
  save_safetensors(path(), tensors, metadata);
  Metadata loaded{{"stale", "entry"}};
  const std::vector<NamedTensor> back = load_safetensors(path(), &loaded);
  EXPECT_EQ(loaded, metadata);
  EXPECT_EQ(back[1].name, tensors[1].name);
  save_safetensors(path(), tensors);
  load_safetensors(path(), &loaded);
  EXPECT_TRUE(loaded.empty()) << "a file without metadata has none";
}

TEST_F(Safetensors, SavesAnEmptyState) {
  EXPECT_TRUE(reload({}).empty());
  EXPECT_EQ(read_file(path()), file_of("{}      ", ""));
}

TEST_F(Safetensors, LoadsPyTorchFiles) {
  const std::vector<NamedTensor> tensors =
      load_safetensors(METRON_SOURCE_DIR "/tests/reference/mnist_init.safetensors");
  ASSERT_EQ(tensors.size(), 8u);
  EXPECT_EQ(tensors[0].name, "conv1.weight");
  EXPECT_EQ(tensors[0].tensor.shape(), (Shape{32, 1, 3, 3}));
  EXPECT_EQ(tensors[4].name, "fc1.weight");
  EXPECT_EQ(tensors[4].tensor.shape(), (Shape{128, 9216}));
}

TEST_F(Safetensors, LoadsTensorsOutOfOrderAndUnaligned) {
  // Valid: the header's order is arbitrary, and the format does not require alignment.
  const float value = 2.5f;
  folder.write("weights.safetensors", file_of(R"({"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},)"
                                              R"("u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                              R"("e":{"dtype":"F32","shape":[0],"data_offsets":[1,1]}})",
                                              "\x07" + bytes_of(&value, 4)));
  const std::vector<NamedTensor> tensors = load_safetensors(path());
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].tensor.item<std::uint8_t>(), 7);
  EXPECT_EQ(tensors[1].name, "e");
  EXPECT_EQ(tensors[2].tensor.item<float>(), 2.5f);
}

TEST_F(Safetensors, RejectsMalformedFiles) {
  const auto one = [](const std::string& entry, const std::string& data = "12345678") {
    return file_of("{\"t\":" + entry + "}", data);
  };
  const struct {
    std::string content, rule;
  } cases[] = {
      {"", "0 bytes are too few for the header's length"},
      {"1234567", "7 bytes are too few for the header's length"},
      {std::string("\x03\0\0\0\0\0\0\0{}", 10), "the header's length is 3 in a file of 10 bytes"},
      {std::string(8, '\xff') + "{}", "the header's length is 18446744073709551615"},
      {file_of("", ""), "the header is not a JSON object"},
      {file_of("[]", ""), "the header is not a JSON object"},
      {file_of(" {}", ""), "the header is not a JSON object"},
      {file_of(std::string("{}\0", 3), ""), "the header is not a JSON object"},
      {file_of("{", ""), "the header is not JSON: "},
      {file_of("{} x", ""), "the header is not JSON: "},
      {file_of("{\"\xff\":1}", ""), "the header is not JSON: "},
      {file_of("{\"t\":" + std::string(100000, '['), ""), "the header is nested too deeply"},
      {file_of(R"({"t":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", "1"),
       "t: the shape must be a list of sizes, got [[1]]"},
      {file_of(R"({"t":1})", ""), "t: an entry must have dtype, shape and data_offsets"},
      {one(R"({"dtype":"F32","shape":[2]})"), "t: an entry must have dtype, shape and data_offsets"},
      {one(R"({"dtype":"F32","shape":[2],"offsets":[0,8]})"),
       "t: an entry must have dtype, shape and data_offsets"},
      {one(R"({"dtype":"C64","shape":[1],"data_offsets":[0,8]})"),
       "t: the dtype must be one of F32, F64, F16, BF16, I64, U8, BOOL, I8, I16, I32, U16, U32, U64, "
       "F8_E4M3, "
       "F8_E5M2, got C64"},
      {one(R"({"dtype":"f32","shape":[2],"data_offsets":[0,8]})"), "got f32; `wanted` skips tensors by name"},
      {one(R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})"), "t: the dtype must be a name, got 7"},
      {one(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"),
       "t: the shape must be a list of sizes, got 2"},
      {one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "t: the shape must be a list"},
      {one(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), "t: the shape must be a list"},
      {one(R"({"dtype":"F32","shape":[true],"data_offsets":[0,8]})"), "t: the shape must be a list"},
      {one(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
       "t: the shape must have at most 8 sizes, got [1,1,1,1,1,1,1,1,2]"},
      {one(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})"),
       "t: the shape [4294967296,4294967296,4294967296] has too many elements"},
      {one(R"({"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,8]})"),
       "t: the shape [0,4294967296,4294967296] has too many elements"},
      {one(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"),
       "has too many elements"},
      {one(R"({"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]})"),
       "t: the shape must be a list"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"),
       "t: data_offsets must be a begin and an end, got [0]"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,"8"]})"),
       "t: data_offsets must be a begin and an end"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})"),
       "t: data_offsets must be a begin and an end"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
       "t: data_offsets [8,0] reach beyond the 8 bytes of data"},
      {one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
       "t: data_offsets [0,12] reach beyond the 8 bytes of data"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})"), "reach beyond"},
      {one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       "t: the shape [3] of F32 takes 12 bytes, but data_offsets span 8"},
      {one(R"({"dtype":"F32","shape":[],"data_offsets":[0,8]})"), "takes 4 bytes, but data_offsets span 8"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", "123456789"),
       "the tensors end at byte 8 of 9 bytes of data"},
      {file_of("{}", "1"), "the tensors end at byte 0 of 1 bytes of data"},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
       "t: begins at byte 4 of the data, but the one before ends at 0"},
      {file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],)"
               R"("data_offsets":[1,3]}})",
               "123"),
       "b: begins at byte 1 of the data, but the one before ends at 2"},
      {file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],)"
               R"("data_offsets":[0,1]}})",
               "1"),
       "the header names a twice"},
      {file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1"),
       "the header names dtype twice"},
      {file_of(R"({"__metadata__":{"epoch":14}})", ""), "__metadata__ must map strings to strings"},
      {file_of(R"({"__metadata__":["epoch"]})", ""), "__metadata__ must map strings to strings"},
  };
  const std::size_t reserved = memory_stats(Device()).reserved;
  for (const auto& [content, rule] : cases) EXPECT_TRUE(contains(refusal(content), {rule}));
  EXPECT_LT(memory_stats(Device()).reserved, reserved + (1 << 20));
}

// Four elements of each dtype that a tensor holds exactly, and one value beyond int64.
TEST_F(Safetensors, ReadsEveryDtype) {
  const auto read = [&](const std::string& dtype, const auto&... values) {
    std::string data;
    ((data += bytes_of(&values, sizeof values)), ...);
    const std::string range = std::to_string(data.size());
    folder.write("weights.safetensors",
                 file_of("{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":[" +
                             std::to_string(sizeof...(values)) + "],\"data_offsets\":[0," + range + "]}}",
                         data));
    return load_safetensors(path()).at(0).tensor;
  };
  using Integers = std::vector<std::int64_t>;
  using Bytes = std::vector<std::uint8_t>;
  using Floats = std::vector<float>;
  EXPECT_EQ(read("BOOL", '\0', '\1', '\2').to_vector<std::uint8_t>(), (Bytes{0, 1, 1}));
  EXPECT_EQ(read("I8", std::int8_t{-128}, std::int8_t{127}).to_vector<std::int64_t>(), (Integers{-128, 127}));
  EXPECT_EQ(read("I16", std::int16_t{-32768}, std::int16_t{7}).to_vector<std::int64_t>(),
            (Integers{-32768, 7}));
  EXPECT_EQ(read("U16", std::uint16_t{65535}).to_vector<std::int64_t>(), (Integers{65535}));
  EXPECT_EQ(read("I32", std::int32_t{-7}, std::int32_t{9}).to_vector<std::int64_t>(), (Integers{-7, 9}));
  EXPECT_EQ(read("U32", std::uint32_t{4294967295}).to_vector<std::int64_t>(), (Integers{4294967295}));
  EXPECT_EQ(read("U64", std::uint64_t{9223372036854775807}).to_vector<std::int64_t>(),
            (Integers{9223372036854775807}));
  EXPECT_TRUE(contains(message_of<IoError>([&] { read("U64", std::uint64_t{9223372036854775808u}); }),
                       {"t: a value of U64 is beyond int64"}));
  const auto byte = [](int bits) { return static_cast<std::uint8_t>(bits); };
  EXPECT_EQ(read("F8_E4M3", byte(0x38), byte(0x7e), byte(0x01), byte(0xb8), byte(0x08)).to_vector<float>(),
            (Floats{1, 448, 0.001953125f, -1, 0.015625f}));
  EXPECT_TRUE(std::isnan(read("F8_E4M3", byte(0xff)).item<float>()));
  EXPECT_EQ(read("F8_E5M2", byte(0x3c), byte(0x7b), byte(0x01), byte(0xfc)).to_vector<float>(),
            (Floats{1, 57344, 0.0000152587890625f, -std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(read("F16", float16(0.5f)).dtype(), DType::float16);
  EXPECT_EQ(read("F64", 0.1).item<double>(), 0.1);
}

// Longer than a chunk of the conversion.
TEST_F(Safetensors, ConvertsLongTensors) {
  std::vector<std::int32_t> values(700'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * 2654435761u);
  const std::size_t bytes = values.size() * sizeof(values[0]);
  folder.write("weights.safetensors", file_of(R"({"t":{"dtype":"I32","shape":[700001],"data_offsets":[0,)" +
                                                  std::to_string(bytes) + "]}}",
                                              bytes_of(values.data(), bytes)));
  const auto read = load_safetensors(path()).at(0).tensor.to_vector<std::int64_t>();
  EXPECT_TRUE(std::equal(read.begin(), read.end(), values.begin(), values.end()));
}

// What nobody asks for may have any dtype and shape, and keys may be new.
TEST_F(Safetensors, ReadsWhatIsWanted) {
  folder.write("weights.safetensors",
               file_of(R"({"__metadata__":null,"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],)"
                       R"("note":{"by":["me",{}]}},)"
                       R"("z":{"dtype":"C64","shape":[1],"data_offsets":[4,12]},)"
                       R"("n":{"dtype":"NEW","shape":[1,1,1,1,1,1,1,1,3],"data_offsets":[12,13]}})",
                       std::string("\0\0\x80\x3f", 4) + std::string(9, 'x')));
  const auto tensors =
      load_safetensors(path(), {.wanted = [](const std::string& name) { return name == "w"; }});
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].tensor.item<float>(), 1.0f);
  EXPECT_TRUE(contains(message_of<IoError>([&] { load_safetensors(path()); }), {"got C64"}));
  const std::vector<StoredTensor> listed = list_safetensors(path());
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[2].name, "n");
  EXPECT_EQ(listed[2].dtype, "NEW");
  EXPECT_EQ(listed[2].shape, (std::vector<std::uint64_t>{1, 1, 1, 1, 1, 1, 1, 1, 3}));
}

TEST_F(Safetensors, CorruptionAtMostThrows) {
  save_safetensors(
      path(), std::vector<NamedTensor>{{"a", Tensor::ones({2})}, {"b", Tensor::zeros({1}, {DType::uint8})}});
  const std::string good = read_file(path());
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_NE(refusal(good.substr(0, length)), "") << length;
  EXPECT_NE(refusal(good + "x"), "");
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int flipped : {0x01, 0x20, 0x80}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flipped);
      refusal(bad);  // names or elements may change undetected; only an IoError may be thrown
    }
  }
}

TEST_F(Safetensors, RejectsPathsThatAreNotFiles) {
  EXPECT_TRUE(contains(message_of<IoError>([&] { load_safetensors(path()); }),
                       {path().string(), "No such file or directory"}));
  EXPECT_TRUE(
      contains(message_of<IoError>([&] { load_safetensors(folder.path()); }), {"not a regular file"}));
  EXPECT_TRUE(contains(message_of<IoError>([&] { load_safetensors("/dev/zero"); }), {"not a regular file"}));
}

TEST_F(Safetensors, RejectsSavingWhatCouldNotBeLoaded) {
  const Tensor x = Tensor::ones({1});
  const auto refused = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    return message_of<ValueError>([&] { save_safetensors(path(), tensors, metadata); });
  };
  EXPECT_TRUE(contains(refused({{"", x}}), {"a tensor can't be named \"\""}));
  EXPECT_TRUE(contains(refused({{"__metadata__", x}}), {"a tensor can't be named \"__metadata__\""}));
  EXPECT_TRUE(contains(refused({{"a", x}, {"a", x}}), {"two tensors are named a"}));
  EXPECT_TRUE(contains(refused({{"a", Tensor()}}), {"a is undefined"}));
  EXPECT_TRUE(contains(refused({{"\xff", x}}), {"must be UTF-8"}));
  EXPECT_TRUE(contains(refused({{"a", x}}, {{"key", "\xff"}}), {"must be UTF-8"}));
  EXPECT_TRUE(folder.names().empty());
}

// ---- Atomic writes ----

// Limits the file size. Larger writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit previous_{};
};

class Writing : public Safetensors {
 protected:
  std::string refused(const std::filesystem::path& target) const {
    return message_of<IoError>([&] { save_safetensors(target, large); });
  }
  std::vector<NamedTensor> large{{"large", Tensor::ones({100000})}};
};

TEST_F(Writing, FailureKeepsTheOldFileAndLeavesNothingElse) {
  folder.write("weights.safetensors", "old");
  {
    const FileSizeLimit limit(4096);
    EXPECT_TRUE(contains(refused(path()), {path().string(), "can't be written: "}));
  }
  EXPECT_EQ(read_file(path()), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"weights.safetensors"});
  EXPECT_EQ(refused(path()), "");
  EXPECT_EQ(load_safetensors(path())[0].tensor.numel(), 100000);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"weights.safetensors"});
}

TEST_F(Writing, RequiresAWritableFolder) {
  folder.write("file", "old");
  EXPECT_TRUE(
      contains(refused(folder / "absent" / "weights"), {"can't be created: No such file or directory"}));
  EXPECT_TRUE(contains(refused(folder / "file" / "weights"),
                       {"weights: the file can't be created: Not a directory"}));
  EXPECT_NE(refused("/proc/weights.safetensors"), "");
  EXPECT_EQ(read_file(folder / "file"), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"file"});
}

TEST_F(Writing, ReplacesNothingButFiles) {
  std::filesystem::create_directory(folder / "folder");
  EXPECT_TRUE(
      contains(refused(folder / "folder"), {"exists and is not a regular file, so it is not replaced"}));
  EXPECT_EQ(refused("/dev/null"), "");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"folder"});
}

TEST_F(Writing, FollowsALink) {
  folder.write("file", "old");
  std::filesystem::create_symlink(folder / "file", folder / "link");
  EXPECT_EQ(refused(folder / "link"), "");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(load_safetensors(folder / "file").size(), 1u);
}

TEST_F(Writing, UsesDefaultPermissions) {
  folder.write("plain", "");
  EXPECT_EQ(refused(path()), "");
  EXPECT_EQ(std::filesystem::status(path()).permissions(),
            std::filesystem::status(folder / "plain").permissions());
}

TEST_F(Writing, FollowsDanglingLinks) {
  std::filesystem::create_directory(folder / "elsewhere");
  std::filesystem::create_symlink("elsewhere/weights", path());
  AtomicFile file(path());
  file.write("whole");
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_EQ(read_file(folder / "elsewhere" / "weights"), "whole");

  std::filesystem::create_symlink("circle", folder / "circle");
  EXPECT_THROW(AtomicFile{folder / "circle"}, IoError);
}

TEST_F(Writing, WithoutCommitLeavesNothing) {
  {
    AtomicFile file(path());
    file.write("half a ");
    EXPECT_EQ(folder.names().size(), 1u) << "the temporary";
    EXPECT_FALSE(std::filesystem::exists(path()));
  }
  EXPECT_TRUE(folder.names().empty());

  AtomicFile file(path());
  file.write("whole");
  file.commit();
  EXPECT_EQ(read_file(path()), "whole");
  EXPECT_THROW(file.write("more"), IoError);
  EXPECT_THROW(file.commit(), IoError);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"weights.safetensors"});
}

TEST_F(Safetensors, PassesTheIndependentChecker) {
  save_safetensors(path(),
                   std::vector<NamedTensor>{{"bytes", Tensor::zeros({3}, {DType::uint8})},
                                            {"count", Tensor::zeros({}, {DType::int64})},
                                            {"weight", Tensor::zeros({2, 3})}},
                   {{"format", "pt"}});
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "there is no python3";
  const std::string command = "python3 " METRON_SOURCE_DIR "/tests/reference/check_safetensors.py '" +
                              path().string() + "' > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace metron
