// The example as a user runs it: losses against PyTorch's, repeatability, files, invalid input.
#include <gtest/gtest.h>
#include <metron/core/io/safetensors.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "run_command.h"

namespace metron {
namespace {

namespace fs = std::filesystem;
using test::Output;
using test::run_command;

Output run(const std::string& arguments, const std::string& environment = "") {
  return run_command(environment + " '" METRON_BINARY_DIR "/bin/mnist_cnn' " + arguments);
}

const std::string reference = METRON_SOURCE_DIR "/tests/reference/";
const std::string data = METRON_SOURCE_DIR "/examples/mnist_cnn/data/";

class MnistCnn : public testing::Test {
 protected:
  MnistCnn() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder = fs::temp_directory_path() / ("metron_" + std::string(info->name()) + std::to_string(getpid()));
    fs::create_directories(folder);
  }
  ~MnistCnn() override { fs::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  fs::path folder;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The column `loss` of the rows without an accuracy.
std::vector<double> training_losses(const std::string& csv) {
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "step,epoch,loss,accuracy");
  std::vector<double> losses;
  while (std::getline(lines, line)) {
    if (line.back() != ',') continue;
    const std::size_t epoch_end = line.find(',', line.find(',') + 1);
    losses.push_back(std::stod(line.substr(epoch_end + 1)));
  }
  return losses;
}

std::vector<double> reference_losses() {
  std::istringstream lines(read_file(reference + "mnist_losses.csv"));
  std::string line;
  std::vector<double> losses;
  while (std::getline(lines, line)) {
    if (line.empty() || line.front() < '0' || line.front() > '9') continue;
    losses.push_back(std::stod(line.substr(line.find(',') + 1)));
  }
  return losses;
}

void expect_losses_of_pytorch(const std::vector<double>& ours, std::size_t steps) {
  const std::vector<double> theirs = reference_losses();
  ASSERT_EQ(theirs.size(), 50u);
  ASSERT_EQ(ours.size(), steps);
  for (std::size_t i = 0; i < steps; ++i) {
    const double tolerance = i < 10 ? 1e-4 : 2e-3;
    EXPECT_NEAR(ours[i] / theirs[i], 1, tolerance) << "step " << i + 1;
  }
}

// tests/reference/README.md explains this learning rate.
std::string reference_run(const std::string& csv, int steps) {
  return "--init '" + reference +
         "mnist_init.safetensors' --lr 0.01 --dropout off --shuffle off --epochs 1 --train-limit " +
         std::to_string(64 * steps) + " --test-limit 64 --metrics '" + csv + "'";
}

TEST_F(MnistCnn, FollowsPyTorchStepByStep) {
  const Output output = run(reference_run(path("m.csv"), 50));
  ASSERT_EQ(output.code, 0) << output.text;
  expect_losses_of_pytorch(training_losses(read_file(path("m.csv"))), 50);
}

TEST_F(MnistCnn, FollowsPyTorchWithPortableKernels) {
  const Output output = run(reference_run(path("m.csv"), 20) + " --providers cpu", "METRON_CPU_ISA=baseline");
  ASSERT_EQ(output.code, 0) << output.text;
  expect_losses_of_pytorch(training_losses(read_file(path("m.csv"))), 20);
}

TEST_F(MnistCnn, IsRepeatableBitForBit) {
  const std::string common = "--epochs 2 --train-limit 320 --test-limit 100 --seed 7 ";
  std::string metrics, weights;
  for (const std::string threads : {"1", "0", "3"}) {
    const Output output = run(common + "--loader-threads " + threads + " --metrics '" + path("m.csv") +
                              "' --save '" + path("w.safetensors") + "'");
    ASSERT_EQ(output.code, 0) << output.text;
    const std::string csv = read_file(path("m.csv")), file = read_file(path("w.safetensors"));
    if (!metrics.empty()) {
      EXPECT_EQ(csv, metrics) << threads << " loader threads";
      EXPECT_EQ(file, weights) << threads << " loader threads";
    }
    metrics = csv;
    weights = file;
  }
  const Output other =
      run("--epochs 2 --train-limit 320 --test-limit 100 --seed 8 --metrics '" + path("m.csv") + "'");
  ASSERT_EQ(other.code, 0) << other.text;
  EXPECT_NE(read_file(path("m.csv")), metrics);
}

TEST_F(MnistCnn, SavesPyTorchsStateDict) {
  const Output output = run("--dry-run --save '" + path("w.safetensors") + "'");
  ASSERT_EQ(output.code, 0) << output.text;
  const auto saved = load_safetensors(path("w.safetensors"));
  const auto expected = load_safetensors(reference + "mnist_init.safetensors");
  ASSERT_EQ(saved.size(), expected.size());
  for (const NamedTensor& tensor : expected) {
    const auto found = std::find_if(saved.begin(), saved.end(),
                                    [&](const NamedTensor& other) { return other.name == tensor.name; });
    ASSERT_NE(found, saved.end()) << tensor.name;
    EXPECT_EQ(found->tensor.shape(), tensor.tensor.shape()) << tensor.name;
    EXPECT_EQ(found->tensor.dtype(), tensor.tensor.dtype()) << tensor.name;
  }
  // An independent reader, which also loads the file into PyTorch if that is installed.
  const Output check = run_command("python3 '" + reference + "check_safetensors.py' '" +
                                   path("w.safetensors") + "' --expect-model");
  EXPECT_EQ(check.code, 0) << check.text;
}

TEST_F(MnistCnn, OddBatchSizesAndProfile) {
  const Output output =
      run("--batch-size 37 --test-batch-size 33 --train-limit 100 --test-limit 70 --epochs 1 --profile");
  ASSERT_EQ(output.code, 0) << output.text;
  for (const char* word : {"100 images", "/70", "conv2d", "conv2d backward", "adadelta", "outside operators"})
    EXPECT_NE(output.text.find(word), std::string::npos) << word << " in\n" << output.text;
}

TEST_F(MnistCnn, PassesCheckingMode) {
  const Output output = run("--batch-size 8 --train-limit 16 --test-limit 8 --epochs 1", "METRON_CHECK=1");
  EXPECT_EQ(output.code, 0) << output.text;
}

TEST_F(MnistCnn, HelpNamesEveryFlag) {
  const Output output = run("--help");
  EXPECT_EQ(output.code, 0);
  for (const char* flag :
       {"--batch-size",   "--test-batch-size", "--epochs",     "--lr",      "--gamma",     "--seed",
        "--log-interval", "--dry-run",         "--save-model", "--device",  "--providers", "--data",
        "--train-limit",  "--test-limit",      "--dropout",    "--shuffle", "--init",      "--save",
        "--metrics",      "--profile",         "--threads"})
    EXPECT_NE(output.text.find(flag), std::string::npos) << flag;
  for (const char* flag : {"--checkpoint", "--checkpoint-every", "--checkpoint-keep", "--resume"})
    EXPECT_NE(output.text.find(flag), std::string::npos) << flag;
}

// Invalid input ends with exit code 2 and one message that names the problem.
TEST_F(MnistCnn, RejectsInvalidInput) {
  struct Case {
    std::string arguments;
    std::vector<std::string> words;
  };
  std::ofstream(path("file")) << "text";
  const std::string no_folder = path("file") + "/m.csv";
  const std::vector<Case> cases{
      {"--no-such-flag", {"--no-such-flag"}},
      {"--batch-size 0", {"--batch-size: expects a whole number from 1 to 1000000000, got 0"}},
      {"--batch-size ten", {"--batch-size", "ten"}},
      {"--epochs -1", {"--epochs"}},
      {"--epochs 0 --profile", {"--profile", "0 epochs"}},
      {"--seed -1", {"--seed"}},
      {"--lr 0", {"--lr"}},
      {"--dropout maybe", {"--dropout", "maybe"}},
      {"--device tpu", {"device", "tpu"}},
      {"--device cuda", {"device", "cuda"}},
      {"--providers nobody", {"providers", "nobody", "cpu"}},
      {"--data /nonexistent", {"/nonexistent"}},
      {"--init /nonexistent.safetensors", {"/nonexistent.safetensors"}},
      {"--init '" + path("file") + "'", {"file"}},
      {"--metrics '" + no_folder + "'", {"m.csv"}},
      {"--save /proc/w.safetensors", {"/proc/w.safetensors"}},
      {"--save /nonexistent/w.safetensors", {"/nonexistent/w.safetensors"}},
  };
  for (const Case& c : cases) {
    const Output output = run(c.arguments + " --dry-run");
    EXPECT_EQ(output.code, 2) << c.arguments << "\n" << output.text;
    for (const std::string& word : c.words)
      EXPECT_NE(output.text.find(word), std::string::npos) << word << " in\n" << output.text;
  }
}

TEST_F(MnistCnn, ReportsLostOutput) {
  const Output output = run_command("{ '" METRON_BINARY_DIR "/bin/mnist_cnn' --dry-run > /dev/full; }");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("output can't be written"), std::string::npos) << output.text;
}

// Runs an endless training, sends the signal after its first step and returns the exit status.
int status_after(const std::string& signal, const std::string& arguments, const std::string& log) {
  return run_command("bash -c '\"" METRON_BINARY_DIR
                     "/bin/mnist_cnn\" --epochs 1000000 --train-limit 640 --log-interval 1 " +
                     arguments + " > \"" + log + "\" 2>&1 & pid=$!; until grep -q step \"" + log +
                     "\"; do sleep 0.05; done; kill -" + signal + " $pid; kill -" + signal +
                     " $pid 2>/dev/null; wait $pid'")
      .code;
}

// Signals other than Ctrl-C are sent twice, as timeout does.
TEST_F(MnistCnn, KeepsItsResultsWhenEndedByASignal) {
  for (const auto& [signal, number] : {std::pair("TERM", SIGTERM), {"HUP", SIGHUP}}) {
    const std::string weights = path("w.safetensors"), metrics = path("m.csv"), log = path("log");
    const int status = status_after(signal, "--save \"" + weights + "\" --metrics \"" + metrics + "\"", log);
    EXPECT_EQ(status, 128 + number) << read_file(log);
    EXPECT_EQ(load_safetensors(weights).size(), 8u) << signal;
    EXPECT_FALSE(training_losses(read_file(metrics)).empty()) << signal;
    for (const std::string& file : {weights, metrics, log}) fs::remove(file);
  }
}

TEST_F(MnistCnn, KeepsItsResultsWhenItsOutputIsClosed) {
  const Output output = run_command(
      "{ '" METRON_BINARY_DIR "/bin/mnist_cnn' --epochs 1000000 --train-limit 640 --log-interval 1 --save '" +
      path("w.safetensors") + "' | head -n 2; }");
  EXPECT_EQ(load_safetensors(path("w.safetensors")).size(), 8u) << output.text;
}

// What can't be written costs nothing else.
TEST_F(MnistCnn, KeepsWeightsWhenMetricsCanNotBeWritten) {
  const Output output = run("--dry-run --metrics /dev/full --save '" + path("w.safetensors") + "'");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("No space left"), std::string::npos) << output.text;
  EXPECT_EQ(load_safetensors(path("w.safetensors")).size(), 8u);
}

