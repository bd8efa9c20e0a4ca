#include "support/catch.hpp"

#include <plimsoll/config/config.hpp>

using namespace plimsoll;
using config::Budget;

namespace {

struct Resolved {
    Bytes bytes;
    std::string warning;
};

Resolved resolve(Budget const& budget, Bytes reserve, std::optional<Bytes> device) {
    Resolved resolved;
    auto const cards = device ? std::vector{*device} : std::vector<Bytes>{};
    auto const limits =
        config::resolve_budget(budget, reserve, cards, gibibytes(64), resolved.warning);
    resolved.bytes = limits.budget;
    CHECK(limits.device_total == device);
    CHECK(limits.cards.empty());
    return resolved;
}

Budget absolute(Bytes bytes) {
    return {.kind = Budget::Kind::Absolute, .bytes = bytes, .percent = 0};
}

Budget percent(double share) {
    return {.kind = Budget::Kind::Percent, .bytes = {}, .percent = share};
}

}  // namespace

TEST_CASE("budget: cap and reserve are two bounds and the tighter one holds", "[config][unit]") {
    CHECK(resolve(absolute(gibibytes(20)), gibibytes(2), gibibytes(24)).bytes == gibibytes(20));
    CHECK(resolve(absolute(gibibytes(20)), gibibytes(6), gibibytes(24)).bytes == gibibytes(18));
    CHECK(resolve(percent(50), gibibytes(1), gibibytes(24)).bytes == gibibytes(12));
    CHECK(resolve(percent(100), gibibytes(1), gibibytes(24)).bytes == gibibytes(23));
    CHECK(resolve({}, gibibytes(1), gibibytes(24)).bytes == gibibytes(23));
    CHECK(resolve({}, gibibytes(30), gibibytes(24)).bytes == Bytes(0));
    // The runtime wants some to stay free.
    CHECK(resolve({}, Bytes(0), gibibytes(24)).bytes == gibibytes(23));
    CHECK(resolve({}, Bytes(0), gibibytes(24)).warning.empty());
    CHECK(resolve({}, gibibytes(3), gibibytes(24)).bytes == gibibytes(21));
}

TEST_CASE("budget: a budget beyond the card is cut and said", "[config][unit]") {
    Resolved const resolved = resolve(absolute(gibibytes(30)), gibibytes(1), gibibytes(24));
    CHECK(resolved.bytes == gibibytes(23));
    CHECK_THAT(resolved.warning, ContainsSubstring("30 GiB is more than the GPU's 24 GiB"));
    CHECK(resolve(absolute(gibibytes(20)), Bytes(0), gibibytes(24)).warning.empty());
}

TEST_CASE("budget: too little left free on the card is said", "[config][unit]") {
    CHECK(resolve(absolute(gibibytes(23)), Bytes(0), gibibytes(24)).warning.empty());
    Resolved const tight =
        resolve(absolute(gibibytes(24) - mebibytes(512)), Bytes(0), gibibytes(24));
    CHECK(tight.bytes == gibibytes(24) - mebibytes(512));
    CHECK_THAT(tight.warning, ContainsSubstring("leaves 512 MiB of the GPU's 24 GiB free"));
    CHECK_THAT(tight.warning, ContainsSubstring("at most 23 GiB"));
    CHECK_FALSE(resolve(percent(100), Bytes(0), gibibytes(24)).warning.empty());
}

TEST_CASE(
    "budget: where no card can be read the host's memory counts, with a warning", "[config][unit]"
) {
    Resolved const automatic = resolve({}, Bytes(0), std::nullopt);
    CHECK(automatic.bytes == gibibytes(48));
    CHECK_THAT(automatic.warning, ContainsSubstring("three quarters of the host's 64 GiB: 48 GiB"));
    CHECK(resolve(percent(25), Bytes(0), std::nullopt).bytes == gibibytes(16));
    CHECK_FALSE(resolve(percent(25), Bytes(0), std::nullopt).warning.empty());
}

TEST_CASE("budget: a size needs no card, a reserve does", "[config][unit]") {
    Resolved const plain = resolve(absolute(gibibytes(20)), Bytes(0), std::nullopt);
    CHECK(plain.bytes == gibibytes(20));
    CHECK(plain.warning.empty());
    CHECK_THAT(
        resolve(absolute(gibibytes(20)), gibibytes(1), std::nullopt).warning,
        ContainsSubstring("the reserve of 1 GiB cannot be kept")
    );
}

TEST_CASE("budget: of several cards each has its part", "[config][unit]") {
    std::vector<Bytes> const cards{gibibytes(24), gibibytes(16)};
    std::string warning;
    auto const with = [&](Budget const& budget, Bytes reserve) {
        return config::resolve_budget(budget, reserve, cards, gibibytes(64), warning);
    };
    SECTION("auto: all but what the runtime wants free on each") {
        auto const limits = with({}, Bytes(0));
        CHECK(limits.budget == gibibytes(38));
        CHECK(limits.device_total == gibibytes(40));
        REQUIRE(limits.cards.size() == 2);
        CHECK(limits.cards[0] == core::Card{gibibytes(23), gibibytes(24), Bytes()});
        CHECK(limits.cards[1] == core::Card{gibibytes(15), gibibytes(16), Bytes()});
        CHECK(warning.empty());
    }
    SECTION("the reserve stays free on each") {
        auto const limits = with({}, gibibytes(3));
        CHECK(limits.cards[0].budget == gibibytes(21));
        CHECK(limits.cards[1].budget == gibibytes(13));
        CHECK(limits.budget == gibibytes(34));
    }
    SECTION("a percentage is of each") {
        auto const limits = with(percent(50), Bytes(0));
        CHECK(limits.cards[0].budget == gibibytes(12));
        CHECK(limits.cards[1].budget == gibibytes(8));
        CHECK(with(percent(98), Bytes(0)).budget < gibibytes(40));
        CHECK_THAT(warning, ContainsSubstring("to spare on its card falls to the CPU"));
        CHECK_THAT(warning, ContainsSubstring("at most 38 GiB"));
    }
    SECTION("bytes are shared by size") {
        auto const limits = with(absolute(gibibytes(20)), Bytes(0));
        CHECK(limits.cards[0].budget == gibibytes(12));
        CHECK(limits.cards[1].budget == gibibytes(8));
        CHECK(warning.empty());
        CHECK(with(absolute(Bytes(20'000'000'001)), Bytes(0)).budget >= Bytes(20'000'000'000));
        CHECK(warning.empty());
    }
    SECTION("too many bytes are cut and said") {
        auto const limits = with(absolute(gibibytes(50)), gibibytes(1));
        CHECK(limits.budget == gibibytes(38));
        CHECK_THAT(
            warning,
            ContainsSubstring(
                "50 GiB is more than the GPUs' 40 GiB less the reserve of 1 GiB on each"
            )
        );
    }
}
