// A profile as a folder of files: what `metron profile` leaves behind.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>

namespace metron {

// profile.json (all of it, load_profile reads it), ranking.txt, ranking.csv, modules.csv, memory.csv,
// records.csv and trace.json. The folder is made if need be. IoError; each file appears whole or not at all,
// profile.json last.
void write_profile_folder(const Profile& profile, const std::filesystem::path& folder);

// Says before there is anything to write whether the folder can be written to: IoError if not.
void check_profile_folder(const std::filesystem::path& folder);

}  // namespace metron
