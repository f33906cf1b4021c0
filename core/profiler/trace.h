// Export to Perfetto and chrome://tracing.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>
#include <span>
#include <string>

namespace metron {

// Chrome's trace event format. Records are nested complete events on one track, steps are on a second track,
// flow events lead from each op to its backward, and live memory is a counter. Times are microseconds since
// the start of the profile. `args.record` of an event is its row in records.csv.
std::string to_trace(const Profile& profile);

// Several profiles as one trace with a common time axis. Each is a process, numbered from 1 and named after
// its program. `otherData.profiles` holds their totals.
std::string to_trace(std::span<const Profile> profiles);

// Gzipped if the name ends in ".gz". IoError on failure; the file is never partially written.
void write_trace(const Profile& profile, const std::filesystem::path& path);

}  // namespace metron
