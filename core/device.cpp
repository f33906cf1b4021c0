#include <metron/core/device.h>
#include <metron/core/error.h>

#include <charconv>
#include <ostream>

namespace metron {

Device::Device(std::string_view name) {
  const std::string_view kind = name.substr(0, name.find(':'));
  if (kind == "cuda") type_ = Type::cuda;
  bool valid = kind == "cpu" || kind == "cuda";
  if (valid && kind.size() < name.size()) {
    const std::string_view digits = name.substr(kind.size() + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index_);
    valid = error == std::errc() && end == digits.data() + digits.size() && index_ >= 0 &&
            (type_ == Type::cuda || index_ == 0);
  }
  check<ValueError>(valid, "device", "a device is cpu, cuda or cuda:<index>, got \"", name, '"');
}

std::string Device::name() const {
  return is_cpu() ? "cpu" : std::string(name_of(type_)) + ':' + std::to_string(index_);
}

const char* name_of(Device::Type type) { return type == Device::Type::cpu ? "cpu" : "cuda"; }

std::ostream& operator<<(std::ostream& out, Device device) { return out << device.name(); }

}  // namespace metron
