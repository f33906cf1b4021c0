// The OS threads that run blocks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace metron::emulator {

struct Launch;
class Worker;

class Workers {
 public:
  explicit Workers(unsigned count);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  void run(Launch&);  // returns when all blocks are done or abandoned
  unsigned count() const { return static_cast<unsigned>(threads_.size()); }

 private:
  void work(std::stop_token, unsigned index);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable done_;
  Launch* launch_ = nullptr;
  std::uint64_t launch_number_ = 0;
  unsigned active_ = 0, busy_ = 0;
  std::vector<Worker*> workers_;  // each owned by its thread
  std::vector<std::jthread> threads_;
};

}  // namespace metron::emulator
