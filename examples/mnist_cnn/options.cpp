#include "options.h"

#include <metron/core/numbers.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>

namespace {

const std::map<std::string, bool> on_off{{"on", true}, {"off", false}};

template <typename T>
struct NumberOf {
  using type = T;
};
template <typename T>
struct NumberOf<std::optional<T>> : NumberOf<T> {};

std::string shown(double value) { return metron::exact_text(value); }
template <typename T>
std::string shown(T value) {
  return std::to_string(value);
}
std::string shown(const std::optional<std::int64_t>& value) { return value ? shown(*value) : ""; }

// CLI11's own conversion reads 010 as eight, and takes signs and separators.
template <typename Target, typename T = typename NumberOf<Target>::type>
CLI::Option* add_number(CLI::App& app, const char* name, Target& target, const metron::NumberRange<T>& range,
                        const char* text) {
  const auto store = [&target](const CLI::results_t& words) {
    target = metron::parse_number<T>(words.back()).value();
    return true;
  };
  const auto wrong = [range](const std::string& word) {
    return metron::parse_number(word, range) ? "" : "expects " + range.text() + ", got " + word;
  };
  return app.add_option(name, store, text, true, [&target] { return shown(target); })
      ->type_name(std::is_floating_point_v<T> ? "FLOAT" : "INT")
      ->check(wrong);
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  const metron::NumberRange<std::int64_t> positive{1, 1'000'000'000}, count{0, 1'000'000'000};
  const metron::NumberRange<double> above_zero{.lowest = 0, .exclude_lowest = true};
  Options o;
  o.data = MNIST_DATA_DIR;
  CLI::App app("Trains the reference CNN on MNIST and measures it.");
  app.option_defaults()->always_capture_default();
  add_number(app, "--batch-size", o.batch_size, positive, "samples per training step");
  add_number(app, "--test-batch-size", o.test_batch_size, positive, "samples per test step");
  add_number(app, "--epochs", o.epochs, count, "passes over the training set");
  add_number(app, "--lr", o.lr, above_zero, "learning rate of Adadelta");
  add_number(app, "--gamma", o.gamma, above_zero, "learning-rate factor per epoch");
  add_number(app, "--seed", o.seed, metron::NumberRange<std::uint64_t>{},
             "random seed for weights, dropout and shuffling");
  add_number(app, "--log-interval", o.log_interval, positive, "steps between lines of output");
  app.add_flag("--dry-run", o.dry_run, "run one training step and one test step only");
  app.add_flag("--save-model", o.save_model, "write the weights to mnist_cnn.safetensors");

  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:<index>");
  app.add_option("--providers", o.providers, "providers in order: onednn,cpu or cudnn,cublas,cuda");
  app.add_option("--data", o.data, "folder with the four IDX files, plain or gzipped");
  add_number(app, "--train-limit", o.train_limit, positive, "train on the first N images only");
  add_number(app, "--test-limit", o.test_limit, positive, "test on the first N images only");
  app.add_option("--dropout", o.dropout, "on or off")->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--shuffle", o.shuffle, "on or off")->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--init", o.init, "start from the weights of this .safetensors file");
  app.add_option("--save", o.save, "write the trained weights to this .safetensors file");
  app.add_option("--metrics", o.metrics, "write step,epoch,loss,accuracy to this .csv file");
  CLI::Option* checkpoint = app.add_option("--checkpoint", o.checkpoint, "write checkpoints to this folder");
  add_number(app, "--checkpoint-every", o.checkpoint_every, positive, "training steps between checkpoints")
      ->needs(checkpoint);
  add_number(app, "--checkpoint-keep", o.checkpoint_keep, positive, "newest checkpoints to keep")
      ->needs(checkpoint);
  app.add_flag("--resume", o.resume, "continue from the newest intact checkpoint, if there is one")
      ->needs(checkpoint);
  app.add_flag("--separate-relu", o.separate_relu,
               "on a GPU: compute each ReLU by a kernel of its own, as on the CPU");
  app.add_flag("--profile", o.profile, "rank the operators of the first epoch's training steps");
  add_number(app, "--threads", o.threads, metron::NumberRange<int>{0, 1024},
             "compute threads; 0: one per core");
  add_number(app, "--loader-threads", o.loader_threads, metron::NumberRange<int>{0, 256},
             "prefetching threads; 0: none");

  try {
    app.parse(argc, argv);
    if (o.profile && o.epochs == 0)
      throw CLI::ValidationError("--profile", "there are no training steps in 0 epochs");
    return {o, std::nullopt};
  } catch (const CLI::ParseError& error) {
    return {o, app.exit(error) == 0 ? 0 : 2};
  }
}
