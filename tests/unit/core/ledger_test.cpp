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
        ledger.impose(InstanceId{1}, gibibytes(3));
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(3), gibibytes(3)});
    }
    SECTION("a place for another number of cards, or of nobody, is none") {
        ledger.place(InstanceId{1}, {gibibytes(1)});
        ledger.place(InstanceId{2}, {gibibytes(1), gibibytes(1)});
        CHECK(ledger.charged_by_card() == PerCard{gibibytes(2), gibibytes(4)});
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
