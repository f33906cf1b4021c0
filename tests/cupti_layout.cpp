// Compares core/cuda/cupti.h with CUPTI's own headers. Compiled only where they are.
#include <cupti.h>
#include <metron/core/cuda/cupti.h>

#include <cstddef>
#include <type_traits>

namespace metron::cuda::cupti {
namespace {

#define METRON_SAME_MEMBER(ours, our_member, theirs, their_member)             \
  static_assert(offsetof(ours, our_member) == offsetof(theirs, their_member)); \
  static_assert(sizeof(ours::our_member) == sizeof(theirs::their_member))

// The versions of the records that CUDA 13 writes, or the first ones that have these members.
#if CUPTI_API_VERSION >= 130000
using TheirKernel = CUpti_ActivityKernel10;
using TheirMemcpy = CUpti_ActivityMemcpy6;
using TheirMemset = CUpti_ActivityMemset4;
#else
using TheirKernel = CUpti_ActivityKernel4;
using TheirMemcpy = CUpti_ActivityMemcpy;
using TheirMemset = CUpti_ActivityMemset;
#endif

METRON_SAME_MEMBER(Kernel, kind, TheirKernel, kind);
METRON_SAME_MEMBER(Kernel, start, TheirKernel, start);
METRON_SAME_MEMBER(Kernel, end, TheirKernel, end);
METRON_SAME_MEMBER(Kernel, correlation, TheirKernel, correlationId);
METRON_SAME_MEMBER(Copy, start, TheirMemcpy, start);
METRON_SAME_MEMBER(Copy, end, TheirMemcpy, end);
METRON_SAME_MEMBER(Copy, correlation, TheirMemcpy, correlationId);
METRON_SAME_MEMBER(Copy, start, TheirMemset, start);
METRON_SAME_MEMBER(Copy, end, TheirMemset, end);
METRON_SAME_MEMBER(Copy, correlation, TheirMemset, correlationId);
METRON_SAME_MEMBER(ExternalCorrelation, external_kind, CUpti_ActivityExternalCorrelation, externalKind);
METRON_SAME_MEMBER(ExternalCorrelation, external, CUpti_ActivityExternalCorrelation, externalId);
METRON_SAME_MEMBER(ExternalCorrelation, correlation, CUpti_ActivityExternalCorrelation, correlationId);

static_assert(static_cast<int>(Kind::memcpy) == CUPTI_ACTIVITY_KIND_MEMCPY);
static_assert(static_cast<int>(Kind::memset) == CUPTI_ACTIVITY_KIND_MEMSET);
static_assert(static_cast<int>(Kind::driver) == CUPTI_ACTIVITY_KIND_DRIVER);
static_assert(static_cast<int>(Kind::runtime) == CUPTI_ACTIVITY_KIND_RUNTIME);
static_assert(static_cast<int>(Kind::concurrent_kernel) == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
static_assert(static_cast<int>(Kind::external_correlation) == CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION);
static_assert(custom_correlation == CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0);
static_assert(flush_forced == CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
static_assert(sizeof(CUptiResult) == sizeof(Result));

}  // namespace
}  // namespace metron::cuda::cupti
