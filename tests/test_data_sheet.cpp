// Data sheets of GPUs: the built-in ones are complete and consistent, files of users are validated strictly.
#include <gtest/gtest.h>
#include <metron/kernels/internal/data_sheet.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "expect_error.h"
#include "json.h"
#include "temporary_folder.h"

namespace metron {
namespace {

using test::expect_error;
using test::Json;
using test::parse_json;

Json valid_sheet() {
  return {{"name", "My GPU"},
          {"architecture", "sm_86"},
          {"sms", 10},
          {"boost_clock_mhz", 1500},
          {"memory_gb", 8},
          {"bandwidth_gb_per_s", 300.5},
          {"l2_mb", 2},
          {"tflops", {{"fp32", 3.84}, {"fp16_tensor", 15}}},
          {"launch_latency_us", 2.5},
          {"event_resolution_us", 0.5},
          {"event_cost_us", 1},
          {"copy_engines", 2},
          {"pcie_gb_per_s", 31.5},
          {"sources", Json::array({{{"title", "Its data sheet"}, {"url", "https://example.org/gpu.pdf"}}})},
          {"assumptions", {{"tflops.fp32", "computed"}}}};
}

class DataSheetFile : public testing::Test {
 protected:
  DataSheet load(const Json& json) { return load(json.dump()); }
  DataSheet load(const std::string& text) { return data_sheet(folder.write("gpu.json", text).string()); }
  // Expects an error about the file, the field and the rule.
  void refused(const Json& json, std::initializer_list<std::string_view> words) {
    expect_error<ValueError>([&] { load(json); }, words);
    expect_error<ValueError>([&] { load(json); }, {"[data_sheet] ", "gpu.json"});
  }
  Json with(const std::string& field, const Json& value) {
    Json json = valid_sheet();
    json[field] = value;
    return json;
  }
  TemporaryFolder folder;
};

TEST(DataSheets, CoverTheGpusInUse) {
  for (const char* const name : {"RTX 2070 SUPER", "T4", "RTX 3090", "RTX 4090", "RTX 5090", "A10", "A100",
                                 "L40S", "H100", "H200", "B200"})
    EXPECT_FALSE(data_sheet(name).name.empty()) << name;
  const std::vector<std::string> names = data_sheet_names();
  EXPECT_GE(names.size(), 10u);
  for (const std::string& name : names) EXPECT_EQ(data_sheet(name).name, name);
}

// As people and as cudaDeviceProp write them.
TEST(DataSheets, NamesAreFoundHoweverTheyAreWritten) {
  const std::map<std::string, std::string> written{
      {"rtx 2070 super", "GeForce RTX 2070 SUPER"},
      {"NVIDIA GeForce RTX 2070 SUPER", "GeForce RTX 2070 SUPER"},
      {"rtx-2070-super", "GeForce RTX 2070 SUPER"},
      {"Tesla T4", "T4"},
      {"NVIDIA A100-SXM4-40GB", "A100 SXM4 40 GB"},
      {"NVIDIA A100 80GB PCIe", "A100 PCIe 80 GB"},
      {"NVIDIA H100 80GB HBM3", "H100 SXM5 80 GB"},
      {"h100 pcie", "H100 PCIe 80 GB"}};
  for (const auto& [text, name] : written) EXPECT_EQ(data_sheet(text).name, name) << text;
}

TEST(DataSheets, NoTwoGpusShareAName) {
  const Json json = parse_json(read_file(METRON_SOURCE_DIR "/kernels/internal/gpus.json"));
  for (const Json& gpu : json.at("gpus")) {
    for (const Json& alias : gpu.at("aliases"))
      EXPECT_EQ(data_sheet(alias.get<std::string>()).name, gpu.at("name")) << alias;
  }
}

TEST(DataSheets, PeaksFollowFromCoresAndClock) {
  const std::map<std::string, int> cores{{"sm_75", 64},  {"sm_80", 64},   {"sm_86", 128}, {"sm_89", 128},
                                         {"sm_90", 128}, {"sm_100", 128}, {"sm_120", 128}};
  constexpr double rounding = 1.02;  // to two digits, in some documents
  for (const std::string& name : data_sheet_names()) {
    const DataSheet sheet = data_sheet(name);
    const double computed = sheet.sms * cores.at(sheet.architecture) * 2 * sheet.boost_clock_mhz * 1e-6;
    EXPECT_NEAR(sheet.tflops.fp32, computed, 0.01 * computed) << name;
    EXPECT_GT(sheet.tflops.fp16_tensor, sheet.tflops.fp32) << name;
    EXPECT_LE(sheet.tflops.tf32_tensor, sheet.tflops.fp16_tensor / 2 * rounding)
        << name;  // half the rate at most
    EXPECT_LE(sheet.tflops.fp64, sheet.tflops.fp32 / 2 * rounding) << name;
    const bool turing = sheet.architecture == "sm_75";  // without TF32 and bfloat16
    EXPECT_EQ(sheet.tflops.tf32_tensor > 0, !turing) << name;
    EXPECT_EQ(sheet.tflops.bf16_tensor, turing ? 0 : sheet.tflops.fp16_tensor) << name;
  }
}

TEST(DataSheets, SayWhatIsAnAssumption) {
  for (const std::string& name : data_sheet_names()) {
    const DataSheet sheet = data_sheet(name);
    EXPECT_NE(sheet.source.find("<https://"), std::string::npos) << name;
    for (const char* const field : {"launch_latency_us", "event_cost_us", "copy_engines"}) {
      const auto found = std::ranges::find(sheet.assumptions, field, [](const auto& a) { return a.first; });
      ASSERT_NE(found, sheet.assumptions.end()) << name << ' ' << field;
      EXPECT_GT(found->second.size(), 20u) << name << ' ' << field;
    }
  }
}

TEST(DataSheets, UnknownNamesListTheKnown) {
  expect_error<ValueError>([] { data_sheet("GTX 1080"); }, {"[data_sheet] no GPU is called \"GTX 1080\"",
                                                            "GeForce RTX 2070 SUPER", "B200", "JSON file"});
  expect_error<ValueError>([] { data_sheet(""); }, {"no GPU is called \"\""});
}

TEST_F(DataSheetFile, IsRead) {
  const DataSheet sheet = load(valid_sheet());
  EXPECT_EQ(sheet.name, "My GPU");
  EXPECT_EQ(sheet.architecture, "sm_86");
  EXPECT_EQ(sheet.sms, 10);
  EXPECT_EQ(sheet.copy_engines, 2);
  EXPECT_EQ(sheet.bandwidth_gb_per_s, 300.5);
  EXPECT_EQ(sheet.tflops.fp32, 3.84);
  EXPECT_EQ(sheet.tflops.fp16_tensor, 15);
  EXPECT_EQ(sheet.tflops.tf32_tensor, 0);
  EXPECT_EQ(sheet.source, "Its data sheet <https://example.org/gpu.pdf>");
  ASSERT_EQ(sheet.assumptions.size(), 1u);
  EXPECT_EQ(sheet.assumptions[0].first, "tflops.fp32");
}

TEST_F(DataSheetFile, EveryEntryOfTheBuiltInFileIsValidByItself) {
  const Json json = parse_json(read_file(METRON_SOURCE_DIR "/kernels/internal/gpus.json"));
  for (const Json& gpu : json.at("gpus")) EXPECT_EQ(load(gpu).name, gpu.at("name"));
}

TEST_F(DataSheetFile, NamesTheFieldAndTheRule) {
  const Json valid = valid_sheet();
  for (const auto& [name, value] : valid.items()) {
    if (name == "assumptions") continue;
    Json without = valid_sheet();
    without.erase(name);
    refused(without, {"field " + name + " is missing"});
    refused(with(name, nullptr), {name + " must be ", "got null"});
  }
  refused(with("smz", 1), {"unknown field smz; known are name, aliases, architecture, sms"});
  refused(with("sms", 0), {"sms must be a whole number from 1 to 4096, got 0"});
  refused(with("sms", 18446744073709551615u), {"sms must be a whole number", "got 18446744073709551615"});
  refused(with("sms", 18446744073709551616.0), {"sms must be a whole number", "got 1.8446744073709552e+19"});
  refused(with("sms", 1.5), {"sms must be a whole number", "got 1.5"});
  refused(with("sms", "forty"), {"sms must be a whole number", "got \"forty\""});
  refused(with("bandwidth_gb_per_s", 0), {"bandwidth_gb_per_s must be ", "above 0", "got 0"});
  refused(with("l2_mb", -1), {"l2_mb must be ", "got -1"});
  refused(with("memory_gb", 1e300), {"memory_gb must be ", "got 1e+300"});
  refused(with("name", ""), {"name must be a string"});
  for (const char* const architecture : {"75", "sm_", "sm_7x", "compute_75", "sm_9"})
    refused(with("architecture", architecture), {"architecture must be sm_ and a number", architecture});
  refused(with("tflops", Json::object()), {"field tflops.fp32 is missing"});
  refused(with("tflops", {{"fp32", 1}, {"fp8", 2}}), {"unknown field tflops.fp8"});
  refused(with("tflops", {{"fp32", 1}, {"fp16", 0}}), {"tflops.fp16 must be ", "got 0"});
  refused(with("sources", Json::array()), {"sources must have at least one"});
  refused(with("sources", Json::array({{{"title", "x"}}})), {"field sources[0].url is missing"});
  refused(with("assumptions", {{"speed", "x"}}), {"assumptions.speed names no field of a data sheet"});
  refused(with("aliases", {1}), {"aliases must be a list of strings"});
  refused(Json::array(), {"the file must be an object, got []"});
}

TEST_F(DataSheetFile, MustBeStrictJson) {
  expect_error<ValueError>([&] { load(std::string("{")); }, {"gpu.json is not JSON"});
  expect_error<ValueError>([&] { load(std::string("")); }, {"gpu.json is not JSON", "it is empty"});
  expect_error<ValueError>([&] { load(std::string("<html>")); }, {"gpu.json is not JSON", "an HTML page"});
  expect_error<ValueError>([&] { load(std::string("{\"sms\": 1, \"sms\": 2}")); }, {"duplicate field sms"});
  expect_error<ValueError>([&] { load(std::string("{\"sms\": 1e999}")); }, {"a number that no double"});
  expect_error<IoError>([&] { load(std::string(2 << 20, ' ')); }, {"must be at most 1 MiB"});
}

// One that ends in .json or has a slash is a file even if it spells a name, and no other one is if it does.
TEST_F(DataSheetFile, IsAPathOrAName) {
  for (const char* const path : {"./T4", "../h100", "T4.json"})
    expect_error<IoError>([&] { data_sheet(path); }, {"[data_sheet] ", path});
  folder.write("T4", valid_sheet().dump());
  folder.write("mine", valid_sheet().dump());
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const std::string name = data_sheet("T4").name, path = data_sheet("./T4").name,
                    mine = data_sheet("mine").name;
  std::filesystem::current_path(before);
  EXPECT_EQ(name, "T4");
  EXPECT_EQ(path, "My GPU");
  EXPECT_EQ(mine, "My GPU");
}

TEST_F(DataSheetFile, MustExist) {
  expect_error<IoError>([&] { data_sheet((folder / "none.json").string()); }, {"[data_sheet] ", "none.json"});
  expect_error<IoError>([&] { data_sheet("./none"); }, {"[data_sheet] ", "./none"});
  expect_error<IoError>([&] { data_sheet(folder.path().string()); }, {"[data_sheet] ", "regular file"});
}

}  // namespace
}  // namespace metron
