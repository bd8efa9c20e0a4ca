// Rule 13: what the bound covers, and that it promises no more than it must. That it holds is for
// the worlds of tests/property to show.
#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Duration;
using plimsoll::gibibytes;

namespace {

constexpr Duration kQuantum = 8 * (2s + 1s);  // of the demands of this file

// One model is busy and its answers take a second; nobody waits yet.
Driver busy(Demand const& wanted) {
    Driver d(Driver::small(gibibytes(20)));
    TicketId const ticket = d.ask(wanted);
    d.list({});
    d.now += 2s;
    d.loaded(d.only<Load>());
    d.now += 1s;
    d.on(TicketEnded{ticket, TicketOutcome::Done});
    d.ask(wanted);
    return d;
}

Driver busy() {
    return busy(demand("a", gibibytes(12)));
}

Duration bound(Driver const& d) {
    return d.scheduler.bound(d.now).value();
}

}  // namespace

TEST_CASE("bound: with one that waits it is the patience and some turns", "[core][bound]") {
    Driver d = busy();
    d.ask(demand("b", gibibytes(12)));
    CHECK(bound(d) >= 15s + 2 * kQuantum);
    CHECK(bound(d) <= 15s + 4 * kQuantum);
}

TEST_CASE("bound: an unload that takes longer makes it longer", "[core][bound]") {
    Demand slow = demand("a", gibibytes(12));
    slow.unload_time = 5s;
    CHECK(bound(busy(slow)) >= bound(busy()) + 8 * 4s);
}

TEST_CASE("bound: each model that has to be loaded adds a turn", "[core][bound]") {
    Driver d = busy();
    d.ask(demand("b", gibibytes(12)));
    Duration const one = bound(d);
    d.ask(demand("c", gibibytes(12)));
    Duration const two = bound(d);
    CHECK(two >= one + kQuantum);
    d.ask(demand("c", gibibytes(13), 8192));  // other settings: a load of its own
    CHECK(bound(d) >= two + kQuantum);
}

TEST_CASE("bound: many short answers of one load add no turn each", "[core][bound]") {
    Driver d = busy();
    d.ask(demand("b", gibibytes(12)));
    Duration const one = bound(d);
    for (int i = 0; i < 9; ++i) {
        d.ask(demand("b", gibibytes(12)));
    }
    CHECK(bound(d) > one);
    CHECK(bound(d) < one + 5 * kQuantum);
}

TEST_CASE("bound: it covers the patience of the lowest class that waits", "[core][bound]") {
    Driver d = busy();
    d.ask(demand("b", gibibytes(12)));
    Ticket ticket;
    ticket.id = TicketId{1000};
    ticket.priority = Priority::Low;
    ticket.demand = demand("b", gibibytes(13), 8192);
    d.on(TicketArrived{ticket});
    CHECK(bound(d) >= 60s + 3 * kQuantum);
}

TEST_CASE("bound: a load that takes longer than expected makes it longer", "[core][bound]") {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(demand("a", gibibytes(12)));
    d.list({});
    Duration const before = bound(d);
    d.pass(12s);
    CHECK(bound(d) >= before + 8 * 8s);
}

TEST_CASE(
    "bound: a row that left by itself says nothing of how long unloads take", "[core][bound]"
) {
    Driver d = busy();
    d.on(TicketEnded{TicketId{d.last_ticket}, TicketOutcome::Done});
    Duration const before = bound(d);
    d.pass(10s);
    d.list({});
    d.now += 1ms;
    d.list({});
    REQUIRE_FALSE(d.scheduler.has_instances());
    CHECK(bound(d) <= before);
}

TEST_CASE("bound: a load that was given up spoils it after five seconds", "[core][bound]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", gibibytes(4)));
    d.list({});
    Load const load = d.only<Load>();
    d.on(TicketCancelled{ticket});
    d.now += 1s;
    d.on(LoadFailed{load.instance, LoadFailure::Aborted, ""});
    CHECK(d.scheduler.bound(d.now + 5s));
    CHECK_FALSE(d.scheduler.bound(d.now + 5s + 1ms));
}

TEST_CASE(
    "bound: a suspect that went at last says nothing of how long unloads take", "[core][bound]"
) {
    auto const after = [](Duration unload) {
        Driver d(Driver::small(gibibytes(20)));
        d.load(demand("a", gibibytes(12)));
        d.pass(7s);
        d.on(UnloadRequested{"a"});
        d.pass(unload);
        d.confirm_gone();
        REQUIRE(d.charged().is_zero());
        return bound(d);
    };
    CHECK(after(10s) > after(1s));
    CHECK(after(40s) <= after(1s));
}
