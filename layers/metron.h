// What most programs need. docs/versioning.md lists all public headers.
#pragma once

#if __cplusplus < 202002L
#error "Metron needs C++20: compile with -std=c++20 (CMake: target_compile_features(... cxx_std_20))"
#else

#include <metron/core/autograd.h>
#include <metron/core/data/data_loader.h>
#include <metron/core/data/idx.h>
#include <metron/core/gradcheck.h>
#include <metron/core/io/safetensors.h>
#include <metron/core/numbers.h>
#include <metron/core/ops.h>
#include <metron/core/parallel.h>
#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/profiler/trace.h>
#include <metron/core/random.h>
#include <metron/core/slot.h>
#include <metron/core/tensor.h>
#include <metron/core/timer/clock.h>
#include <metron/core/timer/profile_range.h>
#include <metron/core/timer/scopes.h>
#include <metron/layers/checkpoint.h>
#include <metron/layers/layers.h>
#include <metron/layers/loss.h>
#include <metron/layers/lr_scheduler.h>
#include <metron/layers/module.h>
#include <metron/layers/optim.h>

#endif
