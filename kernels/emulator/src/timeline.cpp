#include "timeline.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "streams.h"

namespace metron::emulator {

void Timeline::set_model(const DeviceModel& model) {
  model_ = model;
  engines_.clear();
  work_.clear();
  host.use_real();
}

Cost Timeline::copy(Engine engine, double bytes) const {
  const bool in = engine == Engine::copy_to_device;
  const Engine used = model_.copy_engines > 1 ? engine : Engine::copy_to_device;
  return {used, in ? "copy to device" : "copy to host", bytes,
          model_.launch_ns + bytes / model_.copy_bytes_per_second * 1e9};
}

Cost Timeline::copy_on_device(double bytes) const {
  return {Engine::compute, "copy", 2 * bytes, model_.launch_ns + 2 * bytes / model_.bytes_per_second * 1e9};
}

Cost Timeline::memset(double bytes) const {
  return {Engine::compute, "memset", bytes, model_.launch_ns + bytes / model_.bytes_per_second * 1e9};
}

Cost Timeline::event() const { return {Engine::stream, "event", 0, model_.event_ns}; }

void Timeline::place(CUstream_st& stream, const Cost& cost, double submitted_ns) {
  double start = std::max(stream.model_ns, submitted_ns + model_.submit_ns);
  if (cost.engine != Engine::stream)
    start = engine_start(engines_[cost.engine], start, cost.ns, static_cast<double>(host.now()));
  stream.model_ns = start + cost.ns;
  if (keeps_) work_.push_back({cost.name, cost.bytes, submitted_ns, start, stream.model_ns});
}

double Timeline::engine_start(Busy& busy, double earliest, double ns, double now) {
  // What ends before now can't delay work that is enqueued later; a second covers what is queued already.
  while (!busy.empty() && busy.begin()->second < std::min(now, earliest) - 1e9) busy.erase(busy.begin());
  double start = earliest;
  auto next = busy.upper_bound(start);
  if (next != busy.begin()) start = std::max(start, std::prev(next)->second);
  for (; next != busy.end() && next->first < start + ns; ++next) start = std::max(start, next->second);
  busy[start] = start + ns;
  return start;
}

double Timeline::quantized(double time_ns) const {
  return std::floor(time_ns / model_.event_resolution_ns) * model_.event_resolution_ns;
}

void Timeline::keep(bool on) {
  keeps_ = on;
  work_.clear();
}

}  // namespace metron::emulator
