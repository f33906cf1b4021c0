#include <metron/core/error.h>
#include <metron/core/profiler.h>
#include <metron/core/profiler_state.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <unordered_set>
#include <utility>

namespace metron {
namespace {

// Where the thread stands. Its address identifies the thread.
struct Position {
  std::int32_t record = -1;  // the innermost open record
  std::int32_t op = -1;      // the innermost open op
  std::int32_t forward = -1;
  std::uint32_t module = 0;
  Phase phase = Phase::forward;
};
thread_local Position here;

std::atomic<Profiler::State*> active{nullptr};

// The running profiler's state if it records this thread.
Profiler::State* recorder() {
  Profiler::State* state = active.load(std::memory_order_acquire);
  return state != nullptr && state->owner == &here ? state : nullptr;
}

std::array<std::unique_ptr<DeviceClock>, Device::type_count>& device_clocks() {
  static std::array<std::unique_ptr<DeviceClock>, Device::type_count> clocks;
  return clocks;
}

DeviceClock* device_clock(Device device) {
  return device_clocks()[static_cast<std::size_t>(device.type())].get();
}

// Calls seen by any profiler of this process: what comes again is warm.
bool is_first_call(const char* slot, const char* provider, std::uint64_t signature) {
  thread_local std::unordered_set<std::uint64_t> seen;
  const auto mix = [](std::uint64_t h, const void* p) {
    return (h ^ reinterpret_cast<std::uintptr_t>(p)) * 0x9E3779B97F4A7C15u;
  };
  return seen.insert(mix(mix(signature, slot), provider)).second;
}

std::int32_t open_record(Profiler::State& state, const char* name) {
  const auto index = static_cast<std::int32_t>(state.records.size());
  Record& record = state.records.emplace_back();
  record.name = name;
  record.parent = std::exchange(here.record, index);
  record.forward = here.forward;
  record.module = here.module;
  record.phase = here.phase;
  record.start = steady_now_ns();
  return index;
}

// An empty op around an empty kernel, as often as a median needs; the records are thrown away.
TimerCost measure_cost() {
  constexpr int repetitions = 400;
  Profiler::State scratch;
  scratch.owner = &here;
  scratch.records.reserve(2 * repetitions);
  Profiler::State* previous = active.exchange(&scratch);
  const Position position = std::exchange(here, Position());
  const Shape image{64, 32, 26, 26}, weight{64, 32, 3, 3};

  std::vector<double> op(repetitions), kernel(repetitions);
  for (int i = 0; i < repetitions; ++i) {
    const std::int64_t start = steady_now_ns();
    { const OpScope scope("cost"); }
    const std::int64_t middle = steady_now_ns();
    {
      KernelTimer timer("cost", Device());
      timer.stop();
      Signature signature;
      signature.add(image, DType::float32);
      signature.add(weight, DType::float32);
      signature.add(image, DType::float32);
      timer.finish("cost", signature, 0, 0);
    }
    const std::int64_t end = steady_now_ns();
    op[static_cast<std::size_t>(i)] = static_cast<double>(middle - start);
    kernel[static_cast<std::size_t>(i)] = static_cast<double>(end - middle);
  }
  active = previous;
  here = position;

  const auto quantile = [](std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
  };
  std::vector<double> op_inside, kernel_inside;
  for (const Record& record : scratch.records)
    (record.provider == nullptr ? op_inside : kernel_inside)
        .push_back(static_cast<double>(record.end - record.start));
  TimerCost cost;
  // A reading of the clock costs what an empty op's record takes inside: each pair above holds one of its
  // own.
  cost.op_inside_ns = quantile(op_inside, 0.5);
  cost.kernel_inside_ns = quantile(kernel_inside, 0.5);
  cost.op_ns = std::max(quantile(op, 0.5) - cost.op_inside_ns, cost.op_inside_ns);
  cost.kernel_ns = std::max(quantile(kernel, 0.5) - cost.op_inside_ns, cost.kernel_inside_ns);
  cost.noise_ns = quantile(op_inside, 0.95);
  return cost;
}

}  // namespace

std::uint64_t next_session() {
  static std::atomic<std::uint64_t> sessions{0};
  return ++sessions;
}

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::forward:
      return "forward";
    case Phase::backward:
      return "backward";
    case Phase::optimizer:
      return "optimizer";
  }
  return "?";
}

void Signature::add(const Shape& shape, DType dtype) {
  if (count < max_operands) operands[static_cast<std::size_t>(count)] = {shape, dtype};
  ++count;
  const auto mix = [this](std::uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15u; };
  mix(static_cast<std::uint64_t>(dtype) << 8 | static_cast<std::uint64_t>(shape.size()));
  for (const std::int64_t size : shape) mix(static_cast<std::uint64_t>(size));
  hash ^= hash >> 29;
}

std::string Signature::to_string() const {
  std::ostringstream out;
  for (int i = 0; i < std::min(count, max_operands); ++i) {
    const Operand& operand = operands[static_cast<std::size_t>(i)];
    out << (i == 0 ? "" : ", ") << name_of(operand.dtype) << ' ' << operand.shape;
  }
  if (count > max_operands) out << ", and " << count - max_operands << " more";
  return out.str();
}

