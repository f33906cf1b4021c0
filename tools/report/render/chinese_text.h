// Some of the Chinese texts. Private to chinese.cpp.
#pragma once

#include <metron/tools/report/render/language.h>

namespace metron::report {

const Language::Table& chinese_text();

}  // namespace metron::report
