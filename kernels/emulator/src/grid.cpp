// Cooperative launches: a barrier of all blocks.
#include <algorithm>
#include <string>

#include "device.h"
#include "worker.h"

namespace metron::emulator {

// What the block's shared memory holds now counts as stored before the barrier, by no particular thread.
void Worker::renew(const Shadow& shadow, Range range, Record old_floor) const {
  const auto renewed = [&](Record w) {
    const bool is_of_block = w - old_floor < record::one_block;
    return is_of_block && (w & (record::set | record::parts)) != 0
               ? checker.block_floor | (w & (record::set | record::parts | record::atomic))
               : 0;
  };
  for (std::uintptr_t address = range.begin & ~(word_bytes - 1); address < range.end; address += word_bytes) {
    Cell& cell = shadow.word(address);
    const bool in_parts = (cell.writer & record::parts) != 0;
    cell = {renewed(cell.writer), 0};
    for (std::size_t i = 0; in_parts && i < word_bytes; ++i) {
      Cell& part = shadow.parts(address)[i];
      part = {renewed(part.writer), 0};
    }
  }
}

// All of the block waits at its own barriers, before and after one of its threads waits for the other blocks.
// Every block then gets a new serial number, so that earlier accesses count as those of an earlier launch.
void Worker::grid_barrier(Site site) {
  if (!launch_->cooperative) {
    report({Check::barrier, 0, site,
            "waits for the grid in a kernel that cudaLaunchCooperativeKernel did not launch"});
    abandon_block();
  }
  barrier(Vote::none, false, site);
  if (current_ == 0) {
    const Unchecked runtime;
    Launch& launch = *launch_;
    const auto result =
        launch.grid_barrier.wait([&] { launch.first_serial = launch.device->take_serials(launch.blocks); },
                                 [&] { return must_stop_.load(); });
    if (result == GridBarrier::Result::incomplete)
      report({Check::barrier, 0, site, "waits for the grid, of which another block has returned"});
    if (result != GridBarrier::Result::passed) {
      stop_if_asked();
      abandon_block();
    }
    const Record old_floor = checker.block_floor;
    checker.launch_floor = Record{launch.first_serial} << record::serial_shift;
    checker.block_floor = (launch.first_serial + block_) << record::serial_shift;
    checker.interval_floor = checker.block_floor | Record{time_} << record::time_shift;
    for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes) warp_of(first).floor = 0;
    renew(checker.dynamic,
          {checker.dynamic.memory.begin, checker.dynamic.memory.begin + launch.dynamic_shared}, old_floor);
    if (checker.fixed.words != nullptr) renew(checker.fixed, checker.fixed.memory, old_floor);
    fence_ = 0;
    set_stamp();
  }
  barrier(Vote::none, false, site);
}

}  // namespace metron::emulator
