// A profile as a trace for Perfetto and chrome://tracing.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>
#include <span>
#include <string>

namespace metron {

// Chrome's trace event format. Complete events nest as the records do, on the track of the recorded thread;
// steps are on a track of their own; arrows lead from an op to its backward; live memory is a counter. Times
// in microseconds from the profile's start. `args` names each event's record, so that its numbers can be
// found in records.csv.
std::string to_trace(const Profile& profile);

// Several as one trace, on one clock: each a process of its own, numbered from 1 and named after its program.
// `otherData` holds their totals in "profiles".
std::string to_trace(std::span<const Profile> profiles);

// Gzipped where the name ends in ".gz". IoError; the file appears whole or not at all.
void write_trace(const Profile& profile, const std::filesystem::path& path);

}  // namespace metron
