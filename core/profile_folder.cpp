#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/profile_folder.h>
#include <metron/core/profile_views.h>
#include <metron/core/ranking.h>
#include <metron/core/trace.h>

#include <system_error>

namespace metron {
namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

void check_profile_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check<IoError>(!error, "profile", "the folder ", folder.string(), " can't be made: ", error.message());
  AtomicFile{folder / "profile.json"};  // removed again, as nothing commits it
}

void write_profile_folder(const Profile& profile, const std::filesystem::path& folder) {
  check_profile_folder(folder);
  const Ranking ranking = rank(profile);
  write(folder / "ranking.txt", ranking.to_table());
  write(folder / "ranking.csv", ranking.to_csv());
  write(folder / "modules.csv", to_csv(module_view(profile)));
  write(folder / "memory.csv", memory_timeline_csv(profile));
  write(folder / "records.csv", records_to_csv(profile));
  write_trace(profile, folder / "trace.json");
  save_profile(profile, folder / "profile.json");
}

}  // namespace metron
