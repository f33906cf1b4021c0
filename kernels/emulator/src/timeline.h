// Assigns model time to the operations of streams.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../model.h"
#include "host_clock.h"

struct CUstream_st;

namespace metron::emulator {

struct Launch;

enum class Engine : std::uint8_t { compute, copy_to_device, copy_to_host, stream };

// What an operation takes of the device.
struct Cost {
  Engine engine = Engine::stream;  // `stream`: nothing but its own stream
  std::string name;
  double bytes = 0;
  double ns = 0;
};

// Not thread-safe: protected by the device's lock, except for the host's clock.
class Timeline {
 public:
  HostClock host;

  void set_model(const DeviceModel& model);
  const DeviceModel& model() const { return model_; }
  bool is_on() const { return !model_.name.empty(); }

  // The blocks whose accesses are counted: not the last one, which may be partial, unless there are few.
  static std::vector<std::uint64_t> sampled_blocks(std::uint64_t blocks);
  Cost kernel(const Launch&) const;
  Cost library_call(const std::string& name, double bytes) const;
  Cost copy(Engine engine, double bytes) const;  // between host and device
  Cost copy_on_device(double bytes) const;       // read and written
  Cost memset(double bytes) const;
  Cost event() const;

  // Runs the operation after all earlier ones of its stream and sets the stream's time to its end. Engines
  // run one operation at a time, in the earliest gap that is long enough.
  void place(CUstream_st& stream, const Cost& cost, double submitted_ns);

  double quantized(double time_ns) const;  // as an event reports it

  void keep(bool on);
  const std::vector<ModeledWork>& kept() const { return work_; }

 private:
  using Busy = std::map<double, double>;  // periods by start

  double engine_start(Busy& busy, double earliest, double ns, double now);

  DeviceModel model_;
  std::map<Engine, Busy> engines_;
  bool keeps_ = false;
  std::vector<ModeledWork> work_;
};

}  // namespace metron::emulator
