#include "progress.h"

#include <unistd.h>

#include <cstdio>
#include <string>

Progress::Progress(std::int64_t epoch, std::int64_t epochs, std::int64_t samples, std::int64_t done)
    : epoch_(epoch),
      epochs_(epochs),
      samples_(samples),
      done_(done),
      terminal_(isatty(STDOUT_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::show(std::int64_t step, std::int64_t steps, std::int64_t samples, double loss) {
  const double rate = static_cast<double>(samples - done_) / seconds();
  if (!terminal_) {
    std::printf("epoch %ld  step %ld/%ld  loss %.4f  %.0f samples/s\n", epoch_, step, steps, loss, rate);
  } else {
    constexpr std::int64_t width = 30;
    const std::int64_t filled = width * step / steps;
    const std::string bar(static_cast<std::size_t>(filled), '=');
    const auto left = static_cast<long>(static_cast<double>(samples_ - samples) / rate + 0.5);
    std::printf("\repoch %ld/%ld [%-*s] %ld/%ld  loss %.4f  %.0f samples/s  %ld:%02ld left\033[K", epoch_,
                epochs_, static_cast<int>(width), bar.c_str(), step, steps, loss, rate, left / 60, left % 60);
  }
  std::fflush(stdout);
}

void Progress::finish() {
  if (terminal_) std::printf("\n");
}
