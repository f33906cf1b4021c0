// The options of `metron report`.
#pragma once

#include <metron/layers/models/mnist_cnn.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace metron::report {

struct Options {
  std::string out = "metron-report";
  std::string data;     // folder with the four IDX files of MNIST
  std::string from;     // a finished run: its folder or a weights file; "": train
  std::string metrics;  // of the finished run, if its folder has none
  std::string device = "auto";
  std::string providers;
  int threads = 0;  // 0: all cores
  std::uint64_t seed = 1;
  models::MnistCnnSizes sizes;

  std::int64_t epochs = 1;
  std::int64_t train_batch_size = 64;
  std::int64_t test_batch_size = 1000;
  double lr = 1.0;
  double gamma = 0.7;
  std::optional<std::int64_t> train_limit, test_limit;

  std::vector<std::int64_t> batch_sizes{1, 16, 64};
  int rounds = 5;
  int steps = 6;
  int warmup = 3;
  double provider_budget = 0.05;  // seconds per row; 0: no comparison of providers
  bool faithful = false;
  std::string language = "en";
  bool gzip_trace = false;

  std::vector<std::string> command;  // as passed
};

}  // namespace metron::report
