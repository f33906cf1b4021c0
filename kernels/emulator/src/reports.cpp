// Address lookups and reports of the load and store checks.
#include <algorithm>
#include <string>

#include "memory.h"
#include "worker.h"

namespace metron::emulator {

namespace {

std::string verb(Access access) {
  return access == Access::read ? "loads " : access == Access::write ? "stores " : "updates atomically ";
}
std::string past(Access access) {
  return access == Access::read    ? "loaded it"
         : access == Access::write ? "stored it"
                                   : "updated it atomically";
}
std::string size(std::size_t bytes) { return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes"); }

std::string hexadecimal(std::uintptr_t value) {
  std::string digits;
  do digits.insert(digits.begin(), "0123456789abcdef"[value % 16]);
  while ((value /= 16) != 0);
  return "0x" + digits;
}

std::uintptr_t code_of(const Attempt& attempt) { return reinterpret_cast<std::uintptr_t>(attempt.code); }

}  // namespace

bool Worker::is_in_use(const Attempt& attempt) {
  Checker& c = checker;
  const auto [access, address, bytes, code, widest] = attempt;
  if (c.device.holds(address)) {
    if (!c.live.contains(address, bytes)) c.live = launch_->memory->live_around(address);
    return c.live.contains(address, bytes);
  }
  if (c.dynamic.holds(address)) return address + bytes - c.dynamic.memory.begin <= launch_->dynamic_shared;
  if (c.globals.holds(address)) {
    const GlobalVariable* const variable = launch_->module->global_at(address);
    return variable != nullptr && variable->range.contains(address, bytes);
  }
  if (c.variable.contains(address, bytes)) return true;
  const Unchecked runtime;
  const std::uintptr_t begin = local_begin_;
  const SharedVariable* const variable = launch_->module->variable_at(address - begin);
  if (variable == nullptr) return false;
  const auto index = static_cast<std::size_t>(variable - launch_->module->variables().data());
  if (!touched_[index] && !variable->is_of(launch_->symbol)) {  // declared in a function the kernel calls
    if (launch_->is_of_other_kernel(*variable)) return false;
    touched_[index] = true;
    touched_bytes_ += variable->bytes;
    const std::size_t limit = launch_->options->limits.static_shared;
    if (touched_bytes_ > limit)
      report({Check::launch_limits,
              code_of(attempt),
              {},
              "uses " + size(touched_bytes_) + " of static shared memory, with `" + variable->name() +
                  "`, where a block may have " + std::to_string(limit)});
  }
  c.variable = {begin + variable->offset, begin + variable->offset + variable->bytes};
  return c.variable.contains(address, bytes);
}

bool Worker::synchronized_lanes(Record r) const {
  const std::uint32_t lanes = lane_bit() | 1u << (record::thread_of(r) % warp_lanes);
  const auto& syncs = warp_of(current_).partial_syncs;
  return std::any_of(syncs.begin(), syncs.end(), [&](const auto& sync) {
    return (sync.first & lanes) == lanes && (r & ~record::flags) < sync.second;
  });
}

void Worker::check_outside(const Attempt& attempt) {
  const Unchecked runtime;
  const auto arguments = reinterpret_cast<std::uintptr_t>(launch_->arguments.get());
  Range readable{arguments, arguments + launch_->argument_bytes};
  if (!readable.contains(attempt.address, attempt.bytes)) readable = read_only_image(attempt.address);
  if (!readable.contains(attempt.address, attempt.bytes) && launch_->module != nullptr)
    readable = launch_->module->constants();
  if (attempt.access == Access::read && readable.contains(attempt.address, attempt.bytes)) {
    checker.image = readable;
    return;
  }
  report_address(attempt);
}

// Describes an address in terms of the kernel's source.
std::string Worker::describe(std::uintptr_t address) const {
  if (checker.dynamic.holds(address))
    return "byte " + std::to_string(address - checker.dynamic.memory.begin) + " of dynamic shared memory";
  if (checker.fixed.holds(address)) {
    const std::uintptr_t begin = local_begin_;
    const SharedVariable* const variable = launch_->module->variable_at(address - begin);
    if (variable == nullptr) return "shared memory outside of every variable";
    return "byte " + std::to_string(address - begin - variable->offset) + " of shared `" + variable->name() +
           "`";
  }
  if (checker.globals.holds(address)) {
    const GlobalVariable* const variable = launch_->module->global_at(address);
    if (variable == nullptr) return "an address between the __device__ variables";
    return "byte " + std::to_string(address - variable->range.begin) + " of __device__ `" + variable->name +
           "`";
  }
  const auto found = launch_->memory->find(address);
  if (found == launch_->memory->none()) return "address " + hexadecimal(address);
  return "byte " + std::to_string(static_cast<std::ptrdiff_t>(address - found->first)) +
         " of an allocation of " + size(found->second.bytes);
}

// For a finding about device memory: where it was allocated.
std::uintptr_t Worker::allocation_code(std::uintptr_t address) const {
  if (!checker.device.holds(address)) return 0;
  const auto found = launch_->memory->find(address);
  return found == launch_->memory->none() ? 0 : found->second.code;
}

void Worker::report_address(const Attempt& attempt) {
  const Unchecked runtime;
  const auto [access, address, bytes, code, widest] = attempt;
  Check check = Check::out_of_bounds;
  std::string what = verb(access) + size(bytes) + " at ";
  if (checker.device.holds(address)) {
    const auto found = launch_->memory->find(address);
    const bool inside = found != launch_->memory->none() && address >= found->first &&
                        address - found->first + bytes <= found->second.bytes;
    if (inside) check = Check::use_after_free;
    what += describe(address);
    if (inside)
      what += found->second.freed ? ", which is freed" : ", in a part that its allocator has taken back";
  } else if (checker.dynamic.holds(address)) {
    what += describe(address) + ", of which the launch has " + size(launch_->dynamic_shared);
  } else if (checker.fixed.holds(address)) {
    what += describe(address);
    const std::uintptr_t begin = local_begin_;
    for (std::uintptr_t before = address; before > begin && before > address - 512; --before)
      if (const SharedVariable* const variable = launch_->module->variable_at(before - 1 - begin)) {
        what += ", " + size(address - begin - variable->offset - variable->bytes) + " past the end of `" +
                variable->name() + "`";
        break;
      }
  } else if (checker.globals.holds(address)) {
    what += describe(address);
  } else if (stacks_.all().contains(address, bytes)) {
    what += "a local variable of another thread";
  } else if (address < 4096) {
    what += "a null pointer plus " + std::to_string(address);
  } else {
    what += hexadecimal(address) + ", which is not the device's memory but the host's";
  }
  report({.check = check,
          .code = code_of(attempt),
          .what = std::move(what),
          .allocation_code = allocation_code(address)});
}

void Worker::report_uninitialized(const Attempt& attempt, std::uintptr_t address) {
  const Unchecked runtime;
  report({.check = Check::uninitialized,
          .code = code_of(attempt),
          .what = verb(attempt.access) + size(attempt.bytes) + " at " + describe(address) +
                  ", which nothing has been stored to",
          .allocation_code = allocation_code(address)});
}

void Worker::report_misaligned(const Attempt& attempt, std::size_t alignment) {
  const Unchecked runtime;
  report({Check::misaligned,
          code_of(attempt),
          {},
          verb(attempt.access) + size(attempt.bytes) + " at " + describe(attempt.address) +
              ", where the address is not a multiple of " + std::to_string(alignment)});
}

void Worker::report_race(const Attempt& attempt, std::uintptr_t address, Record other, Access what_it_did) {
  const Unchecked runtime;
  const bool same_block = !is_stale(checker, other);
  RawFinding finding{Check::race,
                     code_of(attempt),
                     {},
                     verb(attempt.access) + size(attempt.bytes) + " at " + describe(address)};
  finding.allocation_code = allocation_code(address);
  // Only the first of several readers is recorded, and it may be the thread itself.
  const bool known = ((other ^ checker.stamp) & record::same_thread) != 0;
  const std::string why = same_block ? ", with no barrier between" : ", and nothing orders the two blocks";
  if (known) {
    finding.has_other = true;
    finding.other = launch_->id(record::serial_of(other) - launch_->first_serial, record::thread_of(other));
    finding.other_what = past(what_it_did) + why;
  } else {
    finding.what += ", which another thread " + past(what_it_did) + why;
  }
  report(std::move(finding));
}

bool Worker::note(RawFinding finding, std::uint32_t thread) {
  const Check check = finding.check;
  if (!launch_->options->has(check)) return false;
  finding.thread = launch_->id(block_, thread);
  launch_->findings.add(std::move(finding));
  return is_fault(check) || launch_->options->stop_at_first;
}

void Worker::report(RawFinding finding) {
  const Unchecked runtime;
  if (note(std::move(finding), current_)) abandon_block();
}

}  // namespace metron::emulator
