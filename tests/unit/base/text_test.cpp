#include "support/catch.hpp"

#include <plimsoll/base/text.hpp>

#include <array>

using namespace plimsoll;

TEST_CASE("text: trimming takes white space off both ends only", "[base][unit]") {
    CHECK(trim("  a b\t\r\n") == "a b");
    CHECK(trim(" \t ").empty());
    CHECK(trim("").empty());
}

TEST_CASE("text: comparison without case is ASCII only", "[base][unit]") {
    CHECK(to_lower("AbC-\xc3\x84") == "abc-\xc3\x84");
    CHECK(iequals("Host", "hOST"));
    CHECK_FALSE(iequals("Host", "Hosts"));
    CHECK_FALSE(iequals("[", "{"));  // they differ in the bit that tells letters' case
    CHECK(istarts_with("Bearer x", "bearer "));
    CHECK_FALSE(istarts_with("Be", "bearer"));
    CHECK(iends_with("x-CLOUD", "-cloud"));
    CHECK_FALSE(iends_with("d", "cloud"));
}

TEST_CASE("text: splitting keeps empty parts", "[base][unit]") {
    using Parts = std::vector<std::string_view>;
    CHECK(split("a,,b", ',') == Parts{"a", "", "b"});
    CHECK(split("", ',') == Parts{""});
    CHECK(split("a,", ',') == Parts{"a", ""});
}

TEST_CASE("text: a number is digits and nothing else", "[base][unit]") {
    CHECK(parse_u64("18446744073709551615") == UINT64_MAX);
    CHECK(parse_u64("007") == 7U);
    CHECK_FALSE(parse_u64("18446744073709551616"));
    CHECK_FALSE(parse_u64(""));
    CHECK_FALSE(parse_u64("+1"));
    CHECK_FALSE(parse_u64("-1"));
    CHECK_FALSE(parse_u64("1 "));
    CHECK_FALSE(parse_u64("0x10"));
}

TEST_CASE(
    "text: the nearest word is found only where a slip of the fingers explains it", "[base][unit]"
) {
    constexpr std::array<std::string_view, 4> kKeys = {"budget", "reserve", "url", "parallel"};
    CHECK(nearest("budgett", kKeys) == "budget");
    CHECK(nearest("bugdet", kKeys) == "budget");
    CHECK(nearest("Reserved", kKeys) == "reserve");
    CHECK(nearest("ulr", kKeys) == "url");
    CHECK_FALSE(nearest("timeout", kKeys));
    CHECK_FALSE(nearest("", kKeys));
    CHECK_FALSE(nearest(std::string(100'000, 'a'), kKeys));
}
