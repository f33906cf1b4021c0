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
  return *events_.insert(owned_events_.back().get()).first;
}

void Streams::destroy(cudaEvent_t event) {
  run_to(event);
  events_.erase(event);
  std::erase_if(owned_events_, [&](const auto& owned) { return owned.get() == event; });
}

void Streams::enqueue(cudaStream_t stream, std::function<void()> work) {
  stream->queue.push_back({++last_number_, std::move(work)});
  if (++queued_ > max_queue) run_all();
}

void Streams::record(cudaEvent_t event, cudaStream_t stream) {
  const std::uint64_t number = last_number_ + 1;
  event->recorded = number;
  event->stream = stream;
  enqueue(stream, [event, number] {
    event->completed = number;
    event->time = std::chrono::steady_clock::now();
  });
}

void Streams::wait(cudaStream_t stream, cudaEvent_t event) {
  if (is_done(event)) return;
  stream->queue.push_back({++last_number_, [] {}, event->stream, event->recorded});
  ++queued_;
}

void Streams::run(cudaStream_t stream, std::uint64_t up_to) {
  while (!stream->queue.empty() && stream->queue.front().number <= up_to) {
    const auto [number, event_stream, event_number] = std::tuple(
        stream->queue.front().number, stream->queue.front().event_stream, stream->queue.front().event_number);
    if (event_stream != nullptr && streams_.contains(event_stream)) run(event_stream, event_number);
    if (stream->waits_for_default) run_streams_before(stream, number);
    if (stream->queue.empty() || stream->queue.front().number != number) continue;  // discarded by an error
    const auto work = std::move(stream->queue.front().run);
    stream->queue.pop_front();
    --queued_;
    work();
  }
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
  const auto streams = streams_;
  for (const cudaStream_t stream : streams) run(stream);
}

void Streams::discard_all() {
  for (const cudaStream_t stream : streams_) stream->queue.clear();
  queued_ = 0;
}

}  // namespace metron::emulator
