// ProfileRange: names a part of the user's program in the profile.
#pragma once

#include <metron/core/timer/instruments.h>

#include <cstdint>
#include <string_view>

namespace metron {

// Times what runs until its end: `const ProfileRange range("augment");`. Ranges nest in each other and in
// ops, and what they contain keeps its own rows.
class ProfileRange {
 public:
  explicit ProfileRange(std::string_view name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~ProfileRange() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  ProfileRange(const ProfileRange&) = delete;
  ProfileRange& operator=(const ProfileRange&) = delete;

 private:
  void begin(std::string_view name);
  void end();
  std::uint32_t run_ = 0;  // as in OpScope
  std::int32_t index_ = -1;
};

}  // namespace metron
