#include "core/placement.hpp"

#include "core/held.hpp"
#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::core;

namespace {

SchedulerConfig with_cards(std::vector<Card> cards) {
    SchedulerConfig config;
    for (Card const& card : cards) {
        config.budget += card.budget;
    }
    config.cards = std::move(cards);
    return config;
}

// The margins of charges are there: three quarters are sure.
CardUse exactly(PerCard const& charged) {
    CardUse use{{}, charged};
    for (Bytes const each : charged) {
        use.least.push_back(each.scaled(0.75));
    }
    return use;
}

Card const k24{gibibytes(22), gibibytes(24), {}};
Card const k16{gibibytes(15), gibibytes(16), {}};

}  // namespace

TEST_CASE("placement: one pool asks nothing of cards", "[core][placement]") {
    CHECK(place(with_cards({}), gibibytes(100), gibibytes(100), exactly({})) == PerCard{});
}

TEST_CASE(
    "placement: what the upstream believes to fit one card goes to the freest", "[core][placement]"
) {
    auto const config = with_cards({k24, k16});
    CHECK(
        place(config, gibibytes(10), gibibytes(8), exactly({Bytes(), Bytes()})) ==
        PerCard{gibibytes(10), Bytes()}
    );
    CHECK(
        place(config, gibibytes(8), gibibytes(8), exactly({gibibytes(14), Bytes()})) ==
        PerCard{Bytes(), gibibytes(8)}
    );
    SECTION("where it cannot be told which is, it has to fit on either") {
        // 16 less a 64th are free on the second for sure, and up to 24 - 3/4 of 11 on the first.
        CHECK(
            place(config, gibibytes(10), gibibytes(8), exactly({gibibytes(11), Bytes()})) ==
            PerCard{gibibytes(10), gibibytes(10)}
        );
        CHECK(
            place(
                config, gibibytes(10), gibibytes(8), exactly({gibibytes(11) + Bytes(2), Bytes()})
            ) == PerCard{Bytes(), gibibytes(10)}
        );
    }
    SECTION("and nothing may be exceeded there") {
        PerCard const charged{gibibytes(9), Bytes()};
        CHECK(place(config, gibibytes(13), gibibytes(8), exactly(charged)).has_value());
        CHECK_FALSE(
            place(config, gibibytes(13) + Bytes(1), gibibytes(8), exactly(charged)).has_value()
        );
    }
}

TEST_CASE("placement: what fits no card is spread over all by what is free", "[core][placement]") {
    auto const config = with_cards({k24, k24});
    PerCard const empty(2);
    Bytes const sure = Bytes((gibibytes(24).count() - gibibytes(24).count() / 64) / 5 * 4);
    CHECK(
        place(config, gibibytes(20), sure, exactly(empty)) == PerCard{gibibytes(20), gibibytes(20)}
    );
    SECTION("whole cards may be taken up to the last byte that may be free") {
        Bytes const at_most = Bytes(gibibytes(24).count() / 5 * 4);
        CHECK(place(config, gibibytes(20), at_most, exactly(empty))->front() == gibibytes(20));
        auto const spread = place(config, gibibytes(20), at_most + Bytes(1), exactly(empty));
        REQUIRE(spread);
        // 24 of 24 + 23.625, and a fortieth more.
        CHECK(spread->front() > gibibytes(10) + mebibytes(580));
        CHECK(spread->front() < gibibytes(10) + mebibytes(600));
        CHECK(spread->front() == spread->back());
    }
    SECTION("by shares of the free room") {
        auto const uneven =
            place(config, gibibytes(20), gibibytes(30), exactly({gibibytes(12), Bytes()}));
        REQUIRE(uneven);
        // 15 of 38.6, and a fortieth
        CHECK(uneven->front() > gibibytes(8) + mebibytes(200));
        CHECK(uneven->front() < gibibytes(8) + mebibytes(300));
        // 24 of 35.6, and a fortieth
        CHECK(uneven->back() > gibibytes(13) + mebibytes(900));
        CHECK(uneven->back() < gibibytes(14));
    }
    SECTION("between the two it may be either, and both have to fit") {
        PerCard const charged{gibibytes(6), gibibytes(13)};
        // The first has 17.6 for sure and up to 19.5: 15 lies between four fifths of these.
        auto const either = place(config, gibibytes(14), gibibytes(15), exactly(charged));
        REQUIRE(either);
        CHECK(either->front() == gibibytes(14));
        CHECK(either->back() > gibibytes(6));
        CHECK(either->back() < gibibytes(8));
    }
    SECTION("no card may be exceeded") {
        CHECK(place(config, gibibytes(41), gibibytes(41), exactly(empty)).has_value());
        CHECK_FALSE(place(config, gibibytes(42), gibibytes(42), exactly(empty)).has_value());
    }
}

