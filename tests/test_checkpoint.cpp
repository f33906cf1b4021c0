// Checkpoints in the library: resumed training bit for bit, damaged files, folders that can't be written.
#include <gtest/gtest.h>
#include <metron/core/ops.h>
#include <metron/layers/checkpoint.h>
#include <metron/layers/layers.h>
#include <metron/layers/models/mnist_training.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;
using models::MnistTraining;

// With buffers, dropout and parameters of several shapes.
struct Net : Module {
  explicit Net(std::int64_t hidden = 6) : fc1(3 * 4 * 4, hidden), fc2(hidden, 10) {}
  Conv2d conv{1, 3, 3};
  BatchNorm2d norm{3};
  Dropout dropout{0.5};
  Linear fc1, fc2;
  void members(MemberVisitor& visit) override {
    visit.module("conv", conv);
    visit.module("norm", norm);
    visit.module("dropout", dropout);
    visit.module("fc1", fc1);
    visit.module("fc2", fc2);
  }
  Tensor forward(const Tensor& x) override {
    return log_softmax(fc2(dropout(relu(fc1(flatten(norm(conv(x)), 1))))), 1);
  }
};

ImageDataset images(std::int64_t count) {
  std::vector<std::uint8_t> pixels, labels;
  for (std::int64_t i = 0; i < count * 36; ++i)
    pixels.push_back(static_cast<std::uint8_t>(philox_word({9, 9}, static_cast<std::uint64_t>(i))));
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(pixels[static_cast<std::size_t>(i) * 36] % 10);
  return {Tensor::from(pixels, {count, 6, 6}), Tensor::from(labels, {count}), {0.5, 0.25}};
}

const std::atomic<bool> never = false;

// A training with a checkpoint after every step, every test and before all of them.
struct Trial {
  explicit Trial(std::uint64_t seed) {
    manual_seed(seed);
    net.emplace();
    training.emplace(*net, Device(), 1, 0.7);
  }
  void finish(const fs::path& folder = {}) {
    const auto save = [&] {
      if (!folder.empty()) save_checkpoint(folder / std::to_string(saved++), training->checkpoint());
    };
    save();
    for (std::int64_t epoch = training->first_epoch(); epoch <= 3; ++epoch) {
      training->train_epoch(
          epoch, loader, {.log_interval = 3, .checkpoint_interval = 1, .on_checkpoint = save},
          [](const models::EpochProgress&) {}, never);
      save();
      training->test(epoch, loader);
      save();
    }
  }
  std::string result() { return checksum(net->state()) + '\n' + training->metrics().csv(); }

  ImageDataset data = images(29);
  DataLoader loader{data, {.batch_size = 8, .shuffle = true, .seed = 4}};
  std::optional<Net> net;
  std::optional<MnistTraining> training;
  int saved = 0;
};

TEST(Checkpoint, ResumesAnywhereBitForBit) {
  const TemporaryFolder folder;
  Trial undisturbed(1);
  undisturbed.finish(folder.path());
  EXPECT_EQ(undisturbed.training->metrics().rows.size(), 3u * (4 + 1));
  ASSERT_EQ(undisturbed.saved, 1 + 3 * (4 + 2));
  const PhiloxKey random = random_state();
  for (int i = 0; i < undisturbed.saved; ++i) {
    Trial resumed(2);
    resumed.training->restore(load_checkpoint(folder / std::to_string(i)));
    resumed.finish();
    EXPECT_EQ(resumed.result(), undisturbed.result()) << "checkpoint " << i;
    EXPECT_EQ(random_state().stream, random.stream);
    EXPECT_EQ(random_state().seed, random.seed);
  }
}

// A stop within an epoch, which saves outside of train_epoch, as a program does that is told to end.
TEST(Checkpoint, ResumesAfterAStop) {
  const TemporaryFolder folder;
  Trial undisturbed(1), stopped(1), resumed(2);
  manual_seed(5);
  undisturbed.finish();
  manual_seed(5);
  std::atomic<bool> stop = false;
  const auto stop_it = [&](const models::EpochProgress&) { stop = true; };  // noticed after the next step
  stopped.training->train_epoch(1, stopped.loader, {.log_interval = 1}, stop_it, stop);
  save_checkpoint(folder / "file", stopped.training->checkpoint());
  const Checkpoint loaded = load_checkpoint(folder / "file");
  EXPECT_EQ(loaded.step, 2);
  EXPECT_EQ(loaded.position.epoch, 1);
  EXPECT_EQ(loaded.position.batch, 2);
  EXPECT_EQ(loaded.position.samples, 16);
  resumed.training->restore(loaded);
  resumed.finish();
  EXPECT_EQ(resumed.result(), undisturbed.result());
}

