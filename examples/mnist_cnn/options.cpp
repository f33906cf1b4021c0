#include "options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <map>
#include <string>

namespace {

const std::map<std::string, bool> on_off{{"on", true}, {"off", false}};

// CLI11's validators print "not in range" with the 309 digits of the largest double.
CLI::Validator number(const char* name, const char* rule, bool (*fits)(double)) {
  return {[rule, fits](const std::string& text) {
            double value = 0;
            const char* const end = text.data() + text.size();
            const auto [read, error] = std::from_chars(text.data(), end, value);
            const bool valid = error == std::errc() && read == end && std::isfinite(value) && fits(value);
            return valid ? std::string() : "expects " + (rule + (", got " + text));
          },
          name};
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  const CLI::Validator positive = number("POSITIVE", "a positive number", [](double x) { return x > 0; });
  const CLI::Validator nonnegative = number("NONNEGATIVE", "0 or more", [](double x) { return x >= 0; });
  Options o;
  o.data = MNIST_DATA_DIR;
  CLI::App app("Trains the reference CNN on MNIST and measures it.");
  app.option_defaults()->always_capture_default();
  app.add_option("--batch-size", o.batch_size, "samples per training step")->check(positive);
  app.add_option("--test-batch-size", o.test_batch_size, "samples per test step")->check(positive);
  app.add_option("--epochs", o.epochs, "passes over the training set")->check(nonnegative);
  app.add_option("--lr", o.lr, "learning rate of Adadelta")->check(positive);
  app.add_option("--gamma", o.gamma, "learning-rate factor per epoch")->check(positive);
  app.add_option("--seed", o.seed, "random seed for weights, dropout and shuffling")->check(nonnegative);
  app.add_option("--log-interval", o.log_interval, "steps between lines of output")->check(positive);
  app.add_flag("--dry-run", o.dry_run, "run one training step and one test step only");
  app.add_flag("--save-model", o.save_model, "write the weights to mnist_cnn.safetensors");

  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:<index>");
  app.add_option("--providers", o.providers, "providers in order: onednn,cpu or cudnn,cublas,cuda");
  app.add_option("--data", o.data, "folder with the four IDX files, plain or gzipped");
  app.add_option("--train-limit", o.train_limit, "train on the first N images only")->check(positive);
  app.add_option("--test-limit", o.test_limit, "test on the first N images only")->check(positive);
  app.add_option("--dropout", o.dropout, "on or off")->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--shuffle", o.shuffle, "on or off")->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--init", o.init, "start from the weights of this .safetensors file");
  app.add_option("--save", o.save, "write the trained weights to this .safetensors file");
  app.add_option("--metrics", o.metrics, "write step,epoch,loss,accuracy to this .csv file");
  app.add_flag("--profile", o.profile, "rank the operators of the first epoch's training steps");
  app.add_option("--threads", o.threads, "compute threads; 0: one per core")->check(nonnegative);
  app.add_option("--loader-threads", o.loader_threads, "prefetching threads; 0: none")->check(nonnegative);

  try {
    app.parse(argc, argv);
    if (o.profile && o.epochs == 0)
      throw CLI::ValidationError("--profile", "there are no training steps in 0 epochs");
    return {o, std::nullopt};
  } catch (const CLI::ParseError& error) {
    return {o, app.exit(error) == 0 ? 0 : 2};
  }
}