TEST_CASE("placement: what others use is not free", "[core][placement]") {
    auto config = with_cards({k24, k24});
    config.cards[0].others = gibibytes(2);
    CHECK(
        place(config, gibibytes(8), gibibytes(8), exactly(PerCard(2))) ==
        PerCard{Bytes(), gibibytes(8)}
    );
    auto const spread = place(config, gibibytes(30), gibibytes(30), exactly(PerCard(2)));
    REQUIRE(spread);
    CHECK(spread->front() < spread->back());
}

TEST_CASE("placement: full cards take nothing", "[core][placement]") {
    auto const config = with_cards({k24, k24});
    PerCard const full{gibibytes(30), gibibytes(30)};
    CHECK_FALSE(place(config, gibibytes(1), gibibytes(1), exactly(full)).has_value());
}

TEST_CASE("placement: where nothing is free it may come to any card in full", "[core][placement]") {
    auto config = with_cards({k24, k16});
    for (Card& card : config.cards) {
        card.others = card.total;
    }
    CHECK(
        place(config, gibibytes(15), gibibytes(15), exactly(PerCard(2))) ==
        PerCard{gibibytes(15), gibibytes(15)}
    );
    CHECK_FALSE(place(config, gibibytes(16), gibibytes(16), exactly(PerCard(2))));
}

TEST_CASE("placement: sums by card", "[core][placement]") {
    PerCard sum;
    add(sum, {gibibytes(1), gibibytes(2)});
    add(sum, {gibibytes(3), Bytes()});
    add(sum, {});
    CHECK(sum == PerCard{gibibytes(4), gibibytes(2)});
}

TEST_CASE(
    "placement: a card beyond its budget hinders only what would come to it", "[core][placement]"
) {
    auto const config = with_cards({k24, k24});
    PerCard const charged{gibibytes(23), Bytes()};
    CHECK(excess(config.cards, charged) == PerCard{gibibytes(1), Bytes()});
    CHECK(is_any_over(config.cards, charged));
    CHECK_FALSE(is_any_over(config.cards, {gibibytes(22), gibibytes(22)}));
    CHECK(
        place(config, gibibytes(10), gibibytes(8), exactly(charged)) ==
        PerCard{Bytes(), gibibytes(10)}
    );
    CHECK_FALSE(place(config, gibibytes(20), gibibytes(20), exactly(charged)));
}

TEST_CASE("placement: only what lies on a card beyond its budget is over it", "[core][placement]") {
    std::vector<Card> const cards{k24, k16};
    PerCard const charged{gibibytes(23), gibibytes(15)};
    CHECK(is_over_where(cards, charged, {Bytes(1), Bytes()}));
    CHECK(is_over_where(cards, charged, {gibibytes(1), gibibytes(1)}));
    CHECK_FALSE(is_over_where(cards, charged, {Bytes(), gibibytes(15)}));
    CHECK_FALSE(is_over_where(cards, {gibibytes(22), gibibytes(15)}, charged));
}

TEST_CASE("placement: the largest charge may be the whole budget", "[core][placement]") {
    auto const config = with_cards({{gibibytes(10), gibibytes(100), {}}, {{}, gibibytes(1), {}}});
    Held others(config);
    CHECK(largest_beside(config, others) == gibibytes(10));
    SECTION("or the last 256th that others leave of it") {
        others.charge = gibibytes(10) - mebibytes(40);
        CHECK(largest_beside(config, others) == mebibytes(40));
        others.charge += Bytes(1);
        CHECK(largest_beside(config, others).is_zero());
    }
}

TEST_CASE("placement: the largest charge of cards without a budget is none", "[core][placement]") {
    auto const config = with_cards({{{}, gibibytes(24), {}}, {{}, gibibytes(24), {}}});
    CHECK(largest_beside(config, Held(config)).is_zero());
}

TEST_CASE(
    "placement: a larger charge that would fit again is not the largest", "[core][placement]"
) {
    Card const card{gibibytes(15), gibibytes(24), {}};
    auto const config = with_cards({card, card});
    Held const nothing(config);
    // On one card, as the upstream believes that it fits there; what it spreads over both fits.
    REQUIRE_FALSE(is_within_budget(config, nothing, gibibytes(16), gibibytes(16)));
    REQUIRE(is_within_budget(config, nothing, gibibytes(24), gibibytes(24)));
    CHECK(largest_beside(config, nothing) == gibibytes(15));
}
