// Turns recorded profiles into the sections of a report.
#pragma once

#include <metron/tools/report/analyse/samples.h>
#include <metron/tools/report/measure/profiles.h>
#include <metron/tools/report/run.h>
#include <metron/tools/roof.h>

#include <string>
#include <vector>

namespace metron::report {

struct RankingContext {
  std::int64_t batch = 0;
  std::size_t rounds = 1;  // with equal numbers of steps; fewer than three leave all ranks unknown
  tools::Roofs roofs;      // 0 if not measured
  double peak_bytes = 0;   // of live memory
};

// Ranks training steps: the ops, phases and medians of BatchSection. The rank of an op is known if its times
// in all rounds, each a median over steps, differ from those of every other op by more than the timer's
// noise.
BatchSection rank_steps(const StepSamples& samples, const RankingContext& context);

// The remaining fields of the section, from the profile that was sampled.
void set_wall_parts(BatchSection& section, const Profile& profile);

// Peak of live memory, on the host or on the device, whichever is higher.
double peak_bytes(const Profile& profile);

std::vector<ComparisonRow> compare_batches(const std::vector<BatchSection>& batches);
std::vector<RooflinePoint> roofline_points(const std::vector<BatchSection>& batches);

// The library of a provider, from the environment.
struct LibraryName {
  std::string provider, library;
};
ColdSection compare_cold(const StepSamples& cold, const StepSamples& warm, std::int64_t batch,
                         const std::vector<LibraryName>& libraries);

FaithfulSection rank_faithful(const StepSamples& samples, std::int64_t batch);

struct BatchSamples {
  std::int64_t batch = 0;
  std::size_t rounds = 1;
  StepSamples warm, cold, faithful;
};
// Correlates every comparable pair: faithful and warm with the reference, cold with warm, and batch sizes
// with each other. `samples` has one element per section, in order.
std::vector<Correlation> correlate(const std::vector<BatchSamples>& samples);

}  // namespace metron::report
