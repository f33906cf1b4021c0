#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct Options {
  std::int64_t batch_size = 64;
  std::int64_t test_batch_size = 1000;
  std::int64_t epochs = 14;
  double lr = 1.0;
  double gamma = 0.7;
  std::uint64_t seed = 1;
  std::int64_t log_interval = 10;
  bool dry_run = false;
  bool save_model = false;

  std::string device = "auto";
  std::string providers;
  std::string data;
  std::optional<std::int64_t> train_limit;
  std::optional<std::int64_t> test_limit;
  bool dropout = true;
  bool shuffle = true;
  std::string init;
  std::string save;
  std::string metrics;
  std::string checkpoint;  // folder
  std::int64_t checkpoint_every = 500;
  std::int64_t checkpoint_keep = 3;
  bool resume = false;
  bool profile = false;
  bool separate_relu = false;
  int threads = 0;  // 0: all cores
  int loader_threads = 1;
};

// Parses the command line. Sets exit_code if the program should exit: 0 after --help, 2 after an error
// message.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
ParsedOptions parse_options(int argc, char** argv);