TEST_F(MnistCnn, IgnoresHangUpUnderNohup) {
  const Output output = run_command("bash -c 'trap \"\" HUP; \"" METRON_BINARY_DIR
                                    "/bin/mnist_cnn\" --train-limit 1280 "
                                    "--test-limit 10 --epochs 1 > \"" +
                                    path("log") + "\" & pid=$!; until grep -q step \"" + path("log") +
                                    "\"; do sleep 0.05; done; kill -HUP $pid; wait $pid'");
  EXPECT_EQ(output.code, 0) << output.text << read_file(path("log"));
}

TEST_F(MnistCnn, KeepsAPrivateFilePrivate) {
  std::ofstream(path("w")) << "old";
  fs::permissions(path("w"), fs::perms(0600));
  const Output output = run("--epochs 0 --save '" + path("w") + "'");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_EQ(fs::status(path("w")).permissions(), fs::perms(0600));
}

TEST_F(MnistCnn, WritesToPipesAndStandardOutput) {
  const Output output =
      run_command("{ '" METRON_BINARY_DIR "/bin/mnist_cnn' --dry-run --metrics /dev/stdout | cat; }");
  EXPECT_NE(output.text.find("\nstep,epoch,loss,accuracy\n1,1,"), std::string::npos) << output.text;
  EXPECT_LT(output.text.find("parameters"), output.text.find("step,epoch")) << "in order";
  const Output redirected = run_command(
      "{ '" METRON_BINARY_DIR "/bin/mnist_cnn' --dry-run --metrics /dev/stdout > '" + path("log") + "'; }");
  EXPECT_EQ(redirected.code, 0) << redirected.text;
  EXPECT_NE(read_file(path("log")).find("step,epoch,loss,accuracy\n1,1,"), std::string::npos);
  EXPECT_NE(read_file(path("log")).find("parameters"), std::string::npos)
      << "what was written before is kept";
}

TEST_F(MnistCnn, RejectsCorruptData) {
  for (const auto& entry : fs::directory_iterator(data)) fs::copy(entry.path(), folder);
  const fs::path labels = folder / "train-labels-idx1-ubyte.gz";
  fs::resize_file(labels, fs::file_size(labels) / 2);
  const Output output = run("--dry-run --data '" + folder.string() + "' --metrics '" + path("m.csv") + "'");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("train-labels-idx1-ubyte"), std::string::npos) << output.text;
  EXPECT_FALSE(fs::exists(path("m.csv")));
}

TEST_F(MnistCnn, RejectsWeightsOfAnotherModel) {
  const std::vector<NamedTensor> other{{"conv1.weight", Tensor::zeros({32, 1, 5, 5})}};
  save_safetensors(path("w.safetensors"), other);
  const Output output = run("--dry-run --init '" + path("w.safetensors") + "'");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("conv1"), std::string::npos) << output.text;
}

}  // namespace
}  // namespace metron
