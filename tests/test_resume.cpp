// The example with --checkpoint and --resume: killed at random moments, with damaged files, full disks and
// other options. A resumed run must write the files of the undisturbed one, byte for byte.
//
// METRON_KILLS=50 kills as often, METRON_KILL_SEED repeats the moments of a run that failed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <metron/core/numbers.h>
#include <metron/core/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The example in a process of its own.
class Process {
 public:
  Process(Arguments arguments, const fs::path& log) {
    arguments.insert(arguments.begin(), METRON_BINARY_DIR "/bin/mnist_cnn");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    id_ = ::fork();
    if (id_ != 0) return;
    const int descriptor = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(descriptor, STDOUT_FILENO);
    ::dup2(descriptor, STDERR_FILENO);
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ~Process() {
    if (!ended_) end(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool is_running() {
    ended_ = ended_ || ::waitpid(id_, &status_, WNOHANG) == id_;
    return !ended_;
  }
  void end(int signal) {
    if (is_running()) ::kill(id_, signal);
    wait();
  }
  // The exit status, or 128 plus the number of the signal that ended the process.
  int wait() {
    if (!ended_) ::waitpid(id_, &status_, 0);
    ended_ = true;
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  }
  // False if the process ended before.
  bool wait_until(const std::function<bool()>& condition) {
    while (!condition()) {
      if (!is_running()) return condition();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
  }

 private:
  pid_t id_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

std::string big_endian(std::initializer_list<std::uint32_t> words) {
  std::string bytes;
  for (const std::uint32_t word : words)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift);
  return bytes;
}

void write_images(const fs::path& folder, const std::string& split, std::uint32_t count) {
  std::string pixels = big_endian({0x803, count, 28, 28}), labels = big_endian({0x801, count});
  for (std::uint64_t i = 0; i < std::uint64_t{count} * 28 * 28; ++i)
    pixels += static_cast<char>(philox_word({count, 1}, i));
  for (std::uint64_t i = 0; i < count; ++i) labels += static_cast<char>(philox_word({count, 2}, i) % 10);
  std::ofstream(folder / (split + "-images-idx3-ubyte"), std::ios::binary) << pixels;
  std::ofstream(folder / (split + "-labels-idx1-ubyte"), std::ios::binary) << labels;
}

constexpr int steps = 2 * 6;

// `more` replaces options that both have. All options have a value, except for a last flag of `more`.
Arguments joined(const Arguments& options, const Arguments& more) {
  Arguments all;
  for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
    if (std::ranges::find(more, options[i]) == more.end())
      all.insert(all.end(), {options[i], options[i + 1]});
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// A folder for a run, and what to run in it.
class Training {
 public:
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  fs::path checkpoints() const { return folder_ / "checkpoints"; }
  std::string log() const { return read_file(folder_ / "log"); }
  static fs::path data() {
    static const TemporaryFolder folder;
    static const bool written = [] {
      write_images(folder.path(), "train", 48);
      write_images(folder.path(), "t10k", 16);
      return true;
    }();
    EXPECT_TRUE(written);
    return folder.path();
  }

  Arguments arguments(const Arguments& more) const {
    Arguments all{"--data",       data(),        "--epochs",  "2",          "--seed",         "3",
                  "--batch-size", "8",           "--threads", "1",          "--log-interval", "5",
                  "--save",       folder_ / "w", "--metrics", folder_ / "m"};
    return joined(all, more);
  }
  Arguments with_checkpoints(const Arguments& more) const {
    Arguments all{"--checkpoint", checkpoints(), "--checkpoint-every", "2"};
    return arguments(joined(all, more));
  }
  int run(const Arguments& more = {}) const {
    return Process(with_checkpoints(more), folder_ / "log").wait();
  }
  int resume(const Arguments& more = {}) const { return run(joined(more, {"--resume"})); }
  std::string results() const { return read_file(folder_ / "m") + '\n' + read_file(folder_ / "w"); }

  bool has_leftover() const {  // of a checkpoint that was being written
    std::error_code error;
    for (fs::directory_iterator entry(checkpoints(), error), end; !error && entry != end;
         entry.increment(error)) {
      const auto size = entry->path().extension() == ".tmp" ? fs::file_size(entry->path(), error) : 0;
      if (!error && size > 0) return true;
      error.clear();
    }
    return false;
  }

 private:
  const TemporaryFolder folder_;
};

fs::path checkpoint_of(const Training& training, int step) {
  const std::string number = std::to_string(step);
  return training.checkpoints() / ("step-" + std::string(9 - number.size(), '0') + number + ".safetensors");
}

// The results of a run without checkpoints, which no one disturbs.
const std::string& undisturbed() {
  static const std::string results = [] {
    const Training training;
    Process process(training.arguments({}), training / "log");
    EXPECT_EQ(process.wait(), 0) << training.log();
    return training.results();
  }();
  return results;
}

// Without printing megabytes.
void expect_undisturbed(const Training& training) {
  const bool same = training.results() == undisturbed();
  EXPECT_TRUE(same) << training.log();
}

TEST(Resume, AfterRandomKills) {
  const char* const count_text = std::getenv("METRON_KILLS");
  const char* const seed_text = std::getenv("METRON_KILL_SEED");
  const int count = parse_number<int>(count_text != nullptr ? count_text : "").value_or(4);
  const auto seed =
      parse_number<std::uint64_t>(seed_text != nullptr ? seed_text : "").value_or(std::random_device()());
  SCOPED_TRACE("METRON_KILL_SEED=" + std::to_string(seed));
  double duration = 0;
  {
    const Training training;
    const auto start = Clock::now();
    ASSERT_EQ(training.run(), 0) << training.log();
    duration = seconds_since(start);
    expect_undisturbed(training);
  }
  int killed = 0;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    const Training training;
    const double moment = duration * static_cast<double>(uniform_float(philox_word({seed, 0}, i)));
    {
      Process process(training.with_checkpoints({}), training / "log");
      std::this_thread::sleep_for(std::chrono::duration<double>(moment));
      process.end(SIGKILL);
      killed += process.wait() == 128 + SIGKILL ? 1 : 0;
    }
    ASSERT_EQ(training.resume(), 0) << "killed after " << moment << " s\n" << training.log();
    expect_undisturbed(training);
    EXPECT_FALSE(training.has_leftover());
  }
  RecordProperty("killed", killed);
  EXPECT_GE(2 * killed, count) << "most runs ended before they were killed";
}

TEST(Resume, AfterAKillInTheMiddleOfACheckpoint) {
  for (int attempt = 0; attempt < 30; ++attempt) {
    const Training training;
    {
      Process process(training.with_checkpoints({}), training / "log");
      const fs::path first = checkpoint_of(training, 2);
      process.wait_until([&] { return fs::exists(first) && training.has_leftover(); });
      process.end(SIGKILL);
    }
    if (!training.has_leftover()) continue;  // it was complete by then
    ASSERT_EQ(training.resume(), 0) << training.log();
    EXPECT_TRUE(contains(training.log(), {"resumed after step "}));
    EXPECT_FALSE(training.has_leftover());
    expect_undisturbed(training);
    return;
  }
  FAIL() << "no process was killed while it wrote a checkpoint";
}

TEST(Resume, AfterSigterm) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const Training training;
    Process process(training.with_checkpoints({"--log-interval", "1"}), training / "log");
    process.wait_until([&] { return training.log().find("step 1/") != std::string::npos; });
    process.end(SIGTERM);
    if (process.wait() == 0) continue;  // it was complete by then
    ASSERT_EQ(process.wait(), 128 + SIGTERM) << training.log();
    ASSERT_EQ(training.resume({"--checkpoint-every", "1000"}), 0) << training.log();
    EXPECT_TRUE(contains(training.log(), {"resumed after step "}));
    expect_undisturbed(training);
    return;
  }
  FAIL() << "every process was complete before it was told to end";
}

// Falls back from the newest, refuses when none is left, and repeats what is complete.
TEST(Resume, FromDamagedCheckpoints) {
  const Training training;
  ASSERT_EQ(training.run(), 0) << training.log();
  std::size_t files = 0;
  for (int step = steps - 4; step <= steps; step += 2)
    files += fs::exists(checkpoint_of(training, step)) ? 1 : 0;
  EXPECT_EQ(files, 3u);
  EXPECT_EQ(std::distance(fs::directory_iterator(training.checkpoints()), {}), 3);

  const fs::path newest = checkpoint_of(training, steps);
  std::string content = read_file(newest);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 16);
  std::ofstream(newest, std::ios::binary) << content;
  ASSERT_EQ(training.resume(), 0) << training.log();
  EXPECT_TRUE(contains(training.log(), {"a checkpoint is skipped: ", newest.string(), "damaged",
                                        "resumed after step " + std::to_string(steps - 2)}));
  expect_undisturbed(training);

  ASSERT_EQ(training.resume(), 0) << training.log();  // of what is complete by now
  EXPECT_TRUE(contains(training.log(), {"resumed after step " + std::to_string(steps)}));
  expect_undisturbed(training);

  for (const auto& entry : fs::directory_iterator(training.checkpoints()))
    fs::resize_file(entry.path(), 1000);
  EXPECT_EQ(training.resume(), 2);
  EXPECT_TRUE(contains(training.log(), {"no checkpoint is intact", newest.string()}));
  expect_undisturbed(training);
}

TEST(Resume, NeedsTheSameOptions) {
  const Training training;
  ASSERT_EQ(training.run({"--epochs", "1", "--checkpoint-keep", "1"}), 0) << training.log();
  EXPECT_EQ(training.run(), 2);
  EXPECT_TRUE(contains(training.log(), {"has checkpoints", "--resume"}));
  EXPECT_EQ(training.resume({"--lr", "0.5", "--dropout", "off"}), 2);
  EXPECT_TRUE(contains(training.log(), {"--dropout is on there and off here; --lr is 1 there and 0.5 here"}));
  EXPECT_EQ(training.resume({"--seed", "4"}), 2);
  EXPECT_TRUE(contains(training.log(), {"--seed is 3 there and 4 here"}));
  EXPECT_EQ(training.resume({"--train-limit", "40"}), 2);
  EXPECT_TRUE(contains(training.log(), {"the training set is 48 images with the CRC-32 ", "and 40 images"}));
  EXPECT_EQ(std::distance(fs::directory_iterator(training.checkpoints()), {}), 1);
  ASSERT_EQ(training.resume({"--loader-threads", "2", "--checkpoint-every", "5"}), 0)
      << training.log();  // another epoch
  EXPECT_EQ(read_file(training / "m"), undisturbed().substr(0, undisturbed().find("\n\n") + 1));

  Process alone({"--resume"}, training / "log");
  EXPECT_EQ(alone.wait(), 2);
  EXPECT_TRUE(contains(training.log(), {"--resume requires --checkpoint"}));
}

TEST(Resume, TrainingGoesOnWhenTheDiskIsFull) {
  const Training training;
  std::optional<MountedDisk> disk(std::in_place, training.checkpoints(), "20m");
  if (!disk->is_mounted()) GTEST_SKIP() << "no small file system can be mounted here";
  const int status = training.run();  // one checkpoint fits
  const bool kept = fs::exists(checkpoint_of(training, 2));
  const auto files = std::distance(fs::directory_iterator(training.checkpoints()), {});
  const std::string log = training.log();
  EXPECT_EQ(training.resume(), 2) << "it still can't write checkpoints";
  EXPECT_TRUE(contains(training.log(), {"resumed after step 2 "}));
  disk.reset();
  EXPECT_EQ(status, 2) << log;
  EXPECT_TRUE(
      contains(log, {"no checkpoint of step 4: ", "No space left", "training goes on", "weights written"}));
  EXPECT_EQ(log.find("No space left"), log.rfind("No space left")) << log;
  EXPECT_TRUE(kept);
  EXPECT_EQ(files, 1);
  expect_undisturbed(training);
}

TEST(Resume, TrainingGoesOnWhenTheFolderVanishes) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const Training training;
    Process process(training.with_checkpoints({}), training / "log");
    process.wait_until([&] { return fs::exists(checkpoint_of(training, 2)); });
    fs::rename(training.checkpoints(), training / "moved");
    if (process.wait() == 0) continue;  // it was complete by then
    ASSERT_EQ(process.wait(), 2);
    EXPECT_TRUE(contains(training.log(), {"no checkpoint of step ", "No such file", "training goes on"}));
    expect_undisturbed(training);
    fs::rename(training / "moved", training.checkpoints());
    EXPECT_EQ(training.resume(), 0) << training.log();
    expect_undisturbed(training);
    return;
  }
  FAIL() << "every process was complete before the folder vanished";
}

}  // namespace
}  // namespace metron
