// Programs on the emulated device: the losses and ranking of the example, with the vendor libraries' fakes
// and with our kernels, and what is ranked on a modeled device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "run_command.h"
#include "temporary_folder.h"

namespace metron::test {
namespace {

std::vector<double> losses(const std::filesystem::path& path) {
  std::ifstream lines(path);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "step,epoch,loss,accuracy");
  std::vector<double> found;
  while (std::getline(lines, line)) {
    const std::size_t begin = line.find(',', line.find(',') + 1) + 1;
    found.push_back(std::stod(line.substr(begin)));
  }
  return found;
}

// Trains with the given options on both devices and compares the losses. Returns the output of the device
// run.
std::string train(const std::string& options, const std::string& on_the_device, std::size_t steps) {
  const TemporaryFolder folder;
  const std::string program = "'" MNIST_CNN "' --epochs 1 " + options + " --metrics ";
  const auto run = [&](const std::string& device, const char* file) {
    return run_command(program + "'" + (folder / file).string() + "' --device " + device);
  };
  const Output cpu = run("cpu", "cpu.csv"), device = run("cuda " + on_the_device, "cuda.csv");
  EXPECT_EQ(cpu.code, 0) << cpu.text;
  EXPECT_EQ(device.code, 0) << device.text;
  const std::vector<double> want = losses(folder / "cpu.csv"), got = losses(folder / "cuda.csv");
  EXPECT_EQ(want.size(), steps + 1);  // plus the test row
  EXPECT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-4 * std::abs(want[i])) << "row " << i;
  return device.text;
}

TEST(EmulatedMnist, OwnKernelsMatchCpuLosses) {
  const std::string text =
      train("--train-limit 25 --batch-size 7 --dropout off --test-limit 5 --profile", "", 4);
  EXPECT_NE(text.find("cuda.conv2d_forward"), std::string::npos) << text;
}

TEST(EmulatedMnist, AStepAtTheReferencesBatchSizeMatches) {
  train("--train-limit 64 --batch-size 64 --dropout off --test-limit 3", "", 1);
}

TEST(EmulatedMnist, VendorLibrariesMatchCpuLossesAndAreRanked) {
  const std::string text =
      train("--train-limit 16 --batch-size 8 --test-limit 4 --test-batch-size 4 --profile",
            "--providers cudnn,cublas,cuda", 2);
  // The rows of its kernels follow the op's row.
  const std::size_t op = text.find(" conv2d  ");
  ASSERT_NE(op, std::string::npos) << text;
  const std::size_t kernel = text.find("  cudnn (fake).conv2d_forward", op);
  ASSERT_NE(kernel, std::string::npos) << text;
  EXPECT_EQ(text.substr(op, kernel - op).find("  cuda."), std::string::npos) << text;
  for (const char* row : {"cudnn (fake).conv2d_backward_weight", "cudnn (fake).softmax",
                          "cublas (fake).matmul", "cuda.max_pool2d", "cuda.dropout", "cuda.adadelta"})
    EXPECT_NE(text.find(row), std::string::npos) << row << text;
  EXPECT_EQ(text.find("cudnn.conv2d"), std::string::npos) << "a fake is labeled as the library";
}

// Everything that ranks does so by the modeled device's time, and calls it a model.
class ModeledDevice : public testing::Test {
 protected:
  Output run(const std::string& command) {
    const Output output = run_command("METRON_EMULATOR_DEVICE='RTX 2070 SUPER' " + command);
    EXPECT_EQ(output.code, 0) << output.text;
    return output;
  }
  const TemporaryFolder folder_;
};

TEST_F(ModeledDevice, RanksTheProgramAndItsProfileAlike) {
  const std::string out = (folder_ / "profile").string();
  const Output output =
      run("'" METRON_COMMAND "' profile --out '" + out +
          "' -- '" MNIST_CNN "' --device cuda --epochs 1 --train-limit 8 --batch-size 4 --test-limit 4");
  EXPECT_TRUE(contains(output.text, {"model of", "RTX 2070 SUPER", "cuda.conv2d_forward"}));
  EXPECT_TRUE(contains(read_file(folder_ / "profile" / "ranking.txt"), {"model of", "RTX 2070 SUPER"}));
}

TEST_F(ModeledDevice, ReportsAModel) {
  if (run_command("'" METRON_COMMAND "' report --help").code != 0)
    GTEST_SKIP() << "built without metron report";
  run("'" METRON_COMMAND
      "' report --device cuda --epochs 0 --batch 2 --rounds 1 --steps 1 --test-limit 4 "
      "--provider-budget 0 --out '" +
      (folder_ / "out").string() + "'");
  EXPECT_TRUE(contains(read_file(folder_ / "out" / "report.md"), {"its device times are those of a model"}));
}

}  // namespace
}  // namespace metron::test
