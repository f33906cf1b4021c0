// A profile as one file.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>
#include <string>

namespace metron {

// One JSON file with all of it. Reading gives the same profile again: IoError, or ValueError for a file that
// is no profile or contradicts itself, naming the file.
void save_profile(const Profile& profile, const std::filesystem::path& path);
Profile load_profile(const std::filesystem::path& path);

// A line for each record, for a spreadsheet.
std::string records_to_csv(const Profile& profile);

}  // namespace metron
