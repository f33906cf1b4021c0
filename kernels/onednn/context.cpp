#include <metron/core/allocator.h>
#include <metron/core/error.h>
#include <metron/core/storage.h>
#include <metron/kernels/onednn/context.h>

#include <algorithm>
#include <limits>

namespace metron::onednn {
namespace {

// Evicted calls are cheap to rebuild: oneDNN's primitive cache holds 1024 primitives.
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

void Call::add(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required,
               bool is_output) {
  Operand operand;
  operand.stored = dnnl::memory(stored, engine(), DNNL_MEMORY_NONE);
  operand.required = operand.stored;
  operand.is_output = is_output;
  if (stored != required) {
    operand.required = dnnl::memory(required, engine(), DNNL_MEMORY_NONE);
    operand.scratch = aligned(required.get_size());
    operand.reorder = is_output ? dnnl::reorder(operand.required, operand.stored)
                                : dnnl::reorder(operand.stored, operand.required);
  }
  scratch_ += operand.scratch;
  arguments_.emplace(argument, operand.required);
  operands_.push_back(std::move(operand));
}

void Call::input(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required) {
  add(argument, stored, required, false);
}

void Call::output(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required) {
  add(argument, stored, required, true);
}

void Call::run(std::initializer_list<const void*> addresses) {
  try {
    const detail::FixedTeam team(threads_);
    const Storage scratch(scratch_, Device());
    auto* unused = static_cast<std::byte*>(scratch.data());
    const void* const* address = addresses.begin();
    for (Operand& operand : operands_) {
      operand.stored.set_data_handle(const_cast<void*>(*address++));
      if (operand.scratch == 0) continue;
      operand.required.set_data_handle(unused);
      unused += operand.scratch;
      if (!operand.is_output) operand.reorder.execute(stream(), operand.stored, operand.required);
    }
    primitive_.execute(stream(), arguments_);
    for (Operand& operand : operands_) {
      if (operand.scratch != 0 && operand.is_output)
        operand.reorder.execute(stream(), operand.required, operand.stored);
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
