// The first example in the README, as a user runs it.
#include <gtest/gtest.h>
#include <metron/core/data/idx.h>
#include <metron/core/ops.h>

#include <string>

#include "run_command.h"
#include "temporary_folder.h"
#include "text_search.h"

namespace metron {
namespace {

test::Output run(const std::string& arguments) {
  return test::run_command("'" METRON_BINARY_DIR "/bin/mnist' " + arguments);
}

// The first elements of one of MNIST's files, as a separate file.
void shorten(const TemporaryFolder& folder, const std::string& name, std::int64_t count) {
  const Tensor all = read_idx(METRON_SOURCE_DIR "/examples/mnist_cnn/data/" + name + ".gz");
  const Tensor first = slice(all, 0, 0, count).contiguous();
  std::string file{'\0', '\0', '\x08', static_cast<char>(first.rank())};
  for (const std::int64_t size : first.shape()) {
    for (const int shift : {24, 16, 8, 0}) file += static_cast<char>(size >> shift & 0xff);
  }
  const auto* bytes = first.data<std::uint8_t>();
  file.append(bytes, bytes + first.numel());
  folder.write(name, file);
}

class Mnist : public testing::Test {
 protected:
  Mnist() {
    shorten(folder_, "train-images-idx3-ubyte", 105);
    shorten(folder_, "train-labels-idx1-ubyte", 105);
    shorten(folder_, "t10k-images-idx3-ubyte", 40);
    shorten(folder_, "t10k-labels-idx1-ubyte", 40);
  }
  std::string data() const { return " --data '" + folder_.path().string() + "' "; }

  TemporaryFolder folder_;
};

TEST_F(Mnist, TestsAfterEachEpochAndRanksTheSelectedOne) {
  const test::Output output = run("--epochs 1 --batch-size 1 --profile 1" + data());
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(contains(output.text, {"epoch 1  step 100/105  loss ", "epoch 1  test accuracy ",
                                     "conv2d backward", "adadelta", "wall time"}));
  EXPECT_LT(output.text.find("epoch 1  test accuracy"), output.text.find("conv2d backward"));
}

TEST_F(Mnist, LearnsWithAPartialLastBatch) {
  const test::Output output = run("--epochs 4 --batch-size 16 --device cpu" + data());
  ASSERT_EQ(output.code, 0) << output.text;
  const std::string last = "epoch 4  test accuracy ";
  ASSERT_TRUE(contains(output.text, {last}));
  EXPECT_GT(std::stod(output.text.substr(output.text.find(last) + last.size())), 25) << output.text;
}

TEST_F(Mnist, IsDeterministic) {
  const test::Output first = run("--batch-size 16" + data());
  ASSERT_EQ(first.code, 0) << first.text;
  EXPECT_EQ(run("--batch-size 16" + data()).text, first.text);
  EXPECT_FALSE(contains(first.text, {"wall time"}));
}

TEST_F(Mnist, RejectsInvalidArguments) {
  for (const std::string arguments :
       {"--help", "--epochs", "--epochs 1 2", "--learning-rate 1", "--epochs ten", "--epochs 1x",
        "--epochs -1", "--epochs 0x10", "--epochs ''", "--epochs +1", "--epochs 1.5", "--batch-size ' 1'",
        "--batch-size 99999999999999999999", "--profile yes"}) {
    const test::Output output = run(arguments + (arguments.ends_with("epochs") ? "" : data()));
    EXPECT_EQ(output.code, 2) << arguments << '\n' << output.text;
    EXPECT_TRUE(contains(output.text, {"[mnist] ", "usage: mnist [--epochs"})) << arguments;
  }
  EXPECT_TRUE(
      contains(run("--epochs ten").text, {"--epochs expects a whole number from 0 to 1000000000, got ten"}));
  EXPECT_TRUE(contains(run("--rate 1").text, {"unknown option or missing value: --rate"}));
}

TEST_F(Mnist, NamesUnusableInput) {
  const struct {
    std::string arguments, word;
  } cases[] = {{"--data /nonexistent", "/nonexistent"},
               {"--device tpu", "tpu"},
               {"--batch-size 0" + data(), "--batch-size expects a whole number from 1 to "}};
  for (const auto& [arguments, word] : cases) {
    const test::Output output = run(arguments);
    EXPECT_EQ(output.code, 2) << arguments << '\n' << output.text;
    EXPECT_TRUE(contains(output.text, {word}));
  }
}

TEST(Readme, ShowsTheExamplesAsTheyAre) {
  const std::string readme = test::source_text("README.md");
  const struct {
    std::string file, first_line;
  } excerpts[] = {{"examples/mnist.cpp", "struct Net : Module {\n"},
                  {"examples/linked_app/spirals.cpp", "int main() {\n"}};
  for (const auto& [file, first_line] : excerpts) {
    const std::size_t begin = readme.find(first_line);
    ASSERT_NE(begin, std::string::npos) << file;
    const std::string excerpt = readme.substr(begin, readme.find("```", begin) - begin);
    EXPECT_NE(test::source_text(file).find(excerpt), std::string::npos) << file << " differs from\n"
                                                                        << excerpt;
  }
}

}  // namespace
}  // namespace metron
