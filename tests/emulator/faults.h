// Planted faults: small kernels of different shapes, each with one bug. Lines that a finding may report, from
// either thread, are marked "fault: <name>".
#pragma once

#include <metron/kernels/emulator/emulator.h>

#include <ostream>
#include <string>
#include <vector>

#include "launch.h"

struct Fault {
  std::string name;
  metron::emulator::Check check;
  std::string kernel;  // or the rejected call
  void (*plant)();     // ends with the work queued or executed
  std::string file;    // empty: the fault is in a host call
};
inline std::ostream& operator<<(std::ostream& stream, const Fault& fault) { return stream << fault.name; }

std::vector<Fault> address_faults();
std::vector<Fault> null_pointer_faults();
std::vector<Fault> value_faults();
std::vector<Fault> race_faults();
std::vector<Fault> waiting_faults();
std::vector<Fault> host_faults();
