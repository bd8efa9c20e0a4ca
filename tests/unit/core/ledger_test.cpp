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
