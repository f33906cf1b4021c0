// Progress of a long run: a bar on a terminal, otherwise a line per stage.
#pragma once

#include <metron/core/error.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace metron::report {

class GivenUp : public Error {
 public:
  using Error::Error;
};

class Progress {
 public:
  // Once `given_up` points to a reason, the next call throws GivenUp, which ends the run like any error.
  explicit Progress(bool shown, const std::atomic<const char*>* given_up = nullptr);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Ends the current stage and begins one of `total` units of work.
  void stage(const std::string& name, std::int64_t total);
  void advance(std::int64_t done, const std::string& detail = "");
  void finish();

 private:
  void draw(const std::string& detail);

  void check_given_up() const;

  bool shown_, terminal_;
  const std::atomic<const char*>* given_up_;
  std::string name_;
  std::int64_t total_ = 0, done_ = 0;
  std::chrono::steady_clock::time_point start_, drawn_;
};

}  // namespace metron::report
