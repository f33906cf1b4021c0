// Text whose numbers do not follow the global locale: a program may set one that groups digits.
#pragma once

#include <locale>
#include <sstream>

namespace metron::detail {

class ClassicStream : public std::ostringstream {
 public:
  ClassicStream() { imbue(std::locale::classic()); }
};

}  // namespace metron::detail
