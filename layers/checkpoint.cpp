#include <metron/core/autograd.h>
#include <metron/core/internal/crc32.h>
#include <metron/core/numbers.h>
#include <metron/layers/checkpoint.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace metron {
namespace {

constexpr char checkpoint_op[] = "checkpoint";
constexpr char version_key[] = "metron.checkpoint";
constexpr char checksum_key[] = "crc32";
constexpr char format_version[] = "1";
constexpr char record_prefix[] = "record/";
constexpr char settings_prefix[] = "settings.";

std::string optimizer_prefix(std::size_t i) { return "optimizer" + std::to_string(i) + '/'; }
std::string optimizer_key(std::size_t i) { return "optimizer" + std::to_string(i) + '.'; }
std::string scheduler_key(std::size_t i) { return "scheduler" + std::to_string(i) + '.'; }

// In an order that does not depend on the file.
std::string checksum_with(const std::vector<NamedTensor>& tensors, const Metadata& metadata) {
  const NoGradGuard no_grad;
  detail::Crc32 crc;
  for (const auto& [name, value] : metadata) {
    if (name == checksum_key) continue;
    crc.add(name);
    crc.add(value);
  }
  std::map<std::string, Tensor> sorted;
  for (const NamedTensor& entry : tensors) sorted[entry.name] = entry.tensor;
  for (const auto& [name, tensor] : sorted) {
    crc.add(name);
    crc.add(name_of(tensor.dtype()));
    for (int axis = 0; axis < tensor.rank(); ++axis) crc.add(std::to_string(tensor.size(axis)));
    const Tensor rows = tensor.to(Device()).contiguous();
    crc.add(rows.raw_data(), rows.bytes());
  }
  return crc.hex();
}

void add_settings(Metadata& metadata, const std::string& prefix, const Settings& settings) {
  for (const auto& [name, value] : settings) metadata[prefix + name] = value;
}

Metadata metadata_of(const Checkpoint& checkpoint) {
  Metadata metadata{{version_key, format_version},
                    {"step", std::to_string(checkpoint.step)},
                    {"random.seed", std::to_string(checkpoint.random.seed)},
                    {"random.stream", std::to_string(checkpoint.random.stream)},
                    {"position.epoch", std::to_string(checkpoint.position.epoch)},
                    {"position.batch", std::to_string(checkpoint.position.batch)},
                    {"position.samples", std::to_string(checkpoint.position.samples)},
                    {"optimizers", std::to_string(checkpoint.optimizers.size())},
                    {"schedulers", std::to_string(checkpoint.schedulers.size())}};
  for (std::size_t i = 0; i < checkpoint.optimizers.size(); ++i) {
    const OptimizerState& state = checkpoint.optimizers[i];
    std::string steps;
    for (const std::int64_t count : state.steps) steps += (steps.empty() ? "" : ",") + std::to_string(count);
    metadata[optimizer_key(i) + "name"] = state.name;
    metadata[optimizer_key(i) + "lr"] = exact_text(state.lr);
    metadata[optimizer_key(i) + "steps"] = steps;
    add_settings(metadata, optimizer_key(i) + "options.", state.options);
  }
  for (std::size_t i = 0; i < checkpoint.schedulers.size(); ++i) {
    metadata[scheduler_key(i) + "t"] = std::to_string(checkpoint.schedulers[i].t);
    add_settings(metadata, scheduler_key(i) + "options.", checkpoint.schedulers[i].options);
  }
  add_settings(metadata, settings_prefix, checkpoint.settings);
  return metadata;
}

// Whether the name is that of another part: "record/..." or "optimizer0/...".
bool is_reserved(const std::string& name) {
  return name.starts_with(record_prefix) ||
         (name.starts_with("optimizer") && name.find('/') != std::string::npos);
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {
    tensors_ = load_safetensors(path, &metadata_);
    require(metadata_.contains(version_key) && metadata_.contains(checksum_key),
            "the file is not a checkpoint: its metadata lack ", version_key, " or ", checksum_key);
    const std::string found = checksum_with(tensors_, metadata_);
    require(found == metadata_[checksum_key], "the file is damaged: its content has the CRC-32 ", found,
            " instead of ", metadata_[checksum_key]);
    check<ValueError>(metadata_[version_key] == format_version, checkpoint_op, path.string(), ": version ",
                      metadata_[version_key], " of the format is unknown, this release reads version ",
                      format_version);
  }

  Checkpoint read() {
    Checkpoint checkpoint{
        .step = number<std::int64_t>("step"),
        .weights = {},
        .optimizers = std::vector<OptimizerState>(count("optimizers")),
        .schedulers = std::vector<SchedulerState>(count("schedulers")),
        .random = {number<std::uint64_t>("random.seed"), number<std::uint64_t>("random.stream")},
        .position = {number<std::int64_t>("position.epoch"), number<std::int64_t>("position.batch"),
                     number<std::int64_t>("position.samples")},
        .records = take_tensors(record_prefix),
        .settings = settings(settings_prefix)};
    for (std::size_t i = 0; i < checkpoint.optimizers.size(); ++i)
      checkpoint.optimizers[i] = read_optimizer(i);
    for (std::size_t i = 0; i < checkpoint.schedulers.size(); ++i)
      checkpoint.schedulers[i] = {number<std::int64_t>(scheduler_key(i) + "t"),
                                  settings(scheduler_key(i) + "options.")};
    checkpoint.weights = std::move(tensors_);
    return checkpoint;
  }

 private:
  template <typename... Parts>
  void require(bool condition, const Parts&... parts) const {
    check<IoError>(condition, checkpoint_op, path_.string(), ": ", parts...);
  }

  const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    require(found != metadata_.end(), "its metadata lack ", key);
    return found->second;
  }

