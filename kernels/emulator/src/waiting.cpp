// Violations of barriers and warp operations, and deadlocks.
#include <bit>
#include <string>

#include "worker.h"

namespace metron::emulator {

namespace {

std::string hexadecimal(std::uint32_t mask) {
  std::string digits = "0x00000000";
  for (std::size_t i = digits.size() - 1; mask != 0; --i, mask /= 16)
    digits[i] = "0123456789abcdef"[mask % 16];
  return digits;
}

std::string location(const Site& site) { return tidy_path(site.file) + ":" + std::to_string(site.line); }

}  // namespace

// A finding about the running thread and another one of its block.
RawFinding Worker::between(Check check, Site site, std::string what, std::uint32_t other,
                           std::string other_what) const {
  return {check, 0, site, std::move(what), {}, true, launch_->id(block_, other), std::move(other_what)};
}

void Worker::check_barrier() {
  if (other_at_barrier_ != first_at_barrier_) {
    const std::uint32_t other = other_at_barrier_ == current_ ? first_at_barrier_ : other_at_barrier_;
    const Site here = threads_[current_].site, there = threads_[other].site;
    report(between(Check::barrier, here, "waits at this __syncthreads()", other,
                   "waits at the one in " + location(there) + ": the barrier is in divergent code"));
  } else if (exited_ != 0) {
    std::uint32_t other = 0;
    while (threads_[other].status != Status::exited) ++other;
    report(between(Check::barrier, threads_[current_].site, "waits at __syncthreads()", other,
                   "has returned without reaching it"));
  }
}

void Worker::check_warp_operation(const Warp& warp, std::uint32_t mask, int width, Site site) {
  if ((mask & lane_bit()) == 0)
    report(
        {Check::warp, 0, site, "is in a warp operation whose mask " + hexadecimal(mask) + " leaves it out"});
  if (const std::uint32_t missing = mask & ~warp.lanes; missing != 0)
    report({Check::warp, 0, site,
            "is in a warp operation whose mask " + hexadecimal(mask) +
                " names lanes that the block does not have"});
  if (const std::uint32_t left = mask & warp.exited; left != 0)
    report(between(Check::warp, site, "is in a warp operation with mask " + hexadecimal(mask),
                   current_ / warp_lanes * warp_lanes + static_cast<std::uint32_t>(std::countr_zero(left)),
                   "is named in it, but has returned"));
  if (width < 1 || width > 32 || (width & (width - 1)) != 0)
    report({Check::warp, 0, site,
            "shuffles with a width of " + std::to_string(width) + ", which is no power of two up to 32"});
}

void Worker::report_source(std::uint32_t thread, std::uint32_t source_lane) {
  RawFinding finding{Check::warp, 0, threads_[thread].site,
                     "shuffles from lane " + std::to_string(source_lane) + ", which the mask " +
                         hexadecimal(threads_[thread].mask) + " leaves out: what it gets is undefined"};
  if (note(std::move(finding), thread)) stop_block();
}

// Deadlock: threads wait in warp operations for lanes that have returned or wait elsewhere, or at a barrier
// that others never reach. With the check disabled the waits are dropped.
void Worker::resolve_deadlock() {
  for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes) {
    Warp& warp = warp_of(first);
    if (warp.gatherings.empty()) continue;
    const Gathering gathering = warp.gatherings.front();
    const std::uint32_t waiting = first + static_cast<std::uint32_t>(std::countr_zero(gathering.arrived));
    const std::uint32_t missing =
        first +
        static_cast<std::uint32_t>(std::countr_zero(gathering.mask & warp.lanes & ~gathering.arrived));
    const Thread& other = threads_[missing];
    const std::string where = other.status == Status::exited ? "has returned"
                              : other.status == Status::at_barrier
                                  ? "waits at __syncthreads() in " + location(other.site)
                                  : "waits in the warp operation with mask " + hexadecimal(other.mask) +
                                        " in " + location(other.site);
    if (note(between(Check::warp, threads_[waiting].site,
                     "waits in a warp operation with mask " + hexadecimal(gathering.mask), missing,
                     "is named in it, but " + where),
             waiting))
      return stop_block();
    warp.gatherings.erase(warp.gatherings.begin());
    return complete(first, gathering);
  }
  std::uint32_t returned = 0;
  while (threads_[returned].status != Status::exited) ++returned;
  if (note(between(Check::barrier, threads_[first_at_barrier_].site, "waits at __syncthreads()", returned,
                   "has returned without reaching it"),
           first_at_barrier_))
    return stop_block();
  current_ = max_threads;  // none: all waiting threads become ready
  complete_barrier();
}

void Worker::stop_block() {
  abandoned_ = true;
  launch_->abandoned = true;
}

}  // namespace metron::emulator
