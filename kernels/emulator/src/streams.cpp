#include "streams.h"

#include <algorithm>
#include <tuple>

namespace metron::emulator {

namespace {

constexpr std::size_t max_queue = 4096;  // over all streams

}  // namespace

cudaStream_t Streams::create(bool waits_for_default) {
  owned_.push_back(std::make_unique<CUstream_st>());
  owned_.back()->waits_for_default = waits_for_default;
  return *streams_.insert(owned_.back().get()).first;
}

void Streams::destroy(cudaStream_t stream) {
  run(stream);
  streams_.erase(stream);
  std::erase_if(owned_, [&](const auto& owned) { return owned.get() == stream; });
}

cudaStream_t Streams::find(cudaStream_t stream) {
  if (stream == nullptr) return &default_;
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : *found;
}

cudaEvent_t Streams::create_event(bool timed) {
  owned_events_.push_back(std::make_unique<CUevent_st>());
  owned_events_.back()->timed = timed;
  ++created_events_;
  return *events_.insert(owned_events_.back().get()).first;
}

void Streams::destroy(cudaEvent_t event) {
  run_to(event);
  events_.erase(event);
  std::erase_if(owned_events_, [&](const auto& owned) { return owned.get() == event; });
}

void Streams::push(cudaStream_t stream, CUstream_st::Operation operation) {
  operation.number = ++last_number_;
  if (timeline_.is_on()) {
    operation.submitted_ns = static_cast<double>(timeline_.host.now());
    if (operation.cost != nullptr) timeline_.host.note_call();
  }
  stream->queue.push_back(std::move(operation));
  ++queued_;
}

void Streams::enqueue(cudaStream_t stream, std::function<void()> work, std::function<Cost()> cost) {
  push(stream, {.number = 0, .run = std::move(work), .cost = std::move(cost)});
  if (queued_ > max_queue) run_all();
}

void Streams::record(cudaEvent_t event, cudaStream_t stream) {
  const std::uint64_t number = last_number_ + 1;
  event->recorded = number;
  event->stream = stream;
  push(stream, {.number = 0,
                .run =
                    [event, number] {
                      event->completed = number;
                      event->time = std::chrono::steady_clock::now();
                    },
                .cost = [this] { return timeline_.event(); },
                .event = event});
  if (queued_ > max_queue) run_all();
}

void Streams::wait(cudaStream_t stream, cudaEvent_t event) {
  if (event->recorded == 0 || (is_done(event) && !timeline_.is_on())) return;
  push(stream, {.number = 0,
                .run = [stream, event] { stream->model_ns = std::max(stream->model_ns, event->model_ns); },
                .event_stream = event->stream,
                .event_number = event->recorded});
}

void Streams::run(cudaStream_t stream, std::uint64_t up_to) {
  const HostClock::Emulation emulation(timeline_.host);
  if (timeline_.is_on())
    return run_in_order(stream->queue.empty() ? 0 : std::min(up_to, stream->queue.back().number));
  while (!stream->queue.empty() && stream->queue.front().number <= up_to) {
    const auto [number, event_stream, event_number] = std::tuple(
        stream->queue.front().number, stream->queue.front().event_stream, stream->queue.front().event_number);
    if (event_stream != nullptr && streams_.contains(event_stream)) run(event_stream, event_number);
    if (stream->waits_for_default) run_streams_before(stream, number);
    if (stream->queue.empty() || stream->queue.front().number != number) continue;  // discarded by an error
    run_next(stream);
  }
}

void Streams::run_next(cudaStream_t stream) {
  const CUstream_st::Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  --queued_;
  operation.run();
  if (!timeline_.is_on()) return;
  if (stream->waits_for_default)
    stream->model_ns = std::max(stream->model_ns, stream == &default_ ? blocking_ns() : default_.model_ns);
  if (operation.cost != nullptr) timeline_.place(*stream, operation.cost(), operation.submitted_ns);
  if (operation.event != nullptr) operation.event->model_ns = stream->model_ns;
}

// In the order in which they were enqueued, so that engines are first come, first served.
void Streams::run_in_order(std::uint64_t up_to) {
  while (true) {
    cudaStream_t next = nullptr;
    for (const cudaStream_t stream : streams_) {
      if (stream->queue.empty() || stream->queue.front().number > up_to) continue;
      if (next == nullptr || stream->queue.front().number < next->queue.front().number) next = stream;
    }
    if (next == nullptr) return;
    run_next(next);
  }
}

double Streams::blocking_ns() const {
  double last = 0;
  for (const cudaStream_t stream : streams_)
    if (stream->waits_for_default) last = std::max(last, stream->model_ns);
  return last;
}

double Streams::model_ns() const {
  double last = 0;
  for (const cudaStream_t stream : streams_) last = std::max(last, stream->model_ns);
  return last;
}

bool Streams::is_done(cudaEvent_t event) const {
  return event->recorded == 0 || !streams_.contains(event->stream) || event->stream->queue.empty() ||
         event->stream->queue.front().number > event->recorded;
}

void Streams::run_to(cudaEvent_t event) {
  if (!is_done(event)) run(event->stream, event->recorded);
}

// The default stream synchronizes with all blocking streams, in both directions.
void Streams::run_streams_before(cudaStream_t stream, std::uint64_t number) {
  if (stream != &default_) return run(&default_, number);
  const auto streams = streams_;
  for (const cudaStream_t other : streams)
    if (other != &default_ && other->waits_for_default) run(other, number);
}

void Streams::run_all() {
  if (timeline_.is_on()) {
    const HostClock::Emulation emulation(timeline_.host);
    return run_in_order(last_number_);
  }
  const auto streams = streams_;
  for (const cudaStream_t stream : streams) run(stream);
}

void Streams::restart_model() {
  for (const cudaStream_t stream : streams_) stream->model_ns = 0;
  for (const cudaEvent_t event : events_) event->model_ns = 0;
}

void Streams::discard_all() {
  for (const cudaStream_t stream : streams_) stream->queue.clear();
  queued_ = 0;
}

}  // namespace metron::emulator
