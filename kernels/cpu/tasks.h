// Parallel tasks with scratch memory per thread.
#pragma once

#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/vec.h>

#include <algorithm>

namespace metron::METRON_ISA {

inline Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

// Multiply-adds on cached operands that cost about as much as accessing one element in memory.
inline constexpr Index products_per_element = 16;

// Calls body(task, scratch) for every task, with `scratch_elements` of scratch per thread. A task costs about
// as much as accessing `task_work` elements.
template <typename T, typename Body>
void for_each_task(Index tasks, Index task_work, Index scratch_elements, const Body& body) {
  if (tasks <= 0) return;
  const Index parts = std::clamp<Index>(tasks / grain_of(task_work), 1, num_threads());
  const Index stride = ceil_div(scratch_elements, 16) * 16;
  const Scratch scratch(parts * stride, dtype_of<T>);
  T* const memory = scratch.data<T>();
  parallel_for(parts, 1, [&](Index first, Index last) {
    for (Index part = first; part < last; ++part) {
      for (Index task = tasks * part / parts; task < tasks * (part + 1) / parts; ++task)
        body(task, memory + part * stride);
    }
  });
}

}  // namespace metron::METRON_ISA
