// From what was recorded to the sections of a report. Nothing here measures.
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
  std::size_t rounds = 1;  // of equally many steps; ranks are known from three on
  tools::Roofs roofs;      // 0 where they are not measured
  double peak_bytes = 0;   // of memory that was live at once
};

// The ranking of training steps, as BatchSection's ops, phases and medians. An op's rank is known where its
// times in all rounds, each the median of its steps, lie apart from those of every other op, by more than
// the timer's noise.
BatchSection rank_steps(const StepSamples& samples, const RankingContext& context);

// The rest of the section: of the whole profile, whose steps are `samples`.
void set_wall_parts(BatchSection& section, const Profile& profile);

// The most memory that was live at once, on the host or on the device.
double peak_bytes(const Profile& profile);

std::vector<ComparisonRow> compare_batches(const std::vector<BatchSection>& batches);
std::vector<RooflinePoint> roofline_points(const std::vector<BatchSection>& batches);

// `libraries` is the environment's list: the name behind a provider is its library's.
struct LibraryName {
  std::string provider, library;
};
ColdSection compare_cold(const StepSamples& cold, const StepSamples& warm, std::int64_t batch,
                         const std::vector<LibraryName>& libraries);

FaithfulSection rank_faithful(const StepSamples& samples, std::int64_t batch);

// Of everything that can be compared: faithful and warm with the reference, cold with warm, and the batch
// sizes with each other. `samples` are those of the sections, in their order.
struct BatchSamples {
  std::int64_t batch = 0;
  std::size_t rounds = 1;
  StepSamples warm, cold, faithful;
};
std::vector<Correlation> correlate(const std::vector<BatchSamples>& samples);

}  // namespace metron::report