std::uint32_t Profiler::State::intern(const std::string& text) {
  const auto [found, added] = ids.try_emplace(text, static_cast<std::uint32_t>(strings.size()));
  if (added) strings.push_back(text);
  return found->second;
}

std::uint32_t Profiler::State::intern(const Signature& signature) {
  const auto [found, added] = signatures.try_emplace(signature.hash, 0);
  if (added) found->second = intern(signature.to_string());
  return found->second;
}

void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock) {
  device_clocks()[static_cast<std::size_t>(type)] = std::move(clock);
}

Profiler::Profiler() : state_(std::make_unique<State>()) {}

Profiler::~Profiler() {
  if (running()) stop();
}

bool Profiler::running() const { return active.load(std::memory_order_relaxed) == state_.get(); }

void Profiler::start() {
  check<Error>(active.load() == nullptr, "profiler", "one is running already; stop it first");
  detail::active_instruments.fetch_or(instrument_timer);
  state_->cost = measure_cost();
  state_->owner = &here;
  here = Position();
  state_->started = steady_now_ns();
  active.store(state_.get(), std::memory_order_release);
}

void Profiler::stop() {
  if (!running()) return;
  active.store(nullptr, std::memory_order_release);
  detail::active_instruments.fetch_and(~instrument_timer);
  state_->wall_ns += steady_now_ns() - state_->started;
}

void Profiler::clear() {
  check<Error>(!running(), "profiler", "stop it before it is cleared");
  state_->records.clear();
  state_->wall_ns = 0;
  state_->session = next_session();
}

const std::vector<Record>& Profiler::records() const {
  for (Record& record : state_->records) {
    if (record.ticket < 0) continue;
    record.device_ns = device_clock(record.device)->resolve_ns(static_cast<std::uint32_t>(record.ticket));
    record.ticket = -1;
  }
  return state_->records;
}

const std::string& Profiler::string(std::uint32_t id) const { return state_->strings.at(id); }

void OpScope::begin(const char* name) {
  Profiler::State* state = recorder();
  if (state == nullptr) return;
  // The backward of a linear op may be the op itself (dropout, contiguous): one row, not a row inside its
  // twin.
  if (here.phase == Phase::backward && here.op >= 0 && here.op == here.record &&
      std::string_view(state->records[static_cast<std::size_t>(here.op)].name) == name)
    return;
  index_ = open_record(*state, name);
  outer_ = std::exchange(here.op, index_);
}

void OpScope::end() {
  const std::int64_t now = steady_now_ns();
  Profiler::State* state = recorder();
  if (state == nullptr || static_cast<std::size_t>(index_) >= state->records.size())
    return;  // stopped inside
  Record& record = state->records[static_cast<std::size_t>(index_)];
  record.end = now;
  here.record = record.parent;
  here.op = outer_;
}

void ModuleScope::begin(const std::string& name) {
  Profiler::State* state = recorder();
  if (state == nullptr) return;
  const std::string& outer = state->strings[here.module];
  previous_ = here.module;
  here.module = state->intern(outer.empty() ? name : outer + '.' + name);
  active_ = true;
}

void ModuleScope::end() { here.module = previous_; }

PhaseScope::PhaseScope(Phase phase, const RecordPosition& forward)
    : previous_phase_(std::exchange(here.phase, phase)),
      previous_forward_(here.forward),
      previous_module_(here.module) {
  const Profiler::State* state = recorder();
  const bool known = state != nullptr && state->session == forward.session;
  here.forward = known ? forward.op : -1;
  here.module = known ? forward.module : 0;
}

PhaseScope::~PhaseScope() {
  here.phase = previous_phase_;
  here.forward = previous_forward_;
  here.module = previous_module_;
}

RecordPosition current_position() {
  const Profiler::State* state = recorder();
  return state == nullptr ? RecordPosition() : RecordPosition{state->session, here.op, here.module};
}

KernelTimer::KernelTimer(const char* slot, Device device) : device_(device) {
  Profiler::State* state = recorder();
  if (state == nullptr) return;
  index_ = open_record(*state, slot);
  Record& record = state->records[static_cast<std::size_t>(index_)];
  record.device = device.type();
  if (DeviceClock* clock = device_clock(device); clock != nullptr) record.ticket = clock->begin(device);
}

void KernelTimer::stop() {
  if (index_ < 0) return;
  Record& record = recorder()->records[static_cast<std::size_t>(index_)];
  if (record.ticket >= 0) device_clock(device_)->end(device_, static_cast<std::uint32_t>(record.ticket));
  record.end = steady_now_ns();
}

void KernelTimer::finish(const char* provider, const Signature& signature, double bytes, double flops) {
  if (index_ < 0) return;
  Profiler::State& state = *recorder();
  Record& record = state.records[static_cast<std::size_t>(index_)];
  record.provider = provider;
  record.signature = state.intern(signature);
  record.bytes = bytes;
  record.flops = flops;
  record.first = is_first_call(record.name, provider, signature.hash);
  for (std::int32_t i = record.parent; record.first && i >= 0;
       i = state.records[static_cast<std::size_t>(i)].parent)
    state.records[static_cast<std::size_t>(i)].first = true;
  here.record = record.parent;
  index_ = -1;
}

KernelTimer::~KernelTimer() {
  if (index_ < 0) return;
  stop();
  finish("failed", Signature(), 0, 0);
}

}  // namespace metron
