// A profile as a folder, the output of `metron profile`.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>

namespace metron {

// Writes profile.json (for load_profile), ranking.txt, ranking.csv, modules.csv, memory.csv, records.csv and
// trace.json. Creates the folder if necessary. IoError on failure; no file is ever partially written.
void write_profile_folder(const Profile& profile, const std::filesystem::path& folder);

// Checks in advance that the folder is writable; IoError if not.
void check_profile_folder(const std::filesystem::path& folder);

}  // namespace metron
