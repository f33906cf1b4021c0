// Device: where memory lives. Copies between devices are explicit: Tensor::to(device).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace metron {

class Device {
 public:
  enum class Type : std::uint8_t { cpu, cuda };
  static constexpr int type_count = 2;

  constexpr Device() = default;
  constexpr Device(Type type, int index = 0) : type_(type), index_(static_cast<std::int16_t>(index)) {}
  // "cpu", "cuda" or "cuda:1"; otherwise a ValueError. The device need not exist: the first allocation
  // checks.
  Device(std::string_view name);
  Device(const char* name) : Device(std::string_view(name)) {}

  constexpr Type type() const { return type_; }
  constexpr int index() const { return index_; }
  constexpr bool is_cpu() const { return type_ == Type::cpu; }
  std::string name() const;  // "cpu", "cuda:0"

  friend constexpr bool operator==(Device a, Device b) = default;

 private:
  Type type_ = Type::cpu;
  std::int16_t index_ = 0;
};

const char* name_of(Device::Type type);
std::ostream& operator<<(std::ostream& out, Device device);

}  // namespace metron
