#include <metron/core/internal/file_reader.h>
#include <metron/core/internal/mnist_files.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

namespace metron::detail {
namespace {

namespace fs = std::filesystem;

constexpr char mnist_op[] = "read_mnist";

fs::path with_gz(fs::path path) { return path += ".gz"; }

bool have_same_content(const fs::path& plain, const fs::path& gzipped) {
  FileReader a(plain), b(gzipped);
  std::array<char, 1 << 14> x, y;
  while (true) {
    const std::size_t count = a.read(x.data(), x.size());
    if (b.read(y.data(), y.size()) != count || !std::equal(x.begin(), x.begin() + count, y.begin()))
      return false;
    if (count < x.size()) return true;
  }
}

// An unpacked file is used rather than the archive it came from, unless that has been replaced since.
void check_archive(const fs::path& plain, const fs::path& gzipped) {
  std::error_code error;
  if (fs::last_write_time(gzipped, error) <= fs::last_write_time(plain, error) || error) return;
  check<IoError>(have_same_content(plain, gzipped), mnist_op, plain.string(), " and the newer ",
                 gzipped.string(), " differ: remove one of them");
}

// The file at `path` or in a folder of that name, as in Kaggle's archives.
std::optional<fs::path> file_at(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return file_at(path / path.filename());
  return fs::exists(path, error) ? std::optional(path) : std::nullopt;
}

std::optional<fs::path> plain_or_gzipped(const fs::path& path) {
  const std::optional<fs::path> plain = file_at(path), gzipped = file_at(with_gz(path));
  if (plain && gzipped) check_archive(*plain, *gzipped);
  return plain ? plain : gzipped;
}

// Names in the folder, without .gz, that end with `ending` after a name of the data set.
std::set<std::string> named_sets(const fs::path& folder, const std::string& ending) {
  std::set<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    if (name.size() <= ending.size() + 1 || !name.ends_with(ending)) continue;
    const char before = name[name.size() - ending.size() - 1];
    if (before == '-' || before == '_' || before == '.') found.insert(name);
  }
  return found;
}

}  // namespace

fs::path find_mnist_file(const fs::path& folder, MnistSplit split, const std::string& kind, int rank) {
  std::vector<std::string> names;
  for (const char* const prefix : {"train", "t10k", "test"}) {
    if ((split == MnistSplit::train) != (std::string(prefix) == "train")) continue;
    for (const char* const separator : {"-", "."})
      names.push_back(std::string(prefix) + '-' + kind + separator + "idx" + std::to_string(rank) + "-ubyte");
  }
  for (const std::string& name : names) {
    if (const auto file = plain_or_gzipped(folder / name)) return *file;
  }
  std::set<std::string> sets;
  for (const std::string& name : names) sets.merge(named_sets(folder, name));
  check<IoError>(!sets.empty(), mnist_op, (folder / names.front()).string(),
                 ": neither this file nor a gzipped one exists");
  check<IoError>(sets.size() == 1, mnist_op, folder.string(), ": several data sets are here, ", *sets.begin(),
                 " and ", *sets.rbegin(), ": leave one of them");
  const auto file = plain_or_gzipped(folder / *sets.begin());
  check<IoError>(file.has_value(), mnist_op, (folder / *sets.begin()).string(), ": the file can't be read");
  return *file;
}

}  // namespace metron::detail
