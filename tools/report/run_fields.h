// The members of each struct of run.h, once, for writing and reading. Private to run.cpp.
#pragma once

#include <metron/tools/report/run.h>

namespace metron::report {

// list(field, x) calls field(name, member) for each member of x.
template <typename F>
void list(F& f, auto& x, const Settings*) {
  f("created", x.created);
  f("command", x.command);
  f("device", x.device);
  f("device_name", x.device_name);
  f("emulated", x.emulated);
  f("doubles", x.doubles);
  f("providers", x.providers);
  f("threads", x.threads);
  f("dtype", x.dtype);
  f("model", x.model);
  f("conv1", x.conv1);
  f("conv2", x.conv2);
  f("hidden", x.hidden);
  f("parameters", x.parameters);
  f("seed", x.seed);
  f("faithful", x.faithful);
  f("batch_sizes", x.batch_sizes);
  f("rounds", x.rounds);
  f("steps", x.steps);
  f("cold_runs", x.cold_runs);
}
template <typename F>
void list(F& f, auto& x, const Test*) {
  f("epoch", x.epoch);
  f("step", x.step);
  f("loss", x.loss);
  f("accuracy", x.accuracy);
}
template <typename F>
void list(F& f, auto& x, const Curve*) {
  f("step", x.step);
  f("epoch", x.epoch);
  f("loss", x.loss);
  f("smoothed", x.smoothed);
  f("window", x.window);
}
template <typename F>
void list(F& f, auto& x, const Training*) {
  f("source", x.source);
  f("has_weights", x.has_weights);
  f("epochs", x.epochs);
  f("batch_size", x.batch_size);
  f("train_images", x.train_images);
  f("test_images", x.test_images);
  f("lr", x.lr);
  f("gamma", x.gamma);
  f("seconds", x.seconds);
  f("curve", x.curve);
  f("tests", x.tests);
}
template <typename F>
void list(F& f, auto& x, const GraphNode*) {
  f("kind", x.kind);
  f("name", x.name);
  f("module", x.module);
  f("parameters", x.parameters);
  f("time_us", x.time_us);
}
template <typename F>
void list(F& f, auto& x, const GraphEdge*) {
  f("from", x.from);
  f("to", x.to);
  f("shape", x.shape);
  f("dtype", x.dtype);
}
template <typename F>
void list(F& f, auto& x, const GraphSection*) {
  f("batch", x.batch);
  f("parameters", x.parameters);
  f("nodes", x.nodes);
  f("edges", x.edges);
}
template <typename F>
void list(F& f, auto& x, const KernelRow*) {
  f("name", x.name);
  f("provider", x.provider);
  f("calls", x.calls);
  f("self_us", x.self_us);
  f("device_us", x.device_us);
  f("bytes", x.bytes);
  f("flops", x.flops);
  f("gflops", x.gflops);
  f("gbytes", x.gbytes);
  f("roof", x.roof);
}
template <typename F>
void list(F& f, auto& x, const OpRow*) {
  f("rank", x.rank);
  f("rank_known", x.rank_known);
  f("phase_rank", x.phase_rank);
  f("phase_rank_known", x.phase_rank_known);
  f("name", x.name);
  f("phase", x.phase);
  f("reference_name", x.reference_name);
  f("provider", x.provider);
  f("calls", x.calls);
  f("total_us", x.total_us);
  f("self_us", x.self_us);
  f("device_us", x.device_us);
  f("time_us", x.time_us);
  f("low_us", x.low_us);
  f("high_us", x.high_us);
  f("share", x.share);
  f("average_us", x.average_us);
  f("above_timer", x.above_timer);
  f("bytes", x.bytes);
  f("flops", x.flops);
  f("gflops", x.gflops);
  f("gbytes", x.gbytes);
  f("roof", x.roof);
  f("kernels", x.kernels);
}
template <typename F>
void list(F& f, auto& x, const PhaseRow*) {
  f("phase", x.phase);
  f("self_us", x.self_us);
  f("device_us", x.device_us);
  f("share", x.share);
}
template <typename F>
void list(F& f, auto& x, const BatchSection*) {
  f("batch", x.batch);
  f("steps", x.steps);
  f("ranked_by", x.ranked_by);
  f("wall_us", x.wall_us);
  f("images_per_second", x.images_per_second);
  f("self_part", x.self_part);
  f("timer_part", x.timer_part);
  f("outside_part", x.outside_part);
  f("peak_bytes", x.peak_bytes);
  f("phases", x.phases);
  f("ops", x.ops);
  f("ranking_file", x.ranking_file);
  f("trace_process", x.trace_process);
}
template <typename F>
void list(F& f, auto& x, const ComparisonRow*) {
  f("name", x.name);
  f("phase", x.phase);
  f("time_us", x.time_us);
  f("share", x.share);
  f("rank", x.rank);
}
template <typename F>
void list(F& f, auto& x, const ColdRow*) {
  f("name", x.name);
  f("phase", x.phase);
  f("provider", x.provider);
  f("cold_us", x.cold_us);
  f("warm_us", x.warm_us);
  f("initialisation_us", x.initialisation_us);
}
template <typename F>
void list(F& f, auto& x, const Initialisation*) {
  f("provider", x.provider);
  f("library", x.library);
  f("us", x.us);
  f("share", x.share);
  f("start_us", x.start_us);
}
template <typename F>
void list(F& f, auto& x, const ColdSection*) {
  f("batch", x.batch);
  f("cold_wall_us", x.cold_wall_us);
  f("warm_wall_us", x.warm_wall_us);
  f("initialisation", x.initialisation);
  f("ops", x.ops);
}
template <typename F>
void list(F& f, auto& x, const FaithfulRow*) {
  f("rank", x.rank);
  f("op", x.op);
  f("source", x.source);
  f("calls", x.calls);
  f("total_us", x.total_us);
  f("in_reference", x.in_reference);
  f("reference_rank", x.reference_rank);
  f("reference_us", x.reference_us);
}
template <typename F>
void list(F& f, auto& x, const ReferenceRow*) {
  f("rank", x.rank);
  f("op", x.op);
  f("total_us", x.total_us);
}
template <typename F>
void list(F& f, auto& x, const FaithfulSection*) {
  f("batch", x.batch);
  f("images", x.images);
  f("wall_us", x.wall_us);
  f("rows", x.rows);
  f("reference", x.reference);
}
template <typename F>
void list(F& f, auto& x, const Correlation*) {
  f("first", x.first);
  f("second", x.second);
  f("kind", x.kind);
  f("batch", x.batch);
  f("second_batch", x.second_batch);
  f("items", x.items);
  f("tau", x.tau);
  f("low", x.low);
  f("high", x.high);
  f("tied_first", x.tied_first);
  f("tied_second", x.tied_second);
}
template <typename F>
void list(F& f, auto& x, const Roofs*) {
  f("gflops", x.gflops);
  f("gbytes", x.gbytes);
}
template <typename F>
void list(F& f, auto& x, const RooflinePoint*) {
  f("batch", x.batch);
  f("name", x.name);
  f("op", x.op);
  f("phase", x.phase);
  f("provider", x.provider);
  f("intensity", x.intensity);
  f("gflops", x.gflops);
  f("share", x.share);
}
template <typename F>
void list(F& f, auto& x, const ProviderRow*) {
  f("batch", x.batch);
  f("layer", x.layer);
  f("provider", x.provider);
  f("disposition", x.disposition);
  f("message", x.message);
  f("error", x.error);
  f("median_us", x.median_us);
  f("spread", x.spread);
  f("gflops", x.gflops);
  f("gbytes", x.gbytes);
  f("roof", x.roof);
  f("vendor_ratio", x.vendor_ratio);
}
template <typename F>
void list(F& f, auto& x, const Timer*) {
  f("op_ns", x.op_ns);
  f("kernel_ns", x.kernel_ns);
  f("memory_ns", x.memory_ns);
  f("noise_ns", x.noise_ns);
}
template <typename F>
void list(F& f, auto& x, const Note*) {
  f("kind", x.kind);
  f("values", x.values);
  f("text", x.text);
}
template <typename F>
void list(F& f, auto& x, const File*) {
  f("name", x.name);
  f("what", x.what);
}
template <typename F>
void list(F& f, auto& x, const Report*) {
  f("complete", x.complete);
  f("interrupted_in", x.interrupted_in);
  f("seconds", x.seconds);
  f("environment", x.environment);
  f("settings", x.settings);
  f("timer", x.timer);
  f("training", x.training);
  f("graph", x.graph);
  f("batches", x.batches);
  f("comparison", x.comparison);
  f("cold", x.cold);
  f("faithful", x.faithful);
  f("correlations", x.correlations);
  f("roofs", x.roofs);
  f("roofline", x.roofline);
  f("providers", x.providers);
  f("notes", x.notes);
  f("files", x.files);
}

}  // namespace metron::report
