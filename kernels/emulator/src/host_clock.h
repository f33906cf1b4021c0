// The clock of the modeled host.
#pragma once

#include <atomic>
#include <cstdint>

namespace metron::emulator {

class HostClock {
 public:
  std::int64_t now() const;
  void use_manual(std::int64_t call_ns);  // starts at the current time
  void use_real();
  void advance(std::int64_t ns);
  void advance_to(double time_ns);  // the host waits until then
  void note_call() {                // an API call of the host
    if (manual_) time_ += call_ns_;
  }

  // Real time in this scope is not the modeled host's. The scopes may nest, on one thread at a time.
  class Emulation {
   public:
    explicit Emulation(HostClock& clock) : clock_(clock) { clock_.begin_emulation(); }
    ~Emulation() { clock_.end_emulation(); }
    Emulation(const Emulation&) = delete;
    Emulation& operator=(const Emulation&) = delete;

   private:
    HostClock& clock_;
  };

 private:
  void begin_emulation();
  void end_emulation();

  std::atomic<bool> manual_{false};
  std::atomic<std::int64_t> time_{0};  // manual: now; else what is added to the CPU's clock
  std::int64_t call_ns_ = 0;
  int depth_ = 0;  // of nested emulation
  std::int64_t emulation_start_ = 0;
};

}  // namespace metron::emulator
