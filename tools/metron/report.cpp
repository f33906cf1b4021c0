#include "report.h"

#include <metron/tools/report/pass.h>
#include <metron/tools/report/report.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace metron::tools {
namespace {

std::atomic<bool> interrupted = false;
std::atomic<const char*> given_up = nullptr;  // why

bool give_up(const char* why) {  // false if it was given up before
  const char* none = nullptr;
  return given_up.compare_exchange_strong(none, why);
}

void say(std::string_view text) {
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

// The first Ctrl-C ends the stage that runs and writes what was done; the second gives all of it up; a third
// ends the program at once, and only then are its unfinished files left.
void interrupt(int) {
  if (!interrupted.exchange(true)) {
    say("\nCtrl-C: this stage ends, and what was done is written. Once more: nothing is written.\n");
  } else if (give_up("interrupted twice")) {
    say("\nCtrl-C: giving up.\n");
  } else {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
}

int run(report::Options options) {
  std::sort(options.batch_sizes.begin(), options.batch_sizes.end());
  const auto same = std::unique(options.batch_sizes.begin(), options.batch_sizes.end());
  options.batch_sizes.erase(same, options.batch_sizes.end());
  std::signal(SIGINT, interrupt);
  for (const int number : {SIGTERM, SIGHUP, SIGPIPE}) {
    std::signal(number, [](int) {
      give_up("ended by a signal");
      interrupted = true;
    });
  }
  bool complete = false;
  try {
    report::Progress progress(true, &given_up);
    complete = report::make_report(options, progress, interrupted, interrupt);
  } catch (const report::GivenUp& error) {
    std::fprintf(stderr, "metron: %s\n", error.what());
    return 130;
  }
  const std::string file = (std::filesystem::path(options.out) / "report.html").string();
  std::printf("%s%s\n", complete ? "" : "Interrupted: the report holds what was done.\n", file.c_str());
  return complete ? 0 : 130;
}

void add_sizes(CLI::App& app, models::MnistCnnSizes& sizes) {
  app.add_option("--conv1", sizes.conv1, "channels of the first convolution")->check(CLI::Range(1, 4096));
  app.add_option("--conv2", sizes.conv2, "channels of the second convolution")->check(CLI::Range(1, 4096));
  app.add_option("--hidden", sizes.hidden, "outputs of the first linear layer")->check(CLI::Range(1, 65536));
}

}  // namespace

Command report_command(CLI::App& program, std::vector<std::string> command_line) {
  CLI::App* app = program.add_subcommand(
      "report", "Trains the reference CNN, profiles it at several batch sizes and writes a report.");
  const auto options = std::make_shared<report::Options>();
  report::Options& o = *options;
  o.data = MNIST_DATA_DIR;
  o.command = std::move(command_line);
  app->option_defaults()->always_capture_default();
  app->add_option("--out", o.out, "folder for the report");
  CLI::Option* from = app->add_option(
      "--from", o.from, "a finished run instead of a training: its folder, or its .safetensors file");
  app->add_option("--metrics", o.metrics, "the finished run's metrics.csv, where its folder has none")
      ->needs(from);
  app->add_option("--epochs", o.epochs, "passes over the training set; 0: don't train")
      ->check(CLI::Range(0, 100000))
      ->excludes(from);
  app->add_option("--batch", o.batch_sizes, "batch sizes to profile")
      ->check(CLI::Range(1, 65536))
      ->delimiter(',');
  app->add_flag("--faithful", o.faithful, "the lab's way of measuring first: one cold forward pass");
  app->add_option("--lang", o.language, "language of report, page and pictures")
      ->check(CLI::IsMember({"en", "zh"}));
  app->add_option("--train-batch-size", o.train_batch_size, "samples in a training step")
      ->check(positive_number())
      ->excludes(from);
  app->add_option("--lr", o.lr, "learning rate of Adadelta")->check(positive_number())->excludes(from);
  app->add_option("--gamma", o.gamma, "factor of the learning rate after each epoch")
      ->check(positive_number())
      ->excludes(from);
  app->add_option("--seed", o.seed, "of weights, dropout and shuffling");
  app->add_option("--train-limit", o.train_limit, "train on the first N images only")
      ->check(positive_number())
      ->excludes(from);
  app->add_option("--test-limit", o.test_limit, "test on the first N images only")->check(positive_number());
  app->add_option("--data", o.data, "folder with the four IDX files, plain or gzipped");
  app->add_option("--device", o.device, "auto, cpu, cuda or cuda:<index>");
  app->add_option("--providers", o.providers, "who computes, in order: onednn,cpu");
  app->add_option("--threads", o.threads, "threads that compute; 0: one a core")->check(CLI::Range(0, 4096));
  app->add_option("--rounds", o.rounds, "fresh processes that measure each batch size")
      ->check(CLI::Range(1, 1000));
  app->add_option("--steps", o.steps, "training steps recorded in each of them")->check(CLI::Range(1, 10000));
  app->add_option("--provider-budget", o.provider_budget,
                  "seconds of timing for each provider and kernel call; 0: no providers side by side")
      ->check(CLI::Range(0.0, 60.0));
  app->add_flag("--gzip", o.gzip_trace, "write trace.json.gz instead of trace.json");
  add_sizes(*app, o.sizes);
  return {app, [options] { return run(*options); }};
}

Command report_pass_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("report-pass", "A part of metron report.")->group("");
  const auto options = std::make_shared<report::PassOptions>();
  report::PassOptions& o = *options;
  app->add_option("--input", o.input)->required();
  app->add_option("--out", o.out)->required();
  app->add_option("--device", o.device);
  app->add_option("--providers", o.providers);
  app->add_option("--threads", o.threads);
  app->add_option("--seed", o.seed);
  app->add_flag("--forward", o.forward_only);
  app->add_option("--warmup", o.warmup);
  app->add_option("--steps", o.steps);
  add_sizes(*app, o.sizes);
  return {app, [options] {
            report::run_pass(*options);
            return 0;
          }};
}

}  // namespace metron::tools
