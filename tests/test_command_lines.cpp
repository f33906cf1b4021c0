// Misuse of every program's numbers and files: refused at the start, with status 2 and a message that names
// the rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "run_command.h"
#include "temporary_folder.h"

namespace metron {
namespace {

using test::Output;

Output run(const std::string& program, const std::string& arguments, const std::string& environment = "") {
  return test::run_command("OMP_WAIT_POLICY=passive " + environment + " '" METRON_BINARY_DIR "/bin/" +
                           program + "' " + arguments);
}
bool has(const std::string& program) { return std::filesystem::exists(METRON_BINARY_DIR "/bin/" + program); }

struct Number {
  std::string command, option, expected;
  bool real = false;
};

const std::string many = "a whole number from 1 to 1000000000", any = "a whole number from 0 to 1000000000",
                  seeds = "a whole number from 0 to 18446744073709551615", above = "a finite number above 0";

std::vector<Number> numbers() {
  std::vector<Number> all;
  if (has("mnist_cnn")) {
    for (const char* const option :
         {"--batch-size", "--test-batch-size", "--log-interval", "--train-limit", "--test-limit"})
      all.push_back({"mnist_cnn", option, many});
    all.push_back({"mnist_cnn", "--epochs", any});
    all.push_back({"mnist_cnn", "--seed", seeds});
    all.push_back({"mnist_cnn", "--threads", "a whole number from 0 to 1024"});
    all.push_back({"mnist_cnn", "--loader-threads", "a whole number from 0 to 256"});
    for (const char* const option : {"--lr", "--gamma"}) all.push_back({"mnist_cnn", option, above, true});
  }
  if (has("mnist")) {
    all.push_back({"mnist", "--batch-size", many});
    for (const char* const option : {"--epochs", "--profile"}) all.push_back({"mnist", option, any});
  }
  if (!has("metron")) return all;
  for (const char* const option : {"--steps", "--wait", "--warmup"})
    all.push_back({"metron profile", option, any});
  all.push_back({"metron profile", "--top", "a whole number from 0 to 1000000"});
  all.push_back({"metron bench", "--batch", "a whole number from 1 to 65536"});
  all.push_back({"metron bench", "--budget", "a number from 0.001 to 3600", true});
  all.push_back({"metron predict --gpu T4", "--batch", "a whole number from 1 to 65536"});
  if (run("metron", "report --help").code != 0) return all;
  all.push_back({"metron graph", "--batch-size", "a whole number from 1 to 65536"});
  all.push_back({"metron graph", "--measure", "a whole number from 0 to 1000000"});
  all.push_back({"metron graph", "--seed", seeds});
  const std::pair<const char*, std::string> report[]{{"--epochs", "a whole number from 0 to 100000"},
                                                     {"--batch", "a whole number from 1 to 65536"},
                                                     {"--train-batch-size", many},
                                                     {"--train-limit", many},
                                                     {"--test-limit", many},
                                                     {"--seed", seeds},
                                                     {"--threads", "a whole number from 0 to 1024"},
                                                     {"--rounds", "a whole number from 1 to 1000"},
                                                     {"--steps", "a whole number from 1 to 10000"},
                                                     {"--conv1", "a whole number from 1 to 4096"},
                                                     {"--conv2", "a whole number from 1 to 4096"},
                                                     {"--hidden", "a whole number from 1 to 65536"}};
  for (const auto& [option, expected] : report) all.push_back({"metron report", option, expected});
  for (const char* const option : {"--lr", "--gamma"}) all.push_back({"metron report", option, above, true});
  all.push_back({"metron report", "--provider-budget", "a number from 0 to 60", true});
  return all;
}

TEST(CommandLines, NameTheRangeOfEveryNumber) {
  const std::vector<std::string> always{"-1",   "ten", "",    " 1",  "0x10", "+1",    "1_0",
                                        "1,5x", "1'0", "nan", "inf", "-inf", "1e400", "1x"};
  const std::vector<std::string> whole{"1.5", "1e2", "18446744073709551616", "99999999999999999999999"};
  int cases = 0;
  for (const Number& number : numbers()) {
    std::vector<std::string> values = always;
    if (!number.real) values.insert(values.end(), whole.begin(), whole.end());
    if (number.expected.find("from 1 ") != std::string::npos || number.expected == above)
      values.push_back("0");
    for (const std::string& value : values) {
      const std::size_t space = number.command.find(' ');
      const std::string program = number.command.substr(0, space);
      const std::string subcommand = space == std::string::npos ? "" : number.command.substr(space + 1);
      std::string arguments = subcommand + ' ' + number.option;
      arguments += (program == "mnist" ? " \"" : "=\"") + value + '"';
      if (subcommand == "profile") arguments += " -- true";
      if (program != "mnist" && value.empty()) continue;  // CLI11 takes --option= as the next word's value
      const Output output = run(program, arguments);
      EXPECT_EQ(output.code, 2) << arguments << '\n' << output.text;
      EXPECT_TRUE(contains(output.text, {number.option, "expects " + number.expected + ", got "}))
          << arguments;
      EXPECT_LE(std::count(output.text.begin(), output.text.end(), '\n'), 2) << output.text;
      ++cases;
    }
  }
  EXPECT_TRUE(!has("metron") || !has("mnist_cnn") || cases >= 300) << cases;
}

TEST(CommandLines, ReadNumbersInDecimal) {
  const TemporaryFolder folder;
  if (has("mnist_cnn")) {
    const Output output =
        run("mnist_cnn", "--train-limit 0100 --batch-size 010 --test-limit 010 --epochs 01");
    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_TRUE(contains(output.text, {"100 training and 10 test images", "step 10/10"}));
  }
  if (has("metron")) {
    for (const char* const list : {"1", "010,3", "1 2", "1,2 --batch 3"}) {
      const Output output = run("metron", "bench --filter 'no such row' --batch " + std::string(list));
      EXPECT_TRUE(contains(output.text, {"no row's name contains \"no such row\""})) << list;
    }
    for (const char* const list : {"1,ten", "1,0", "1, 2", "1;2"}) {
      const Output output = run("metron", "bench --filter 'no such row' --batch '" + std::string(list) + "'");
      EXPECT_EQ(output.code, 2) << list;
      EXPECT_TRUE(contains(output.text, {"--batch", "expects a whole number from 1 to 65536"})) << list;
    }
  }
  if (has("metron") && run("metron", "graph --help").code == 0) {
    const std::string out = (folder / "g.dot").string();
    EXPECT_EQ(run("metron", "graph --batch-size 010 --seed 18446744073709551615 --out '" + out + "'").code,
              0);
    EXPECT_TRUE(contains(read_file(out), {"10"}));
  }
}

TEST(CommandLines, RefuseMalformedVariables) {
  if (!has("mnist_cnn")) GTEST_SKIP() << "mnist_cnn is not built";
  const TemporaryFolder folder;
  const std::string profile = "METRON_PROFILE='" + (folder / "out").string() + "' ";
  for (const char* const steps :
       {"ten", "-1", "1,2", "1,2,3,4", "0x10", "1000000001", "99999999999999999999"}) {
    const Output output = run("mnist_cnn", "--dry-run", profile + "METRON_PROFILE_STEPS='" + steps + "'");
    EXPECT_EQ(output.code, 2) << steps << output.text;
    EXPECT_TRUE(contains(output.text, {"METRON_PROFILE_STEPS expects", steps}));
  }
  for (const char* const device :
       {"cuda:-1", "cuda:", "cuda:0x1", "cuda:99999999999", "cuda:1 ", "cpu:1", "gpu"}) {
    const Output output = run("mnist_cnn", "--dry-run --device '" + std::string(device) + "'");
    EXPECT_EQ(output.code, 2) << device;
    EXPECT_TRUE(
        contains(output.text, {"a device is cpu, cuda or cuda:<index>, got \"" + std::string(device)}));
  }
}

TEST(CommandLines, RefuseTwoOutputsInOneFile) {
  const TemporaryFolder folder;
  const std::string a = folder.write("a.dot", "old").string(), absent = (folder / "new").string();
  std::filesystem::create_hard_link(a, folder / "hard.dot");
  std::filesystem::create_symlink("a.dot", folder / "soft.dot");
  const std::vector<std::pair<std::string, std::string>> same{{a, (folder / "./a.dot").string()},
                                                              {a, (folder / "hard.dot").string()},
                                                              {(folder / "soft.dot").string(), a},
                                                              {a, a}};
  for (const auto& [first, second] : same) {
    std::vector<std::pair<std::string, std::string>> commands;
    if (has("mnist_cnn")) {
      commands.push_back({"mnist_cnn", "--epochs 0 --save '" + first + "' --metrics '" + second + "'"});
    }
    if (has("metron")) {
      commands.push_back({"metron", "bench --csv '" + first + "' --json '" + second + "'"});
      commands.push_back({"metron", "predict --gpu T4 --csv '" + first + "' --json '" + second + "'"});
      if (run("metron", "graph --help").code == 0)
        commands.push_back({"metron", "graph --out '" + first + "' '" + second + "'"});
    }
    for (const auto& [program, arguments] : commands) {
      const Output output = run(program, arguments);
      EXPECT_EQ(output.code, 2) << arguments << output.text;
      EXPECT_TRUE(contains(output.text, {"must name ", " files, got "})) << arguments;
    }
  }
  if (has("mnist_cnn")) {
    const std::string up = (folder / "./new").string();
    EXPECT_EQ(run("mnist_cnn", "--epochs 0 --save '" + absent + "' --metrics '" + up + "'").code, 2);
  }
  EXPECT_EQ(read_file(a), "old");
  EXPECT_FALSE(std::filesystem::exists(absent));
}

}  // namespace
}  // namespace metron
