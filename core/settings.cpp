#include <metron/core/settings.h>

namespace metron {

std::string differences(const Settings& there, const Settings& here) {
  std::string text;
  const auto add = [&](const auto&... parts) {
    if (!text.empty()) text += "; ";
    ((text += parts), ...);
  };
  for (const auto& [name, value] : there) {
    const auto own = here.find(name);
    if (own == here.end()) {
      add(name, " is missing here");
    } else if (own->second != value) {
      add(name, " is ", value, " there and ", own->second, " here");
    }
  }
  for (const auto& [name, value] : here) {
    if (!there.contains(name)) add(name, " is missing there");
  }
  return text;
}

}  // namespace metron
