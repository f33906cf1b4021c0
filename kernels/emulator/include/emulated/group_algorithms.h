// Reductions and scans of cooperative groups that are a part of a warp.
#pragma once

#include "groups.h"

namespace cooperative_groups {

#define METRON_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

template <class T = void>
struct plus {
  T operator()(const T& a, const T& b) const { return a + b; }
};
template <class T = void>
struct less {
  T operator()(const T& a, const T& b) const { return b < a ? b : a; }
};
template <class T = void>
struct greater {
  T operator()(const T& a, const T& b) const { return a < b ? b : a; }
};
template <class T = void>
struct bit_and {
  T operator()(const T& a, const T& b) const { return a & b; }
};
template <class T = void>
struct bit_or {
  T operator()(const T& a, const T& b) const { return a | b; }
};
template <class T = void>
struct bit_xor {
  T operator()(const T& a, const T& b) const { return a ^ b; }
};

// In the order of the ranks' butterfly, as a device's.
template <class Group, class T, class Op>
T reduce(const Group& group, T value, Op&& op, METRON_CALLER) {
  const unsigned count = group.num_threads();
  if ((count & (count - 1)) == 0) {
    for (unsigned distance = count / 2; distance > 0; distance /= 2)
      value = op(value, group.shfl_xor(value, distance, file, line));
    return value;
  }
  T result = group.shfl(value, 0, file, line);
  for (unsigned other = 1; other < count; ++other)
    result = op(result, group.shfl(value, static_cast<int>(other), file, line));
  return result;
}
template <class Group, class T, class Op>
T inclusive_scan(const Group& group, T value, Op&& op, METRON_CALLER) {
  for (unsigned distance = 1; distance < group.num_threads(); distance *= 2) {
    const T before = group.shfl_up(value, distance, file, line);
    if (group.thread_rank() >= distance) value = op(before, value);
  }
  return value;
}
template <class Group, class T>
T inclusive_scan(const Group& group, T value, METRON_CALLER) {
  return inclusive_scan(group, value, plus<T>(), file, line);
}
template <class Group, class T, class Op>
T exclusive_scan(const Group& group, T value, Op&& op, METRON_CALLER) {
  const T before = group.shfl_up(inclusive_scan(group, value, op, file, line), 1, file, line);
  return group.thread_rank() == 0 ? T{} : before;
}
template <class Group, class T>
T exclusive_scan(const Group& group, T value, METRON_CALLER) {
  return exclusive_scan(group, value, plus<T>(), file, line);
}

#undef METRON_CALLER

}  // namespace cooperative_groups