  template <typename T>
  T parsed(const std::string& key, const std::string& word) const {
    const std::optional<T> value = parse_number<T>(word);
    require(value.has_value(), key, " must be a number, got ", word);
    return *value;
  }
  template <typename T>
  T number(const std::string& key) const {
    return parsed<T>(key, text(key));
  }
  std::size_t count(const std::string& key) const {
    const auto value = number<std::int64_t>(key);
    require(value >= 0 && value <= std::ssize(metadata_), key, " has no such entries, got ", value);
    return static_cast<std::size_t>(value);
  }

  Settings settings(const std::string& prefix) const {
    Settings found;
    for (const auto& [name, value] : metadata_) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = value;
    }
    return found;
  }

  // Removes and returns them, without the prefix.
  std::vector<NamedTensor> take_tensors(const std::string& prefix) {
    std::vector<NamedTensor> taken;
    std::erase_if(tensors_, [&](const NamedTensor& entry) {
      if (!entry.name.starts_with(prefix)) return false;
      taken.push_back({entry.name.substr(prefix.size()), entry.tensor});
      return true;
    });
    return taken;
  }

  OptimizerState read_optimizer(std::size_t i) {
    const std::string key = optimizer_key(i);
    OptimizerState state{.name = text(key + "name"),
                         .lr = number<double>(key + "lr"),
                         .options = settings(key + "options."),
                         .steps = {},
                         .tensors = take_tensors(optimizer_prefix(i))};
    const std::string& steps = text(key + "steps");
    for (std::size_t begin = 0; begin < steps.size();) {
      const std::size_t end = std::min(steps.find(',', begin), steps.size());
      state.steps.push_back(parsed<std::int64_t>(key + "steps", steps.substr(begin, end - begin)));
      begin = end + 1;
    }
    return state;
  }

  std::filesystem::path path_;
  Metadata metadata_;
  std::vector<NamedTensor> tensors_;
};

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const NoGradGuard no_grad;
  std::vector<NamedTensor> tensors;
  const auto add = [&](const std::string& prefix, const std::vector<NamedTensor>& from) {
    for (const NamedTensor& entry : from) {
      const std::string name = prefix + entry.name;
      check<ValueError>(entry.tensor.defined(), checkpoint_op, name, " is undefined");
      tensors.push_back({name, entry.tensor.to(Device()).contiguous()});
    }
  };
  for (const NamedTensor& entry : checkpoint.weights)
    check<ValueError>(!is_reserved(entry.name), checkpoint_op, "a weight can't be named \"", entry.name, '"');
  add("", checkpoint.weights);
  for (std::size_t i = 0; i < checkpoint.optimizers.size(); ++i)
    add(optimizer_prefix(i), checkpoint.optimizers[i].tensors);
  add(record_prefix, checkpoint.records);
  Metadata metadata = metadata_of(checkpoint);
  metadata[checksum_key] = checksum_with(tensors, metadata);
  save_safetensors(path, tensors, metadata);
}

std::string checksum(const std::vector<NamedTensor>& tensors) { return checksum_with(tensors, {}); }

Checkpoint load_checkpoint(const std::filesystem::path& path) { return Reader(path).read(); }

void check_settings(const char* caller, const std::filesystem::path& file, const Checkpoint& checkpoint,
                    const Settings& now) {
  const std::string different = differences(checkpoint.settings, now);
  check<ValueError>(different.empty(), caller, file.string(),
                    " is of a run with other settings: ", different);
}

}  // namespace metron
