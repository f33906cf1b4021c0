#include <metron/core/allocator.h>
#include <metron/core/error.h>
#include <metron/core/storage.h>
#include <metron/kernels/onednn/context.h>

#include <algorithm>
#include <limits>

namespace metron::onednn {
namespace {

// oneDNN's own cache holds 1024 primitives, so a call that was dropped is cheap to make again.
constexpr std::size_t max_calls = 512;

dnnl::stream& stream() {
  thread_local dnnl::stream of_this_thread(engine());
  return of_this_thread;
}

std::size_t aligned(std::size_t bytes) {
  return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

bool supports(std::initializer_list<const Tensor*> operands) {
  return std::all_of(operands.begin(), operands.end(), [](const Tensor* tensor) {
    return !tensor->defined() || (tensor->dtype() == DType::float32 && tensor->numel() > 0 &&
                                  tensor->numel() <= std::numeric_limits<std::int32_t>::max());
  });
}

Key& Key::operator<<(const Dims& dims) {
  *this << dims.size();
  for (const std::int64_t value : dims) *this << value;
  return *this;
}

std::size_t Key::Hash::operator()(const Key& key) const {
  std::uint64_t hash = key.count_;
  for (std::size_t i = 0; i < key.count_; ++i) {
    hash = (hash ^ static_cast<std::uint64_t>(key.values_[i])) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

void Call::add(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted,
               bool is_output) {
  Operand operand;
  operand.given = dnnl::memory(given, engine(), DNNL_MEMORY_NONE);
  operand.wanted = operand.given;
  operand.is_output = is_output;
  if (given != wanted) {
    operand.wanted = dnnl::memory(wanted, engine(), DNNL_MEMORY_NONE);
    operand.scratch = aligned(wanted.get_size());
    operand.reorder = is_output ? dnnl::reorder(operand.wanted, operand.given)
                                : dnnl::reorder(operand.given, operand.wanted);
  }
  scratch_ += operand.scratch;
  arguments_.emplace(argument, operand.wanted);
  operands_.push_back(std::move(operand));
}

void Call::input(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted) {
  add(argument, given, wanted, false);
}

void Call::output(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted) {
  add(argument, given, wanted, true);
}

void Call::run(std::initializer_list<const void*> addresses) {
  try {
    const detail::FixedTeam team(threads_);
    const Storage scratch(scratch_, Device());
    auto* unused = static_cast<std::byte*>(scratch.data());
    const void* const* address = addresses.begin();
    for (Operand& operand : operands_) {
      operand.given.set_data_handle(const_cast<void*>(*address++));
      if (operand.scratch == 0) continue;
      operand.wanted.set_data_handle(unused);
      unused += operand.scratch;
      if (!operand.is_output) operand.reorder.execute(stream(), operand.given, operand.wanted);
    }
    primitive_.execute(stream(), arguments_);
    for (Operand& operand : operands_) {
      if (operand.scratch != 0 && operand.is_output)
        operand.reorder.execute(stream(), operand.wanted, operand.given);
    }
  } catch (const dnnl::error& error) {
    fail<ProviderError>("onednn", "a primitive failed: ", error.what());
  }
}

CallCache& CallCache::of_this_thread() {
  thread_local CallCache cache;
  return cache;
}

Call* CallCache::insert(const Key& key, std::unique_ptr<Call> call) {
  if (calls_.size() >= max_calls) calls_.clear();
  if (call != nullptr) call->threads_ = key.threads();
  return calls_.emplace(key, std::move(call)).first->second.get();
}

}  // namespace metron::onednn
