// The part of CUPTI's activity interface that the clock uses, as CUDA 11 to 13 have it: CUPTI is opened at
// run time, and its headers need not be installed. tests/cupti_layout.cpp compares it with them where they
// are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace metron::cuda::cupti {

using Result = std::int32_t;  // 0: success
enum class Kind : std::int32_t {
  memcpy = 1,
  memset = 2,
  driver = 4,   // calls of the driver, and
  runtime = 5,  // of the runtime: correlation ids are those of calls
  concurrent_kernel = 10,
  external_correlation = 39
};
inline constexpr std::int32_t custom_correlation = 3;  // CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0
inline constexpr std::uint32_t flush_forced = 1;

// The first members of the records.
struct Kernel {
  std::int32_t kind;
  std::uint8_t cache_config, shared_memory_config;
  std::uint16_t registers_per_thread;
  std::int32_t partitioned_cache_requested, partitioned_cache_executed;
  std::uint64_t start, end;  // in ns
  std::uint64_t completed;
  std::uint32_t device, context, stream;
  std::int32_t grid[3], block[3];
  std::int32_t static_shared_memory, dynamic_shared_memory;
  std::uint32_t local_memory_per_thread, local_memory_total;
  std::uint32_t correlation;
};
// Of a copy; of a memset, which has a value instead of the four kinds.
struct Copy {
  std::int32_t kind;
  std::uint8_t copy_kind, source_kind, destination_kind, flags;
  std::uint64_t bytes;
  std::uint64_t start, end;
  std::uint32_t device, context, stream;
  std::uint32_t correlation;
};
// Of a call inside of an external region.
struct ExternalCorrelation {
  std::int32_t kind;
  std::int32_t external_kind;
  std::uint64_t external;
  std::uint32_t correlation;
  std::uint32_t reserved;
};

using BufferRequested = void (*)(std::uint8_t** buffer, std::size_t* bytes, std::size_t* max_records);
using BufferCompleted = void (*)(void* context, std::uint32_t stream, std::uint8_t* buffer, std::size_t bytes,
                                 std::size_t valid_bytes);

struct Functions {
  Result (*cuptiActivityEnable)(std::int32_t kind);
  Result (*cuptiActivityRegisterCallbacks)(BufferRequested, BufferCompleted);
  Result (*cuptiActivityFlushAll)(std::uint32_t flags);
  Result (*cuptiActivityGetNextRecord)(std::uint8_t* buffer, std::size_t valid_bytes, std::uint8_t** record);
  Result (*cuptiActivityPushExternalCorrelationId)(std::int32_t kind, std::uint64_t id);
  Result (*cuptiActivityPopExternalCorrelationId)(std::int32_t kind, std::uint64_t* last);
  Result (*cuptiGetResultString)(Result, const char** text);
};

}  // namespace metron::cuda::cupti
