// Profiles as files.
#pragma once

#include <metron/core/timer/profile.h>

#include <filesystem>
#include <string>

namespace metron {

// A complete profile as JSON. load_profile restores the same profile. IoError, or a ValueError for a file
// that is not a consistent profile; both name the file.
void save_profile(const Profile& profile, const std::filesystem::path& path);
Profile load_profile(const std::filesystem::path& path);

// One line per record.
std::string records_to_csv(const Profile& profile);

}  // namespace metron
