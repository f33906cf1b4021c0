#include "../library_calls.h"

#include <cstdint>
#include <utility>

#include "device.h"
#include "shadow.h"

namespace metron::emulator {
namespace {

const Shadow& shadow() {
  static const Shadow all = device_shadow(Memory::region_begin + Memory::region_bytes);
  return all;
}

Range run_of(const LibraryOperand& operand, std::size_t index) {
  const auto begin = reinterpret_cast<std::uintptr_t>(operand.begin) + index * operand.stride_bytes;
  return {begin, begin + operand.run_bytes};
}

// The first uninitialized byte of the range, or its end.
std::uintptr_t first_unset(Range range) {
  for (std::uintptr_t address = range.begin; address < range.end;) {
    const bool whole_word = address % word_bytes == 0 && range.end - address >= word_bytes &&
                            (shadow().word(address).writer & record::parts) == 0;
    if (!shadow().is_set(address)) return address;
    address += whole_word ? word_bytes : 1;
  }
  return range.end;
}

// The violation of an operand, or nothing.
std::string fault_of(const Device& device, const LibraryOperand& operand) {
  if (operand.run_bytes == 0) return {};
  for (std::size_t i = 0; i < operand.runs; ++i) {
    const Range run = run_of(operand, i);
    const Range live =
        device.memory.is_device(operand.begin) ? device.memory.live_around(run.begin) : Range{};
    const std::string where = std::to_string(operand.run_bytes) + " bytes of " + operand.name +
                              " from byte " + std::to_string(i * operand.stride_bytes) + " on";
    if (!live.contains(run.begin, operand.run_bytes)) return where + " are not in allocated device memory";
    if (!operand.read) continue;
    const std::uintptr_t unset = first_unset(run);
    if (unset != run.end)
      return "reads byte " + std::to_string(unset - reinterpret_cast<std::uintptr_t>(operand.begin)) +
             " of " + operand.name + ", which is uninitialized";
  }
  return {};
}

}  // namespace

std::size_t LibraryOperand::extent() const {
  return runs == 0 || run_bytes == 0 ? 0 : (runs - 1) * stride_bytes + run_bytes;
}

bool enqueue_library_call(CUstream_st* stream, std::string name, std::vector<LibraryOperand> operands,
                          std::function<void()> work, bool continued) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return false;
  if (!continued) ++device.calls.launches;
  double bytes = 0;
  for (const LibraryOperand& operand : operands)
    bytes += static_cast<double>(operand.run_bytes) * static_cast<double>(operand.runs) *
             (operand.read && operand.written ? 2 : 1);
  const auto cost = [&timeline = device.timeline, name, bytes] { return timeline.library_call(name, bytes); };
  device.streams.enqueue(
      queue,
      [&device, name = std::move(name), operands = std::move(operands), work = std::move(work)] {
        if (device.has_fault()) return;
        for (const LibraryOperand& operand : operands) {
          const std::string fault = fault_of(device, operand);
          if (!fault.empty()) return device.fail_call(name.c_str(), fault);
        }
        work();
        for (const LibraryOperand& operand : operands) {
          for (std::size_t i = 0; operand.written && i < operand.runs; ++i)
            shadow().mark_set(run_of(operand, i));
        }
      },
      cost);
  return true;
}

void refuse_library_call(const std::string& name, const std::string& rule) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.refuse(cudaErrorInvalidValue, Check::host_call, name, rule);
}

}  // namespace metron::emulator
