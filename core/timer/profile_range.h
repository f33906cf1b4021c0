// ProfileRange: a named region of the user's program.
#pragma once

#include <metron/core/timer/instruments.h>

#include <cstdint>
#include <string_view>

namespace metron {

// Times a scope: `const ProfileRange range("augment");`. Ranges may nest in each other and in ops. The ops
// and kernels inside keep their own rows.
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
