#include <metron/core/device.h>
#include <metron/core/error.h>
#include <metron/core/numbers.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>

namespace metron {

Device::Device(std::string_view name) {
  const std::string_view kind = name.substr(0, name.find(':'));
  if (kind == "cuda") type_ = Type::cuda;
  bool valid = kind == "cpu" || kind == "cuda";
  if (valid && kind.size() < name.size()) {
    const NumberRange<int> indices{0, type_ == Type::cuda ? std::numeric_limits<std::int16_t>::max() : 0};
    const std::optional<int> index = parse_number(name.substr(kind.size() + 1), indices);
    valid = index.has_value();
    index_ = static_cast<std::int16_t>(index.value_or(0));
  }
  check<ValueError>(valid, "device", "a device is cpu, cuda or cuda:<index>, got \"", name, '"');
}

std::string Device::name() const {
  return is_cpu() ? "cpu" : std::string(name_of(type_)) + ':' + std::to_string(index_);
}

const char* name_of(Device::Type type) { return type == Device::Type::cpu ? "cpu" : "cuda"; }

std::ostream& operator<<(std::ostream& out, Device device) { return out << device.name(); }

}  // namespace metron
