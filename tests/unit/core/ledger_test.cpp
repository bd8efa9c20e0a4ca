#include "support/catch.hpp"

#include <plimsoll/core/ledger.hpp>

using namespace plimsoll;
using namespace plimsoll::core;

TEST_CASE(
    "ledger: a reservation beyond the budget is refused and changes nothing", "[core][ledger]"
) {
    Ledger ledger(gibibytes(10));
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(6)));
    CHECK_FALSE(ledger.reserve(InstanceId{2}, gibibytes(4) + Bytes(1)));
    CHECK(ledger.charged() == gibibytes(6));
    CHECK(ledger.charge_of(InstanceId{2}).is_zero());
    CHECK(ledger.reserve(InstanceId{2}, gibibytes(4)));
    CHECK(ledger.free().is_zero());
}

TEST_CASE("ledger: an instance is charged once", "[core][ledger]") {
    Ledger ledger(gibibytes(10));
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(6)));
    CHECK_FALSE(ledger.reserve(InstanceId{1}, gibibytes(1)));
    CHECK(ledger.charged() == gibibytes(6));
}

TEST_CASE(
    "ledger: what is imposed may end over the budget and comes back whole", "[core][ledger]"
) {
    Ledger ledger(gibibytes(10));
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(6)));
    ledger.impose(InstanceId{2}, gibibytes(7));
    CHECK(ledger.is_over_budget());
    CHECK(ledger.free().is_zero());
    CHECK(ledger.peak() == gibibytes(13));
    ledger.impose(InstanceId{2}, gibibytes(3));
    CHECK(ledger.charged() == gibibytes(9));
    ledger.release(InstanceId{1});
    ledger.release(InstanceId{1});
    CHECK(ledger.charged() == gibibytes(3));
    CHECK(ledger.peak() == gibibytes(13));
}

TEST_CASE("ledger: a charge that saturates does not wrap into free room", "[core][ledger]") {
    Ledger ledger(gibibytes(10));
    ledger.impose(InstanceId{1}, Bytes(UINT64_MAX));
    ledger.impose(InstanceId{2}, gibibytes(1));
    CHECK(ledger.is_over_budget());
    CHECK_FALSE(ledger.reserve(InstanceId{3}, Bytes(1)));
    ledger.release(InstanceId{1});
    CHECK(ledger.charged() == gibibytes(1));
}

TEST_CASE("ledger: a smaller budget takes nothing away and lets nothing in", "[core][ledger]") {
    Ledger ledger(gibibytes(10));
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(6)));
    ledger.set_budget(gibibytes(5));
    CHECK(ledger.is_over_budget());
    CHECK_FALSE(ledger.reserve(InstanceId{2}, Bytes(0)));
}

TEST_CASE("ledger: no card is promised more than its budget", "[core][ledger]") {
    Ledger ledger(
        gibibytes(30), {{gibibytes(10), gibibytes(12), {}}, {gibibytes(20), gibibytes(24), {}}}
    );
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(8), {gibibytes(8), Bytes()}));
    CHECK_FALSE(ledger.reserve(InstanceId{2}, gibibytes(3), {gibibytes(2) + Bytes(1), Bytes()}));
    CHECK(ledger.charged() == gibibytes(8));
    CHECK(ledger.cards_of(InstanceId{2}).empty());
    CHECK(ledger.reserve(InstanceId{2}, gibibytes(3), {gibibytes(2), gibibytes(1)}));
    CHECK(ledger.charged_by_card() == PerCard{gibibytes(10), gibibytes(1)});
    CHECK_FALSE(ledger.reserve(InstanceId{3}, gibibytes(1)));  // might lie on the first
    CHECK_FALSE(ledger.reserve(InstanceId{3}, gibibytes(20), {Bytes(), gibibytes(20)}));
    CHECK(ledger.reserve(InstanceId{3}, gibibytes(19), {Bytes(), gibibytes(19)}));
    CHECK_FALSE(ledger.is_over_budget());
    ledger.impose(InstanceId{4}, Bytes(1));
    CHECK(ledger.is_over_budget());  // on a card, not in the sum
}

