// Numbers from and to text: one notation everywhere, whatever the locale.
#include <gtest/gtest.h>
#include <metron/core/numbers.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace metron {
namespace {

TEST(Numbers, AreDecimalAndWhole) {
  EXPECT_EQ(parse_number<int>("0"), 0);
  EXPECT_EQ(parse_number<int>("-17"), -17);
  EXPECT_EQ(parse_number<int>("010"), 10) << "no octal";
  EXPECT_EQ(parse_number<std::int64_t>("0000000000000000000000009"), 9);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_number<double>("1.5e-3"), 1.5e-3);
  EXPECT_EQ(parse_number<double>("-.5"), -0.5);
  EXPECT_EQ(parse_number<double>("007.5"), 7.5);
  for (const char* const text : {"", " ", " 1", "1 ", "+1", "0x10", "0b1", "1'000", "1_000", "1,000", "1.0",
                                 "1e3", "ten", "1\n", "--1", "-", "١"}) {
    EXPECT_FALSE(parse_number<int>(text)) << '"' << text << '"';
    EXPECT_FALSE(parse_number<std::uint64_t>(text)) << '"' << text << '"';
  }
  for (const char* const text :
       {"", " 1", "1 ", "+1", "0x1p3", "1,5", "1_000", "1e", "e5", ".", "1.5.2", "one"})
    EXPECT_FALSE(parse_number<double>(text)) << '"' << text << '"';
  EXPECT_FALSE(parse_number<int>(std::string_view("1\0", 2)));
}

TEST(Numbers, NeitherSaturateNorWrap) {
  EXPECT_FALSE(parse_number<int>("2147483648"));
  EXPECT_FALSE(parse_number<int>("-2147483649"));
  EXPECT_FALSE(parse_number<std::int64_t>("9223372036854775808"));
  EXPECT_FALSE(parse_number<std::uint64_t>("18446744073709551616"));
  EXPECT_FALSE(parse_number<std::uint64_t>("-1"));
  EXPECT_FALSE(parse_number<double>("1e400"));
  EXPECT_FALSE(parse_number<double>("-1e400"));
  EXPECT_FALSE(parse_number<double>("1e-400"));
}

TEST(Numbers, AreFiniteOnlyInARange) {
  EXPECT_TRUE(std::isnan(parse_number<double>("nan").value()));
  EXPECT_EQ(parse_number<double>("-inf"), -std::numeric_limits<double>::infinity());
  for (const char* const text : {"nan", "inf", "-inf", "infinity"})
    EXPECT_FALSE(parse_number(text, NumberRange<double>{})) << text;
}

TEST(Numbers, StayInTheirRange) {
  const NumberRange<int> range{1, 64};
  EXPECT_EQ(parse_number("1", range), 1);
  EXPECT_EQ(parse_number("64", range), 64);
  for (const char* const text : {"0", "65", "-1", "1000000000000"})
    EXPECT_FALSE(parse_number(text, range)) << text;
  const NumberRange<double> above{.lowest = 0, .exclude_lowest = true};
  EXPECT_EQ(parse_number("5e-324", above), 5e-324);
  for (const char* const text : {"0", "-0.0", "-1"}) EXPECT_FALSE(parse_number(text, above)) << text;
}

TEST(Numbers, NameTheirRange) {
  EXPECT_EQ((NumberRange<int>{1, 64}.text()), "a whole number from 1 to 64");
  EXPECT_EQ(NumberRange<std::uint64_t>{}.text(), "a whole number from 0 to 18446744073709551615");
  EXPECT_EQ((NumberRange<double>{0, 0.5}.text()), "a number from 0 to 0.5");
  EXPECT_EQ((NumberRange<double>{.lowest = 0, .exclude_lowest = true}.text()), "a finite number above 0");
  EXPECT_EQ((NumberRange<double>{0, 2, true}.text()), "a number above 0, at most 2");
  EXPECT_EQ(NumberRange<double>{.lowest = 3}.text(), "a finite number of at least 3");
  EXPECT_EQ(NumberRange<double>{}.text(), "a finite number");
}

TEST(Numbers, AreWrittenAsPrintfDoes) {
  EXPECT_EQ(fixed_text(1234.5678, 2), "1234.57");
  EXPECT_EQ(fixed_text(-0.125, 0), "-0");
  EXPECT_EQ(fixed_text(1e300, 1).size(), 303u);
  EXPECT_EQ(scientific_text(0.00012, 1), "1.2e-04");
  EXPECT_EQ(general_text(1234567), "1.23457e+06");
  EXPECT_EQ(general_text(0.1f, 9), "0.100000001");
  EXPECT_EQ(fixed_text(std::numeric_limits<double>::infinity(), 3), "inf");
  for (const double value : {0.1, 1e-308, 123456789.125, -5e-324})
    EXPECT_EQ(parse_number<double>(exact_text(value)), value);
}

}  // namespace
}  // namespace metron
