// Lists the members of each struct of run.h, for both writing and reading. Private to run.cpp.
#pragma once

#include <metron/tools/report/run.h>

namespace metron::report {

// METRON_EACH(m, a, b, c) is m(a) m(b) m(c), for up to 64 arguments: each scan of EXPAND replaces one more.
#define METRON_PARENTHESES ()
#define METRON_EXPAND(...) METRON_EXPAND1(METRON_EXPAND1(METRON_EXPAND1(METRON_EXPAND1(__VA_ARGS__))))
#define METRON_EXPAND1(...) METRON_EXPAND2(METRON_EXPAND2(METRON_EXPAND2(METRON_EXPAND2(__VA_ARGS__))))
#define METRON_EXPAND2(...) METRON_EXPAND3(METRON_EXPAND3(METRON_EXPAND3(METRON_EXPAND3(__VA_ARGS__))))
#define METRON_EXPAND3(...) __VA_ARGS__
#define METRON_EACH(macro, ...) __VA_OPT__(METRON_EXPAND(METRON_EACH_STEP(macro, __VA_ARGS__)))
#define METRON_EACH_STEP(macro, first, ...) \
  macro(first) __VA_OPT__(METRON_EACH_AGAIN METRON_PARENTHESES(macro, __VA_ARGS__))
#define METRON_EACH_AGAIN() METRON_EACH_STEP

// list(field, x, type) calls field(name, member) for each member of x.
#define METRON_FIELD(member) field(#member, x.member);
#define METRON_FIELDS(Struct, ...) \
  void list(auto& field, auto& x, const Struct*) { METRON_EACH(METRON_FIELD, __VA_ARGS__) }

METRON_FIELDS(Settings, created, command, variables, repeat, device, device_name, emulated, fakes, providers,
              threads, dtype, model, conv1, conv2, hidden, parameters, seed, faithful, batch_sizes, rounds,
              steps, cold_runs)
METRON_FIELDS(Test, epoch, step, loss, accuracy)
METRON_FIELDS(Curve, step, epoch, loss, smoothed, window)
METRON_FIELDS(Training, source, has_weights, epochs, batch_size, train_images, test_images, lr, gamma, seed,
              seconds, curve, tests)
METRON_FIELDS(GraphNode, kind, name, module, parameters, time_us)
METRON_FIELDS(GraphEdge, from, to, shape, dtype)
METRON_FIELDS(GraphSection, batch, parameters, nodes, edges)
METRON_FIELDS(KernelRow, name, provider, calls, self_us, device_us, share, bytes, flops, gflops, gbytes, roof,
              roof_kind)
METRON_FIELDS(OpRow, rank, rank_known, phase_rank, phase_rank_known, name, phase, reference_name, provider,
              calls, total_us, self_us, device_us, time_us, lowest_us, highest_us, share, average_us,
              above_timer, bytes, flops, gflops, gbytes, roof, roof_kind, kernels)
METRON_FIELDS(PhaseRow, phase, self_us, device_us, share)
METRON_FIELDS(BatchSection, batch, steps, ranked_by, wall_us, images_per_second, self_part, timer_part,
              outside_part, waiting_part, peak_bytes, phases, ops, ranking_file, trace_process)
METRON_FIELDS(ComparisonRow, name, phase, time_us, share, rank)
METRON_FIELDS(ColdRow, name, phase, provider, cold_us, warm_us, initialization_us)
METRON_FIELDS(Initialization, provider, library, us, share, start_us)
METRON_FIELDS(ColdSection, batch, cold_wall_us, warm_wall_us, initialization, ops)
METRON_FIELDS(FaithfulRow, rank, op, source, calls, total_us, in_reference, reference_rank, reference_us)
METRON_FIELDS(ReferenceRow, rank, op, total_us)
METRON_FIELDS(LibraryStart, name, op, us)
METRON_FIELDS(FaithfulSection, batch, images, wall_us, rows, starts, reference)
METRON_FIELDS(Correlation, first, second, kind, batch, second_batch, items, tau, low, high, tied_first,
              tied_second)
METRON_FIELDS(Roofs, gflops, gbytes, cache_bytes)
METRON_FIELDS(RooflinePoint, batch, name, op, phase, provider, intensity, gflops, share, roof_kind)
METRON_FIELDS(ProviderRow, batch, layer, provider, disposition, message, error, median_us, spread, gflops,
              gbytes, roof, roof_kind, vendor_ratio)
METRON_FIELDS(Timer, op_ns, kernel_ns, memory_ns, noise_ns)
METRON_FIELDS(Note, kind, values, text)
METRON_FIELDS(File, name, what)
METRON_FIELDS(Report, complete, interrupted_in, seconds, environment, settings, timer, training, graph,
              batches, comparison, cold, faithful, correlations, roofs, roofline, providers, notes, files)

}  // namespace metron::report
