#include "report.h"

#include <metron/tools/report/measure/pass.h>
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

constexpr std::int64_t max_images = 1'000'000'000;

std::atomic<bool> interrupted = false;
std::atomic<const char*> cancel_reason = nullptr;  // the reason

bool cancel(const char* why) {  // false if it was canceled before
  const char* none = nullptr;
  return cancel_reason.compare_exchange_strong(none, why);
}

void say(std::string_view text) {
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

volatile std::sig_atomic_t first_signal = 0;

// The first signal ends the current stage and writes what is complete. The second cancels without a report.
// The third ends the program immediately and leaves unfinished files behind. Only Ctrl-C counts as a second
// or third: other signals may come twice, as timeout sends one to the process and one to its group.
void interrupt(int number) {
  if (!interrupted.exchange(true)) {
    first_signal = number;
    say(number == SIGINT
            ? "\nCtrl-C: finishing this stage and writing what is complete. Press again to write nothing.\n"
            : "\nA signal: finishing this stage and writing what is complete.\n");
  } else if (number != SIGINT) {
    return;
  } else if (cancel("interrupted twice")) {
    say("\nCtrl-C: canceled.\n");
  } else {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
}

int run(report::Options options) {
  std::sort(options.batch_sizes.begin(), options.batch_sizes.end());
  const auto same = std::unique(options.batch_sizes.begin(), options.batch_sizes.end());
  options.batch_sizes.erase(same, options.batch_sizes.end());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(number, interrupt) == SIG_IGN && number == SIGHUP) std::signal(number, SIG_IGN);  // nohup
  }
  std::signal(SIGPIPE, [](int) {
    cancel("ended by a signal");
    interrupted = true;
  });
  bool complete = false;
  try {
    report::Progress progress(true, &cancel_reason);
    complete = report::make_report(options, progress, interrupted, interrupt);
  } catch (const report::GivenUp& error) {
    std::fprintf(stderr, "metron: %s\n", error.what());
    return 130;
  }
  const std::string file = (std::filesystem::path(options.out) / "report.html").string();
  std::printf("%s%s\n", complete ? "" : "Interrupted: the report holds what was completed.\n", file.c_str());
  return complete ? 0 : 128 + (first_signal != 0 ? first_signal : SIGINT);
}

void add_sizes(const Command& command, models::MnistCnnSizes& sizes) {
  command.option("--conv1", &sizes.conv1, "channels of the first convolution").range(1, 4096);
  command.option("--conv2", &sizes.conv2, "channels of the second convolution").range(1, 4096);
  command.option("--hidden", &sizes.hidden, "outputs of the first linear layer").range(1, 65536);
}

}  // namespace

Command report_command(CommandLine& program, std::vector<std::string> command_line) {
  Command command = program.add(
      "report", "Trains the reference CNN, profiles it at several batch sizes and writes a report.");
  const auto options = std::make_shared<report::Options>();
  report::Options& o = *options;
  o.data = MNIST_DATA_DIR;
  o.command = std::move(command_line);
  command.option("--out", &o.out, "folder for the report");
  const Option from = command.option(
      "--from", &o.from, "use a finished run instead of training: its folder or its .safetensors file");
  command.option("--metrics", &o.metrics, "the finished run's metrics.csv, if its folder has none")
      .needs(from);
  command.option("--epochs", &o.epochs, "passes over the training set; 0: don't train")
      .range(0, 100000)
      .excludes(from);
  command.option("--batch", &o.batch_sizes, "batch sizes to profile").range(1, 65536).separated_by_commas();
  command.flag("--faithful", o.faithful, "also measure as the lab does: one cold forward pass");
  command.option("--lang", &o.language, "language of report, page and pictures").one_of({"en", "zh"});
  command.option("--train-batch-size", &o.train_batch_size, "samples in a training step")
      .range(1, max_images)
      .excludes(from);
  command.option("--lr", &o.lr, "learning rate of Adadelta").above(0).excludes(from);
  command.option("--gamma", &o.gamma, "learning rate decay per epoch").above(0).excludes(from);
  command.option("--seed", &o.seed, "of weights, dropout and shuffling");
  command.option("--train-limit", &o.train_limit, "train on the first N images only")
      .range(1, max_images)
      .excludes(from);
  command.option("--test-limit", &o.test_limit, "test on the first N images only").range(1, max_images);
  command.option("--data", &o.data, "folder with the four IDX files, plain or gzipped");
  command.option("--device", &o.device, "auto, cpu, cuda or cuda:<index>");
  command.option("--providers", &o.providers, "providers in order of preference: onednn,cpu");
  command.option("--threads", &o.threads, "compute threads; 0: one per core").range(0, 1024);
  command.option("--rounds", &o.rounds, "fresh processes per batch size").range(1, 1000);
  command.option("--steps", &o.steps, "training steps recorded in each process").range(1, 10000);
  command
      .option("--provider-budget", &o.provider_budget,
              "seconds of timing per provider and kernel call; 0: skip the provider comparison")
      .between(0, 60);
  command.flag("--gzip", o.gzip_trace, "write trace.json.gz instead of trace.json");
  add_sizes(command, o.sizes);
  command.run = [options] { return run(*options); };
  return command;
}

Command report_pass_command(CommandLine& program) {
  Command command = program.add("report-pass", "A part of metron report.");
  command.hide();
  const auto options = std::make_shared<report::PassOptions>();
  report::PassOptions& o = *options;
  command.option("--input", &o.input).required();
  command.option("--out", &o.out).required();
  command.option("--device", &o.device);
  command.option("--providers", &o.providers);
  command.option("--threads", &o.threads);
  command.option("--seed", &o.seed);
  command.flag("--forward", o.forward_only);
  command.option("--warmup", &o.warmup);
  command.option("--steps", &o.steps);
  add_sizes(command, o.sizes);
  command.run = [options] {
    report::run_pass(*options);
    return 0;
  };
  return command;
}

}  // namespace metron::tools
