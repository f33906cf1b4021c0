// Data sheets of GPUs: the rates that a vendor states, for bounds and for the emulator's model of a device.
// Never a measurement.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metron {

// In TFLOP/s, counting a multiply-add as two, dense. 0: the GPU has no such pipe.
struct PeakTflops {
  double fp64 = 0;  // CUDA cores
  double fp32 = 0;
  double fp16 = 0;
  double bf16 = 0;
  double tf32_tensor = 0;  // tensor cores, accumulating in fp32
  double fp16_tensor = 0;
  double bf16_tensor = 0;
};

struct DataSheet {
  std::string name;
  std::string architecture;  // sm_75
  int sms = 0;
  double boost_clock_mhz = 0;
  double memory_gb = 0;
  double bandwidth_gb_per_s = 0;  // of device memory
  double l2_mb = 0;
  PeakTflops tflops;
  double launch_latency_us = 0;    // from the start of an empty kernel to that of the next in the same stream
  double event_resolution_us = 0;  // of the difference between two events
  double event_cost_us = 0;        // of a record
  int copy_engines = 0;
  double pcie_gb_per_s = 0;  // in one direction
  std::string source;        // "TITLE <URL>; TITLE <URL>"
  // What no source states: the field ("tflops.fp64") and where its value is from.
  std::vector<std::pair<std::string, std::string>> assumptions;
};

// Of a known GPU, or of a JSON file with the fields of one entry of gpus.json. What ends in .json or contains
// a slash is a file; else a known name, in which case, spaces, hyphens and a leading "NVIDIA" don't matter,
// comes before a file of that name. ValueError "[data_sheet] ..." for an unknown name (which lists the known
// ones) and for an invalid file (which names the file, the field and the rule), IoError if it can't be read.
DataSheet data_sheet(std::string_view name_or_json_file);
std::vector<std::string> data_sheet_names();

}  // namespace metron