Checkpoint example(std::int64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.weights = {{"fc.weight", Tensor::from<float>({1, 2, 3}, {3})},
                        {"fc.scale", Tensor::from<double>({0.1}, {1})}};
  checkpoint.optimizers = {{.name = "adam",
                            .lr = 0.1,
                            .options = {{"beta1", "0.9"}},
                            .steps = {3, 0},
                            .tensors = {{"0.exp_avg", Tensor::from<float>({4, 5, 6}, {3})}}},
                           {.name = "sgd", .lr = 1e-300, .options = {}, .steps = {}, .tensors = {}}};
  checkpoint.schedulers = {{.t = 7, .options = {{"gamma", "0.7"}}}};
  checkpoint.random = {~std::uint64_t{0}, 12};
  checkpoint.position = {2, 3, 4};
  checkpoint.records = {{"losses", Tensor::from<double>({0.25, -1}, {2})}};
  checkpoint.settings = {{"--lr", "1"}, {"data", "\"ünï\"\n"}};
  return checkpoint;
}

TEST(Checkpoint, IsASafetensorsFileOfAllItsParts) {
  const TemporaryFolder folder;
  save_checkpoint(folder / "file", example(5));
  const Checkpoint loaded = load_checkpoint(folder / "file");
  const Checkpoint saved = example(5);
  EXPECT_EQ(loaded.step, 5);
  EXPECT_EQ(checksum(loaded.weights), checksum(saved.weights));
  EXPECT_EQ(checksum(loaded.records), checksum(saved.records));
  ASSERT_EQ(loaded.optimizers.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded.optimizers[i].name, saved.optimizers[i].name);
    EXPECT_EQ(loaded.optimizers[i].lr, saved.optimizers[i].lr);
    EXPECT_EQ(loaded.optimizers[i].options, saved.optimizers[i].options);
    EXPECT_EQ(loaded.optimizers[i].steps, saved.optimizers[i].steps);
    EXPECT_EQ(checksum(loaded.optimizers[i].tensors), checksum(saved.optimizers[i].tensors));
  }
  ASSERT_EQ(loaded.schedulers.size(), 1u);
  EXPECT_EQ(loaded.schedulers[0].t, 7);
  EXPECT_EQ(loaded.schedulers[0].options, saved.schedulers[0].options);
  EXPECT_EQ(loaded.random.seed, saved.random.seed);
  EXPECT_EQ(loaded.random.stream, 12u);
  EXPECT_EQ(loaded.position.epoch, 2);
  EXPECT_EQ(loaded.position.batch, 3);
  EXPECT_EQ(loaded.position.samples, 4);
  EXPECT_EQ(loaded.settings, saved.settings);

  Metadata metadata;
  std::string names;
  for (const StoredTensor& tensor : list_safetensors(folder / "file", &metadata)) names += tensor.name + ' ';
  EXPECT_EQ(names, "fc.scale record/losses fc.weight optimizer0/0.exp_avg ");
  EXPECT_EQ(metadata.at("metron.checkpoint"), "1");
  EXPECT_EQ(metadata.at("optimizer0.steps"), "3,0");
}

