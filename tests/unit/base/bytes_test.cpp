#include "support/catch.hpp"

#include <plimsoll/base/bytes.hpp>

using namespace plimsoll;

namespace {

constexpr Bytes kLargest{UINT64_MAX};

struct Case {
    char const* text;
    std::optional<std::uint64_t> bytes;
};

}  // namespace

TEST_CASE("bytes: a sum that would wrap stays at the largest value", "[base][unit]") {
    CHECK(kLargest + Bytes(1) == kLargest);
    CHECK(Bytes(5) - Bytes(6) == Bytes(0));
    Bytes sum = gibibytes(1);
    sum += mebibytes(1);
    sum -= kibibytes(1);
    CHECK(sum.count() == (1ULL << 30) + (1ULL << 20) - 1024);
}

TEST_CASE("bytes: scaling rounds up and never wraps", "[base][unit]") {
    CHECK(Bytes(10).scaled(0.11) == Bytes(2));
    CHECK(Bytes(10).scaled(0) == Bytes(0));
    CHECK(kLargest.scaled(1.5) == kLargest);
    CHECK(Bytes(1ULL << 60).scaled(1) == Bytes(1ULL << 60));
}

TEST_CASE("bytes: sizes are read as people and tools write them", "[base][unit]") {
    Case const c = GENERATE(
        Case{"22GiB", 22ULL << 30},
        Case{"512 MiB", 512ULL << 20},
        Case{"1.5g", 3ULL << 29},
        Case{"1024", 1024},
        Case{" 7 kb ", 7000},
        Case{"1GB", 1'000'000'000},
        Case{"0.5 TiB", 1ULL << 39},
        Case{"17 bytes", 17},
        Case{"0", 0},
        Case{"9007199254740993", 9007199254740993},
        Case{"9223372036854775808", 1ULL << 63},
        Case{"9223372036854775809", std::nullopt},
        Case{"99999999 TiB", std::nullopt},
        Case{"", std::nullopt},
        Case{"GiB", std::nullopt},
        Case{".", std::nullopt},
        Case{"1.", std::nullopt},
        Case{"1.2.3g", std::nullopt},
        Case{"-1g", std::nullopt},
        Case{"+1g", std::nullopt},
        Case{"1e3", std::nullopt},
        Case{"22 Gib its", std::nullopt},
        Case{"inf", std::nullopt},
        Case{"nan", std::nullopt}
    );
    CAPTURE(c.text);
    std::optional<Bytes> const parsed = parse_bytes(c.text);
    REQUIRE(parsed.has_value() == c.bytes.has_value());
    if (parsed) {
        CHECK(parsed->count() == *c.bytes);
    }
}

TEST_CASE("bytes: sizes are printed in the unit that a person would choose", "[base][unit]") {
    CHECK(format_bytes(Bytes(0)) == "0 bytes");
    CHECK(format_bytes(Bytes(1)) == "1 byte");
    CHECK(format_bytes(Bytes(17)) == "17 bytes");
    CHECK(format_bytes(mebibytes(300)) == "300 MiB");
    CHECK(format_bytes(mebibytes(22016)) == "21.5 GiB");
    CHECK(format_bytes(Bytes((1ULL << 30) - 1)) == "1 GiB");
    CHECK(format_bytes(kLargest) == "16777216 TiB");
    CHECK(format_mib(mebibytes(22000)) == "22000 MiB");
    CHECK(format_mib(Bytes((1ULL << 20) + 1)) == "2 MiB");
    CHECK(format_mib(kLargest) == "17592186044416 MiB");
}
