// Named settings as text, such as the hyperparameters of an optimizer, to compare those of two runs.
#pragma once

#include <map>
#include <string>

namespace metron {

using Settings = std::map<std::string, std::string>;

// "lr is 1 there and 0.5 here; seed is missing here": every setting that differs; empty if none does.
std::string differences(const Settings& there, const Settings& here);

}  // namespace metron
