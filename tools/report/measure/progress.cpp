#include <metron/tools/report/measure/progress.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace metron::report {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::int64_t terminal_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(bool shown, const std::atomic<const char*>* given_up)
    : shown_(shown), terminal_(shown && isatty(STDOUT_FILENO) == 1), given_up_(given_up) {}

void Progress::check_given_up() const {
  const char* const why = given_up_ == nullptr ? nullptr : given_up_->load();
  if (why != nullptr) fail<GivenUp>("report", why, ": nothing was written");
}

void Progress::stage(const std::string& name, std::int64_t total) {
  finish();
  check_given_up();
  name_ = name;
  total_ = std::max<std::int64_t>(total, 1);
  done_ = 0;
  start_ = drawn_ = Clock::now();
  if (terminal_) draw("");
}

void Progress::advance(std::int64_t done, const std::string& detail) {
  check_given_up();
  done_ = std::min(done, total_);
  constexpr double interval = 0.1;  // seconds between updates
  if (!terminal_ || (done_ < total_ && seconds_since(drawn_) < interval)) return;
  drawn_ = Clock::now();
  draw(detail);
}

void Progress::draw(const std::string& detail) {
  // Must fit on one line, since a carriage return does not go back further. The texts take precedence over
  // the bar.
  const std::int64_t columns = terminal_columns(), texts = 70;
  const std::int64_t width = std::clamp<std::int64_t>(columns - texts, 0, 30);
  char text[160];
  std::string line;
  const auto add = [&](const char* format, auto... values) {
    std::snprintf(text, sizeof text, format, values...);
    line += text;
  };
  add("%-26s ", name_.c_str());
  if (width >= 8) {
    const std::string bar(static_cast<std::size_t>(width * done_ / total_), '=');
    add("[%-*s] ", static_cast<int>(width), bar.c_str());
  }
  add("%3lld %%", static_cast<long long>(100 * done_ / total_));
  if (done_ > 0 && done_ < total_) {
    const double left =
        seconds_since(start_) * static_cast<double>(total_ - done_) / static_cast<double>(done_);
    const auto rounded = static_cast<long long>(left + 0.5);
    add("  %lld:%02lld left", rounded / 60, rounded % 60);
  }
  line += "  " + detail;
  line.resize(std::min(line.size(), static_cast<std::size_t>(columns - 1)));
  std::printf("\r%s\033[K", line.c_str());
  std::fflush(stdout);
}

void Progress::finish() {
  if (name_.empty()) return;
  if (terminal_) std::printf("\r");
  if (shown_)
    std::printf("%-26s %.1f s%s%s\n", name_.c_str(), seconds_since(start_),
                done_ < total_ ? ", not finished" : "", terminal_ ? "\033[K" : "");
  std::fflush(stdout);
  name_.clear();
}

}  // namespace metron::report