TEST(Checkpoint, RefusesNamesOfItsOtherParts) {
  const TemporaryFolder folder;
  for (const char* name : {"record/losses", "optimizer0/x"}) {
    Checkpoint checkpoint = example(1);
    checkpoint.weights.push_back({name, Tensor::ones({1})});
    EXPECT_TRUE(
        contains(message_of<ValueError>([&] { save_checkpoint(folder / "file", checkpoint); }), {name}));
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(Checkpoint, IsFoundDamagedWhereverItIsCut) {
  const TemporaryFolder folder;
  save_checkpoint(folder / "file", example(5));
  const std::string content = read_file(folder / "file");
  for (std::size_t size = 0; size < content.size(); ++size) {
    const fs::path path = folder.write("cut", content.substr(0, size));
    EXPECT_THROW(load_checkpoint(path), IoError) << size << " of " << content.size() << " bytes";
  }
}

TEST(Checkpoint, IsFoundDamagedWhereverABitIsFlipped) {
  const TemporaryFolder folder;
  save_checkpoint(folder / "file", example(5));
  const std::string content = read_file(folder / "file");
  for (std::size_t bit = 0; bit < 8 * content.size(); bit += 3) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const fs::path path = folder.write("flipped", flipped);
    EXPECT_THROW(load_checkpoint(path), IoError) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST(Checkpoint, OfAnotherVersionIsNotTakenForDamage) {
  const TemporaryFolder folder;
  Metadata metadata{{"metron.checkpoint", "2"}, {"crc32", "00000000"}};
  save_safetensors(folder / "file", {}, metadata);
  const std::string message = message_of<IoError>([&] { load_checkpoint(folder / "file"); });
  const std::string found = "has the CRC-32 ";
  ASSERT_TRUE(contains(message, {found}));
  metadata["crc32"] = message.substr(message.find(found) + found.size(), 8);
  save_safetensors(folder / "file", {}, metadata);
  EXPECT_TRUE(contains(message_of<ValueError>([&] { load_checkpoint(folder / "file"); }),
                       {"version 2 of the format is unknown"}));
  save_safetensors(folder / "file", {});
  EXPECT_TRUE(contains(message_of<IoError>([&] { load_checkpoint(folder / "file"); }),
                       {"the file is not a checkpoint"}));
}

TEST(Checkpoint, NamesEverySettingThatDiffers) {
  const Checkpoint checkpoint = example(1);
  EXPECT_NO_THROW(check_settings("train", "file", checkpoint, checkpoint.settings));
  EXPECT_EQ(
      message_of<ValueError>([&] {
        check_settings("train", "file", checkpoint, {{"--lr", "2"}, {"--seed", "3"}, {"data", "x"}});
      }),
      "[train] file is of a run with other settings: --lr is 1 there and 2 here; data is \"ünï\"\n there and "
      "x here; --seed is missing there");
}

TEST(Checkpoint, OfAnotherModelIsRefused) {
  Trial run(1);
  run.training->train_epoch(
      1, run.loader, {.max_steps = 1}, [](const models::EpochProgress&) {}, never);
  const Checkpoint checkpoint = run.training->checkpoint();
  Net wide(7);
  MnistTraining training(wide, Device(), 1, 0.7);
  EXPECT_TRUE(
      contains(message_of<ShapeError>([&] { training.restore(checkpoint); }), {"fc1.weight", "(7, 48)"}));
  Net same;
  MnistTraining other_rate(same, Device(), 0.5, 0.7);
  EXPECT_TRUE(contains(message_of<ValueError>([&] { other_rate.restore(checkpoint); }),
                       {"base is 1 there and 0.5 here"}));
  Checkpoint empty;
  EXPECT_THROW(training.restore(empty), ValueError);
}

TEST(CheckpointFolder, KeepsTheNewest) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "a/b", 2);
  EXPECT_FALSE(checkpoints.load_newest().has_value());
  for (const std::int64_t step : std::vector<std::int64_t>{9, 10, 100, 1'000'000'000'000})
    checkpoints.save(example(step));
  folder.write("a/b/notes.txt", "mine");
  folder.write("a/b/step-x.safetensors", "mine");
  std::vector<std::string> names;
  for (const fs::path& file : checkpoints.files()) names.push_back(file.filename().string());
  EXPECT_EQ(names,
            (std::vector<std::string>{"step-000000100.safetensors", "step-1000000000000.safetensors"}));
  const auto loaded = checkpoints.load_newest();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->checkpoint.step, 1'000'000'000'000);
  EXPECT_TRUE(loaded->skipped.empty());
  EXPECT_TRUE(fs::exists(folder / "a/b/notes.txt") && fs::exists(folder / "a/b/step-x.safetensors"));
  EXPECT_THROW(CheckpointFolder(folder / "c", 0), ValueError);
}

TEST(CheckpointFolder, FallsBackFromDamagedFilesAndSaysSo) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 3);
  fs::path last;
  for (const std::int64_t step : {1, 2, 3}) last = checkpoints.save(example(step));
  const std::string content = read_file(last);
  const std::string flipped = content.substr(0, content.size() - 1) + static_cast<char>(content.back() ^ 4);
  for (const std::string& damaged : {std::string(), content.substr(0, 8), content.substr(0, 100),
                                     content.substr(0, content.size() - 1), flipped, content + '\0'}) {
    folder.write(last.filename().string(), damaged);
    const auto loaded = checkpoints.load_newest();
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->checkpoint.step, 2);
    EXPECT_EQ(loaded->file.filename().string(), "step-000000002.safetensors");
    ASSERT_EQ(loaded->skipped.size(), 1u);
    EXPECT_TRUE(contains(loaded->skipped[0], {last.string() + ": "}));
  }
  for (const fs::path& file : checkpoints.files()) fs::resize_file(file, 50);
  EXPECT_TRUE(contains(message_of<IoError>([&] { checkpoints.load_newest(); }),
                       {"no checkpoint is intact", "step-000000001", "step-000000002", "step-000000003"}));
}

