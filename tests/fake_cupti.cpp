// A fake of CUPTI for tests of METRON_CLOCK=cupti: each external region has a kernel whose time follows from
// the region's id, or two kernels with this time together. Records come in small buffers, kernels before the
// correlation that says whose they are, among others that belong to no region and incomplete ones.
#include <metron/core/cuda/cupti.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

using namespace metron::cuda::cupti;

namespace {

constexpr std::size_t record_bytes = 160, records_per_buffer = 7;
constexpr std::int32_t other_correlation = custom_correlation + 1;

BufferRequested request = nullptr;
BufferCompleted complete = nullptr;
std::uint8_t* buffer = nullptr;
std::size_t buffer_bytes = 0, written = 0;
std::uint32_t last_call = 0;
std::map<std::int32_t, std::vector<std::uint64_t>> regions;  // open ones by kind of correlation
std::set<Kind> enabled;

void finish_buffer() {
  if (buffer == nullptr) return;
  complete(nullptr, 0, buffer, buffer_bytes, written);
  buffer = nullptr;
}

template <typename Record>
void write(const Record& record) {
  if (buffer == nullptr) {
    std::size_t max_records = 0;
    request(&buffer, &buffer_bytes, &max_records);
    written = 0;
  }
  std::memset(buffer + written, 0, record_bytes);
  std::memcpy(buffer + written, &record, sizeof record);
  written += record_bytes;
  if (written == records_per_buffer * record_bytes) finish_buffer();
}

// As CUPTI: what a region contains is known from the records of calls, and of the kinds that were enabled.
bool has(Kind kind) { return enabled.contains(kind); }

void write_kernel(std::uint64_t start, std::uint64_t ns, std::uint32_t call) {
  if (!has(Kind::concurrent_kernel)) return;
  Kernel kernel{};
  kernel.kind = static_cast<std::int32_t>(Kind::concurrent_kernel);
  kernel.start = start;
  kernel.end = ns == 0 ? 0 : start + ns;  // incomplete: has not ended
  kernel.correlation = call;
  write(kernel);
}

void write_correlation(std::int32_t kind, std::uint64_t region, std::uint32_t call) {
  if (!has(Kind::external_correlation) || !has(Kind::runtime)) return;
  write(ExternalCorrelation{static_cast<std::int32_t>(Kind::external_correlation), kind, region, call, 0});
}

void write_region(std::uint64_t region) {
  const std::uint64_t start = 1'000'000'000'000'000'000 + region * 10'000, ns = 1000 + 100 * (region % 7);
  const std::uint32_t call = last_call += 3;
  write_kernel(start, 0, call);
  write_kernel(0, 0, call);
  if (region % 3 == 0) {
    write_kernel(start, 400, call);
    write_kernel(start + 500, ns - 400, call + 1);
    write_correlation(custom_correlation, region, call + 1);
  } else {
    write_kernel(start, ns, call);
  }
  write_correlation(other_correlation, region + 1, call);
  write_correlation(custom_correlation, region, call);
  write_kernel(start, 5000, call + 2);  // of no region
}

}  // namespace

extern "C" {

Result cuptiActivityEnable(std::int32_t kind) {
  enabled.insert(static_cast<Kind>(kind));
  return 0;
}
Result cuptiActivityRegisterCallbacks(BufferRequested requested, BufferCompleted completed) {
  request = requested;
  complete = completed;
  return 0;
}
Result cuptiActivityFlushAll(std::uint32_t) {
  finish_buffer();
  return 0;
}
Result cuptiActivityGetNextRecord(std::uint8_t* first, std::size_t valid_bytes, std::uint8_t** record) {
  *record = *record == nullptr ? first : *record + record_bytes;
  return *record < first + valid_bytes ? 0 : 12;  // CUPTI_ERROR_MAX_LIMIT_REACHED
}
Result cuptiActivityPushExternalCorrelationId(std::int32_t kind, std::uint64_t id) {
  regions[kind].push_back(id);
  return 0;
}
Result cuptiActivityPopExternalCorrelationId(std::int32_t kind, std::uint64_t* last) {
  std::vector<std::uint64_t>& open = regions[kind];
  if (open.empty()) return 18;  // CUPTI_ERROR_QUEUE_EMPTY
  *last = open.back();
  open.pop_back();
  if (kind == custom_correlation) write_region(*last);
  return 0;
}
Result cuptiGetResultString(Result, const char** text) {
  *text = "a fake error";
  return 0;
}
}
