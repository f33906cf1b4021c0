// expect_error and small tensors to trigger errors with.
#pragma once

#include <gtest/gtest.h>
#include <metron/tools/op_cases/cases.h>

#include <initializer_list>
#include <limits>
#include <string_view>

namespace metron::test {

using op_cases::f32;
using op_cases::f64;
using op_cases::i64;
using op_cases::u8;

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

// Expects `call` to throw an E whose message contains each of `words`.
template <typename E, typename Call>
void expect_error(Call&& call, std::initializer_list<std::string_view> words) {
  try {
    call();
    ADD_FAILURE() << "no error; expected one about " << *words.begin();
  } catch (const E& error) {
    for (const std::string_view word : words)
      EXPECT_NE(std::string_view(error.what()).find(word), std::string_view::npos)
          << '"' << error.what() << "\" does not say \"" << word << '"';
  } catch (const std::exception& error) {
    ADD_FAILURE() << "an error of another type: " << error.what();
  }
}

}  // namespace metron::test
