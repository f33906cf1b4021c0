#include <bit>
#include <cstdlib>
#include <limits>
#include <metron/kernels/cuda/index.cuh>

namespace metron::cuda {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();

// The distance in memory that any operand spans along dimension d.
std::int64_t reach(const LoopNest& nest, std::size_t dimension, int operands) {
  std::int64_t furthest = 0;
  for (int k = 0; k < operands; ++k)
    furthest = std::max(furthest, std::abs(nest.strides[dimension][static_cast<std::size_t>(k)]));
  return furthest * (nest.sizes[dimension] - 1);
}

}  // namespace

template <int operands>
NestIndex<operands>::NestIndex(const LoopNest& nest) : rank_(nest.rank), strides_{} {
  for (int d = 0; d < rank_; ++d) {
    const auto u = static_cast<std::size_t>(d);
    sizes_[d] = Divisor(nest.sizes[u]);
    for (int k = 0; k < operands; ++k)
      strides_[d][k] = static_cast<std::int32_t>(nest.strides[u][static_cast<std::size_t>(k)]);
  }
}
template class NestIndex<1>;
template class NestIndex<2>;
template class NestIndex<3>;
template class NestIndex<4>;

bool fits_index(const LoopNest& nest, int operands) {
  if (nest.numel > largest) return false;
  for (std::size_t k = 0; k < static_cast<std::size_t>(operands); ++k) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d)
      offset += std::abs(nest.strides[d][k]) * (nest.sizes[d] - 1);
    if (offset > largest) return false;
  }
  return true;
}

NestHalves halve(const LoopNest& nest, int operands) {
  std::size_t longest = 0;
  for (std::size_t d = 1; d < static_cast<std::size_t>(nest.rank); ++d) {
    const std::int64_t one = reach(nest, d, operands), other = reach(nest, longest, operands);
    if (one > other || (one == other && nest.sizes[d] > nest.sizes[longest])) longest = d;
  }
  const std::int64_t size = nest.sizes[longest];
  // Cuts at a power of two to preserve alignment.
  const auto cut = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size - 1)));
  NestHalves halves{nest, nest, {}};
  halves.first.sizes[longest] = cut;
  halves.second.sizes[longest] = size - cut;
  halves.first.numel = nest.numel / size * cut;
  halves.second.numel = nest.numel - halves.first.numel;
  for (std::size_t k = 0; k < max_operands; ++k) halves.offsets[k] = nest.strides[longest][k] * cut;
  return halves;
}

std::optional<PackedNest> packed_nest(const LoopNest& nest, std::span<const NestOperand> operands,
                                      int count) {
  PackedNest result(nest);
  std::optional<std::int64_t> lane;  // of the operands' first element within its pack
  for (std::size_t k = 0; k < operands.size(); ++k) {
    const std::int64_t stride = nest.strides[0][k];
    if (stride == 0 && k > 0) {
      result.constants |= 1u << k;
      continue;
    }
    if (stride != 1) return std::nullopt;
    const auto address = std::bit_cast<std::uintptr_t>(operands[k].address);
    const auto operand_lane = static_cast<std::int64_t>(address / operands[k].element_bytes) % count;
    if (lane.value_or(operand_lane) != operand_lane) return std::nullopt;
    lane = operand_lane;
    for (std::size_t d = 1; d < static_cast<std::size_t>(nest.rank); ++d)
      if (nest.strides[d][k] % count != 0) return std::nullopt;
  }
  const std::int64_t size = nest.sizes[0];
  const std::int64_t head = std::min((count - *lane) % count, size);
  const std::int64_t packs = (size - head) / count, edges = size - packs * count;
  if (nest.rank > 1 && edges > 0) return std::nullopt;

  result.packs.sizes[0] = std::max<std::int64_t>(packs, 1);
  result.packs.numel = nest.numel / size * packs;
  for (std::int64_t& stride : result.packs.strides[0]) stride *= count;
  result.count = static_cast<std::uint32_t>(result.packs.numel);
  result.head = static_cast<std::uint32_t>(head);
  result.edges = static_cast<std::uint32_t>(edges);
  return result;
}

void for_each_packed_part(const LoopNest& nest, std::span<const NestOperand> operands, int indices, int count,
                          void (*call)(const void* body, const PackedPart& part), const void* body) {
  const int all = static_cast<int>(operands.size()) + indices;
  for_each_part(nest, all, [&](const LoopNest& part, const PartOffsets& offsets) {
    std::array<NestOperand, max_operands> first{};
    for (std::size_t k = 0; k < operands.size(); ++k) {
      const std::size_t bytes = operands[k].element_bytes;
      first[k] = {
          static_cast<const char*>(operands[k].address) + offsets[k] * static_cast<std::int64_t>(bytes),
          bytes};
    }
    std::optional<PackedNest> packed;
    if (count > 1) packed = packed_nest(part, std::span(first).first(operands.size()), count);
    PackedPart result{part, packed.value_or(PackedNest(part)), packed.has_value(), offsets, {}};
    for (std::size_t k = 0; k < operands.size(); ++k) {
      const bool is_constant = (result.packed.constants >> k & 1) != 0;
      result.starts[k] = static_cast<const char*>(first[k].address) +
                         (is_constant ? 0 : result.packed.head * first[k].element_bytes);
    }
    call(body, result);
  });
}

}  // namespace metron::cuda
