// Anonymous system memory, zeroed and committed on first use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace metron::emulator {

class Mapping {
 public:
  Mapping() = default;
  explicit Mapping(std::size_t bytes);
  Mapping(Mapping&& other) noexcept
      : begin_(std::exchange(other.begin_, 0)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  std::uintptr_t begin() const { return begin_; }
  std::size_t size() const { return bytes_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(begin_);
  }

 private:
  std::uintptr_t begin_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace metron::emulator