// A damaged file of a later step takes no room from those that are written after the fallback.
TEST(CheckpointFolder, KeepsWhatIsWrittenAfterAFallback) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 1);
  checkpoints.save(example(20));
  fs::resize_file(checkpoints.files()[0], 50);
  checkpoints.save(example(10));
  const auto loaded = checkpoints.load_newest();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->checkpoint.step, 10);
  checkpoints.save(example(30));
  EXPECT_EQ(checkpoints.files().size(), 1u);
  EXPECT_EQ(checkpoints.load_newest()->checkpoint.step, 30);
}

TEST(CheckpointFolder, RemovesWhatKilledProcessesLeft) {
  const TemporaryFolder folder;
  folder.write("step-000000003.safetensors.123-4.tmp", "half");
  folder.write("other.tmp", "mine");
  const CheckpointFolder checkpoints(folder.path());
  EXPECT_EQ(folder.names(), std::vector<std::string>{"other.tmp"});
}

TEST(CheckpointFolder, IsForOneProcess) {
  const TemporaryFolder folder;
  {
    const CheckpointFolder checkpoints(folder.path());
    EXPECT_TRUE(contains(message_of<IoError>([&] { CheckpointFolder second(folder.path()); }),
                         {folder.path().string(), "another run"}));
  }
  EXPECT_NO_THROW(CheckpointFolder(folder.path()));
}

// Mounts a small file system; skips the test where that is not allowed.
class SmallDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk.is_mounted()) GTEST_SKIP() << "no small file system can be mounted here";
  }
  const TemporaryFolder folder;
  const fs::path path = folder / "disk";
  const MountedDisk disk{path, "256k"};
};

Checkpoint large(std::int64_t step) {  // 128 KiB: two don't fit on the disk
  Checkpoint checkpoint = example(step);
  checkpoint.weights.push_back({"large", Tensor::ones({32 * 1024})});
  return checkpoint;
}

TEST_F(SmallDisk, LosesNothingOlderWhenItIsFull) {
  CheckpointFolder checkpoints(path);
  checkpoints.save(large(1));
  for (const std::int64_t step : {2, 3}) {
    const std::string message = message_of<IoError>([&] { checkpoints.save(large(step)); });
    EXPECT_TRUE(contains(message, {"step-00000000" + std::to_string(step), "No space left"}));
    EXPECT_EQ(std::distance(fs::directory_iterator(path), {}), 1) << "no leftovers";
    EXPECT_EQ(checkpoints.load_newest()->checkpoint.step, 1);
  }
  checkpoints.save(example(4));
  EXPECT_EQ(checkpoints.load_newest()->checkpoint.step, 4);
}

TEST_F(SmallDisk, LosesNothingOlderWhenItIsReadOnly) {
  std::optional<CheckpointFolder> checkpoints(path);
  checkpoints->save(example(1));
  ASSERT_EQ(::mount("none", path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_TRUE(
      contains(message_of<IoError>([&] { checkpoints->save(example(2)); }), {"Read-only file system"}));
  EXPECT_EQ(checkpoints->load_newest()->checkpoint.step, 1);
  checkpoints.reset();
  EXPECT_TRUE(contains(message_of<IoError>([&] { checkpoints.emplace(path); }),
                       {path.string(), "Read-only file system"}));
  ASSERT_EQ(::mount("none", path.c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  checkpoints.emplace(path);
  checkpoints->save(example(2));
  EXPECT_EQ(checkpoints->load_newest()->checkpoint.step, 2);
}

TEST(CheckpointFolder, SaysThatItMayNotBeWritten) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  fs::create_directory(folder / "mine");
  fs::permissions(folder / "mine", fs::perms(0555));
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(1234), 0);
  }
  const std::string message = message_of<IoError>([&] { CheckpointFolder checkpoints(folder / "mine"); });
  const std::string missing = message_of<IoError>([&] { CheckpointFolder checkpoints(folder / "mine/new"); });
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_TRUE(contains(message, {(folder / "mine").string(), "Permission denied"}));
  EXPECT_TRUE(contains(missing, {(folder / "mine/new").string(), "Permission denied"}));
}

TEST(CheckpointFolder, SaysThatItVanished) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "c");
  checkpoints.save(example(1));
  fs::rename(folder / "c", folder / "moved");
  EXPECT_TRUE(contains(message_of<IoError>([&] { checkpoints.save(example(2)); }), {"No such file"}));
  fs::rename(folder / "moved", folder / "c");
  EXPECT_EQ(checkpoints.load_newest()->checkpoint.step, 1);
  checkpoints.save(example(2));
  EXPECT_EQ(checkpoints.load_newest()->checkpoint.step, 2);
}

}  // namespace
}  // namespace metron
