// Shuffles, votes and __syncwarp: lanes gather until all lanes of the mask have arrived.
#include <algorithm>
#include <bit>

#include "worker.h"

namespace metron::emulator {

namespace {

// The source lane of a shuffle, or `lane` itself.
std::uint32_t source_lane(const Thread& thread, std::uint32_t lane) {
  const std::uint32_t width = static_cast<std::uint32_t>(thread.width), first = lane & ~(width - 1),
                      last = first + width - 1;
  switch (thread.op) {
    case WarpOp::shuffle:
      return first + (thread.operand & (width - 1));
    case WarpOp::shuffle_up:
      return thread.operand > lane - first ? lane : lane - thread.operand;
    case WarpOp::shuffle_down:
      return thread.operand > last - lane ? lane : lane + thread.operand;
    default: {
      const std::uint32_t source = lane ^ (thread.operand & (warp_lanes - 1));
      return source > last ? lane : source;
    }
  }
}

bool is_shuffle(WarpOp op) { return op >= WarpOp::shuffle && op <= WarpOp::shuffle_xor; }

std::uint32_t combine(WarpOp op, std::uint32_t a, std::uint32_t b) {
  switch (op) {
    case WarpOp::reduce_add:
      return a + b;
    case WarpOp::reduce_min:
      return std::min(a, b);
    case WarpOp::reduce_max:
      return std::max(a, b);
    case WarpOp::reduce_min_signed:
      return static_cast<std::uint32_t>(std::min(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)));
    case WarpOp::reduce_max_signed:
      return static_cast<std::uint32_t>(std::max(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)));
    case WarpOp::reduce_and:
      return a & b;
    case WarpOp::reduce_or:
      return a | b;
    default:
      return a ^ b;
  }
}

template <class Body>
void for_each_lane(std::uint32_t lanes, const Body& body) {
  for (; lanes != 0; lanes &= lanes - 1) body(static_cast<std::uint32_t>(std::countr_zero(lanes)));
}

// Votes, matches and reductions: the result of `lane`, given all operands.
std::uint64_t collective(WarpOp op, const Thread* warp, std::uint32_t lanes, std::uint32_t lane) {
  std::uint32_t same = 0, set = 0;
  for_each_lane(lanes, [&](std::uint32_t l) {
    same |= static_cast<std::uint32_t>(warp[l].value == warp[lane].value) << l;
    set |= static_cast<std::uint32_t>(warp[l].value != 0) << l;
  });
  switch (op) {
    case WarpOp::ballot:
      return set;
    case WarpOp::any:
      return set != 0;
    case WarpOp::all:
      return set == lanes;
    case WarpOp::match_any:
      return same;
    case WarpOp::match_all:
      return same == lanes ? lanes : 0;
    case WarpOp::sync:
      return 0;
    default: {
      const auto first = static_cast<std::uint32_t>(std::countr_zero(lanes));
      auto result = static_cast<std::uint32_t>(warp[first].value);
      for_each_lane(lanes & ~(1u << first), [&](std::uint32_t l) {
        result = combine(op, result, static_cast<std::uint32_t>(warp[l].value));
      });
      return result;
    }
  }
}

}  // namespace

std::uint64_t Worker::warp_operation(WarpOp op, std::uint32_t mask, std::uint64_t value,
                                     std::uint32_t operand, int width, Site site) {
  Thread& self = threads_[current_];
  Warp& warp = warp_of(current_);
  check_warp_operation(warp, mask, width, site);
  self.op = op;
  self.mask = mask;
  self.value = value;
  self.operand = operand;
  self.width = width;
  self.site = site;
  const std::uint32_t expected = (mask & warp.lanes & ~warp.exited) | lane_bit();

  auto gathering = std::find_if(warp.gatherings.begin(), warp.gatherings.end(), [&](const Gathering& g) {
    return g.op == op && g.mask == mask && g.site.line == site.line && g.site.file == site.file;
  });
  if (gathering == warp.gatherings.end()) gathering = warp.gatherings.insert(gathering, {op, mask, site, 0});
  gathering->arrived |= lane_bit();
  if (gathering->arrived == expected) {
    const Gathering complete_one = *gathering;
    warp.gatherings.erase(gathering);
    complete(current_ / warp_lanes * warp_lanes, complete_one);
    if (abandoned_) abandon_block();
    set_stamp();
  } else {
    self.status = Status::at_warp_operation;
    resume_next();
  }
  return self.result;
}

// Computes every lane's result and makes all lanes ready except the running one.
void Worker::complete(std::uint32_t first_thread, const Gathering& gathering) {
  Thread* const warp = &threads_[first_thread];
  const bool shuffle = is_shuffle(gathering.op);
  const bool alike = !shuffle && gathering.op != WarpOp::match_any;
  std::uint64_t common = 0;
  if (alike)
    common = collective(gathering.op, warp, gathering.arrived,
                        static_cast<std::uint32_t>(std::countr_zero(gathering.arrived)));
  for_each_lane(gathering.arrived, [&](std::uint32_t lane) {
    if (shuffle) {
      const std::uint32_t source = source_lane(warp[lane], lane);
      if ((gathering.arrived >> source & 1) == 0) report_source(first_thread + lane, source);
      warp[lane].result = warp[source].value;
    } else {
      warp[lane].result = alike ? common : collective(gathering.op, warp, gathering.arrived, lane);
    }
  });
  const Warp& whole = warp_of(first_thread);
  if (is_counted()) {
    const Unchecked runtime;
    counting_.warp_operation();
    if (gathering.arrived == (whole.lanes & ~whole.exited)) counting_.end_interval(first_thread, warp_lanes);
  }
  if (gathering.op == WarpOp::sync) {
    advance_time();
    Warp& synchronized = warp_of(first_thread);
    const Record now = checker.block_floor | Record{time_} << record::time_shift;
    if (gathering.arrived == (synchronized.lanes & ~synchronized.exited))
      synchronized.floor = now;
    else
      synchronized.partial_syncs.emplace_back(gathering.arrived, now);
  }
  for_each_lane(gathering.arrived, [&](std::uint32_t lane) {
    if (warp[lane].status != Status::at_warp_operation) return;
    warp[lane].status = Status::ready;
    push_ready(first_thread + lane);
  });
}

}  // namespace metron::emulator