TEST_CASE("ledger: what is not placed counts on every card in full", "[core][ledger]") {
    Ledger ledger(gibibytes(20), {{gibibytes(10), {}, {}}, {gibibytes(10), {}, {}}});
    ledger.impose(InstanceId{1}, gibibytes(6));
    CHECK(ledger.charged() == gibibytes(6));
    CHECK(ledger.charged_by_card() == PerCard{gibibytes(6), gibibytes(6)});
    ledger.place(InstanceId{1}, {gibibytes(2), gibibytes(4)});
    CHECK(ledger.charged_by_card() == PerCard{gibibytes(2), gibibytes(4)});
    SECTION("the parts follow the charge") {
        ledger.impose(InstanceId{1}, gibibytes(9));
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(3), gibibytes(6)});
        ledger.impose(InstanceId{1}, gibibytes(3));
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(1), gibibytes(2)});
        ledger.impose(InstanceId{1}, Bytes());
        ledger.impose(InstanceId{1}, Bytes());
        CHECK(ledger.charged_by_card() == PerCard{Bytes(), Bytes()});
        ledger.impose(InstanceId{1}, gibibytes(3));
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(3), gibibytes(3)});
    }
    SECTION("a part that is shown above the charge follows it up to the whole") {
        ledger.place(InstanceId{1}, {gibibytes(8), gibibytes(4)});
        ledger.impose(InstanceId{1}, gibibytes(9));
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(9), gibibytes(6)});
    }
    SECTION("a place for another number of cards, or of nobody, is none") {
        ledger.place(InstanceId{1}, {gibibytes(1)});
        ledger.place(InstanceId{1}, {gibibytes(1), gibibytes(1), gibibytes(1)});
        ledger.place(InstanceId{2}, {gibibytes(1), gibibytes(1)});
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(2), gibibytes(4)});
        CHECK_FALSE(ledger.is_placed(InstanceId{2}));
    }
    SECTION("other cards: nobody knows any more") {
        ledger.set_budget(gibibytes(30), {{gibibytes(10), {}, {}}, {gibibytes(20), {}, {}}});
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(2), gibibytes(4)});
        ledger.set_budget(
            gibibytes(9), {{gibibytes(3), {}, {}}, {gibibytes(3), {}, {}}, {gibibytes(3), {}, {}}}
        );
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(6), gibibytes(6), gibibytes(6)});
        CHECK(ledger.is_over_budget());
        ledger.set_budget(gibibytes(9));
        CHECK(ledger.charged_by_card().empty());
        CHECK_FALSE(ledger.is_over_budget());
    }
    SECTION("released") {
        ledger.release(InstanceId{1});
        CHECK(ledger.charged_by_card() == PerCard{Bytes(), Bytes()});
    }
}

TEST_CASE(
    "ledger: a reservation for another number of cards counts on every card in full",
    "[core][ledger]"
) {
    Ledger ledger(gibibytes(20), {{gibibytes(10), {}, {}}, {gibibytes(10), {}, {}}});
    REQUIRE(ledger.reserve(InstanceId{1}, gibibytes(3), {gibibytes(1)}));
    REQUIRE(ledger.reserve(InstanceId{2}, gibibytes(4), {gibibytes(1), {}, gibibytes(3)}));
    CHECK(ledger.charged_by_card() == PerCard{gibibytes(7), gibibytes(7)});
}

TEST_CASE("ledger: with another number of cards nobody is placed any more", "[core][ledger]") {
    Ledger ledger(gibibytes(20), {{gibibytes(10), {}, {}}, {gibibytes(10), {}, {}}});
    std::vector const ids{InstanceId{1}, InstanceId{2}, InstanceId{3}};
    for (InstanceId const id : ids) {
        ledger.impose(id, gibibytes(4));
        ledger.place(id, {gibibytes(4), Bytes()});
        REQUIRE(ledger.is_placed(id));
    }
    ledger.set_budget(gibibytes(20), {{gibibytes(10), {}, {}}, {gibibytes(12), {}, {}}});
    for (InstanceId const id : ids) {
        CHECK(ledger.is_placed(id));
    }
    std::vector<Card> const cards(3, Card{gibibytes(10), {}, {}});
    ledger.set_budget(gibibytes(30), cards);
    for (InstanceId const id : ids) {
        CHECK_FALSE(ledger.is_placed(id));
        CHECK(ledger.cards_of(id) == PerCard{gibibytes(4), gibibytes(4), gibibytes(4)});
    }
}
