#include <metron/core/io/safetensors.h>
#include <metron/core/parallel.h>
#include <metron/metron.h>
#include <metron/tools/report/measure/pass.h>

#include <vector>

namespace metron::report {
namespace {

constexpr char images_name[] = "batch.images", labels_name[] = "batch.labels";

Tensor take(std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const NamedTensor& named) { return named.name == name; });
  check<IoError>(found != tensors.end(), "report", "the input of the pass has no ", name);
  Tensor tensor = found->tensor;
  tensors.erase(found);
  return tensor;
}

}  // namespace

void save_pass_input(const std::filesystem::path& path, const Tensor& images, const Tensor& labels,
                     std::span<const NamedTensor> state) {
  std::vector<NamedTensor> tensors(state.begin(), state.end());
  tensors.push_back({images_name, images});
  tensors.push_back({labels_name, labels});
  save_safetensors(path, tensors);
}

void run_pass(const PassOptions& o) {
  if (o.threads > 0) set_num_threads(o.threads);
  if (!o.providers.empty()) set_providers(o.providers);
  const Device device(o.device);
  manual_seed(o.seed);
  models::MnistCnn net(o.sizes);
  std::vector<NamedTensor> tensors = load_safetensors(o.input);
  const Tensor images = take(tensors, images_name).to(device), labels = take(tensors, labels_name).to(device);
  net.load_state(tensors);
  net.to(device);
  net.train();
  Adadelta optimizer(net.parameters(), {});

  const auto train_step = [&] {
    optimizer.zero_grad();
    nll_loss(net(images), labels).backward();
    optimizer.step();
  };
  Backend& memory = backend(device);
  const auto measure = [&](const Schedule& schedule, const auto& step, const char* file) {
    memory.synchronize(device.index());
    Profiler profiler(schedule);
    profiler.start();
    while (profiler.running()) {
      step();
      memory.synchronize(device.index());
      profiler.step();
    }
    save_profile(profiler.profile(), o.out / file);
  };
  if (o.forward_only) {
    measure(
        {.active = 1}, [&] { net(images); }, "cold.json");
  } else {
    measure({.active = 1}, train_step, "cold.json");
  }
  if (o.steps > 0) measure({.warmup = o.warmup, .active = o.steps}, train_step, "warm.json");
}

}  // namespace metron::report
