// What a program of `metron nvcc` says when it ends.
#pragma once

#include <string>
#include <vector>

#include "../emulator.h"

namespace metron::emulator {

std::string usual_fix(const Finding&);  // what most often helps, in one sentence
std::string summary_text(const std::vector<Finding>&);
std::string summary_json(const std::vector<Finding>&);

void summarize_now();  // before the program aborts, if it is one of `metron nvcc`

}  // namespace metron::emulator
