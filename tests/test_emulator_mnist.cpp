// The example on the emulated device, by the vendors' doubles and our kernels: its losses, and its ranking.
#include <gtest/gtest.h>

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

TEST(EmulatedMnist, HasTheLossesOfTheCpuAndShowsWhoComputed) {
  const TemporaryFolder folder;
  const std::string train = "'" METRON_BINARY_DIR
                            "/bin/mnist_cnn' --epochs 1 --train-limit 16 --batch-size 8 "
                            "--test-limit 4 --test-batch-size 4 --profile ";
  const Output cpu = run_command(train + "--device cpu --metrics '" + (folder / "cpu.csv").string() + "'");
  ASSERT_EQ(cpu.code, 0) << cpu.text;
  const Output device = run_command(train + "--device cuda --providers cudnn,cublas,cuda --metrics '" +
                                    (folder / "cuda.csv").string() + "'");
  ASSERT_EQ(device.code, 0) << device.text;
  const std::vector<double> want = losses(folder / "cpu.csv"), got = losses(folder / "cuda.csv");
  ASSERT_EQ(want.size(), 3u);  // two steps and the test
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-4 * std::abs(want[i])) << "row " << i;

  // Beneath the op's row those of the kernels that computed it.
  const std::size_t op = device.text.find(" conv2d  ");
  ASSERT_NE(op, std::string::npos) << device.text;
  const std::size_t kernel = device.text.find("  cudnn (double).conv2d_forward", op);
  ASSERT_NE(kernel, std::string::npos) << device.text;
  EXPECT_EQ(device.text.substr(op, kernel - op).find("  cuda."), std::string::npos) << device.text;
  for (const char* row : {"cudnn (double).conv2d_backward_weight", "cudnn (double).softmax",
                          "cublas (double).matmul", "cuda.max_pool2d", "cuda.dropout", "cuda.adadelta"})
    EXPECT_NE(device.text.find(row), std::string::npos) << row << device.text;
  EXPECT_EQ(device.text.find("cudnn.conv2d"), std::string::npos) << "a double goes by the library's name";
}

}  // namespace
}  // namespace metron::test
