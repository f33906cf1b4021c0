// How far a long run is: a bar on a terminal, a line for each stage elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace metron::report {

class Progress {
 public:
  explicit Progress(bool shown);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A stage of so many units of work begins; the one before it has ended.
  void stage(const std::string& name, std::int64_t total);
  void advance(std::int64_t done, const std::string& detail = "");
  void finish();

 private:
  void draw(const std::string& detail);

  bool shown_, terminal_;
  std::string name_;
  std::int64_t total_ = 0, done_ = 0;
  std::chrono::steady_clock::time_point start_, drawn_;
};

}  // namespace metron::report
