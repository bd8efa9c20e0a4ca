// Rule 15: what a load that failed means for its tickets, and for the next load of its settings.
#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::Duration;
using plimsoll::gibibytes;

namespace {

void fail(Driver& d, Load const& load, LoadFailure failure) {
    d.on(LoadFailed{load.instance, failure, ""});
}

// The load that is sent once the upstream is surely rid of the one that failed.
Load again(Driver& d) {
    d.list_ready();
    d.pass(1s);
    d.confirm_gone();
    return d.only<Load>();
}

Load first(Driver& d, Demand const& wanted) {
    d.ask(wanted);
    d.list_ready();
    return d.only<Load>();
}

std::vector<TicketId> refused(Driver const& d) {
    std::vector<TicketId> ids;
    for (Refuse const& refuse : d.all<Refuse>()) {
        ids.push_back(refuse.ticket);
    }
    std::ranges::sort(ids);
    return ids;
}

Duration pause_after(Driver& d, Load const& load) {
    fail(d, load, LoadFailure::Busy);
    return d.scheduler.next_wakeup().value() - d.now;
}

}  // namespace

TEST_CASE(
    "failures: what failed an hour ago is forgotten, and with it the longer bars", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    auto const bar_of = [&d](std::uint32_t num_ctx) {
        d.ask(demand("a", plimsoll::gibibytes(1), num_ctx));
        d.list_ready();
        REQUIRE(d.all<Load>().size() == 1);
        d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Refused, "bad file"});
        auto const bar = d.only<Refuse>().retry_after;
        d.list_ready();
        d.pass(1s);
        d.confirm_gone();
        return bar;
    };
    CHECK(bar_of(4096) == 30s);
    d.pass(1min);
    CHECK(bar_of(4096) == 60s);
    CHECK(bar_of(8192) == 30s);
    // An hour from the end of the bar, and not a moment before.
    d.pass(59min);
    CHECK(bar_of(4096) == 120s);
    d.pass(63min);
    CHECK(bar_of(4096) == 30s);
}

TEST_CASE(
    "failure: a busy upstream is asked again after half a second, doubling to eight, and a load "
    "that works starts anew",
    "[core][load]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(4)));
    std::vector<Duration> pauses;
    for (int i = 0; i < 6; ++i) {
        d.list_ready();
        pauses.push_back(pause_after(d, d.only<Load>()));
        d.pass(pauses.back() - 1ms);
        CHECK(d.none<Observe>());
        d.pass(1ms);
        CHECK(d.all<Observe>().size() == 1);
    }
    CHECK(pauses == std::vector<Duration>{500ms, 1s, 2s, 4s, 8s, 8s});
    d.list_ready();
    d.loaded(d.only<Load>());
    CHECK(pause_after(d, first(d, demand("b", gibibytes(4)))) == 500ms);
}

TEST_CASE(
    "failure: the third load in a row that breaks the connection bars, and the count starts anew",
    "[core][load]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Load load = first(d, demand("a", gibibytes(4)));
    for (int i = 0; i < 2; ++i) {
        fail(d, load, LoadFailure::UpstreamDown);
        CHECK(d.none<Refuse>());
        load = again(d);
    }
    SECTION("after the bar") {
        fail(d, load, LoadFailure::UpstreamDown);
        CHECK(d.only<Refuse>().kind == RefuseKind::LoadFailed);
        CHECK(d.only<Refuse>().retry_after == 30s);
        d.list_ready();
        d.pass(1s);
        d.confirm_gone();
        d.pass(30s);
    }
    SECTION("after a load that works") {
        d.loaded(load);
        d.on(TicketEnded{d.only<Dispatch>().ticket, TicketOutcome::Done});
        d.pass(7s);
        d.on(UnloadRequested{"a"});
        d.confirm_gone();
    }
    load = first(d, demand("a", gibibytes(4)));
    for (int i = 0; i < 2; ++i) {
        fail(d, load, LoadFailure::UpstreamDown);
        CHECK(d.none<Refuse>());
        load = again(d);
    }
    fail(d, load, LoadFailure::UpstreamDown);
    CHECK(d.only<Refuse>().kind == RefuseKind::LoadFailed);
}

TEST_CASE(
    "failure: a load that works ends the count of failures and renews the retry", "[core][load]"
) {
    Driver d(Driver::small(gibibytes(20)));
    Load load = first(d, demand("a", gibibytes(10)));
    fail(d, load, LoadFailure::OutOfMemory);
    load = again(d);
    fail(d, load, LoadFailure::OutOfMemory);
    CHECK(d.only<Refuse>().retry_after == 30s);
    d.list_ready();
    d.pass(1s);
    d.confirm_gone();
    d.pass(30s);
    d.loaded(first(d, demand("a", gibibytes(10))));
    d.on(TicketEnded{d.only<Dispatch>().ticket, TicketOutcome::Done});
    d.pass(7s);
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    fail(d, first(d, demand("a", gibibytes(10))), LoadFailure::OutOfMemory);
    CHECK(d.none<Refuse>());
    fail(d, again(d), LoadFailure::OutOfMemory);
    CHECK(d.only<Refuse>().retry_after == 30s);
}

TEST_CASE(
    "failure: out of memory spares those who ask for less than what failed, not for as much",
    "[core][load]"
) {
    Driver d(Driver::small(gibibytes(12)));
    TicketId const as_much = d.ask(demand("a", gibibytes(11), 4096));
    TicketId const wide = d.ask(demand("a", gibibytes(10), 8192));
    d.ask(demand("a", gibibytes(11) - Bytes(1), 2048));
    d.list_ready();
    Load const load = d.only<Load>();
    REQUIRE(load.demand.settings.num_ctx == 8192);
    fail(d, load, LoadFailure::OutOfMemory);
    Load const larger = again(d);
    REQUIRE(larger.demand.charge == gibibytes(11));
    fail(d, larger, LoadFailure::OutOfMemory);
    CHECK(refused(d) == std::vector{as_much, wide});
}

TEST_CASE(
    "failure: an unknown model is nobody's, a refused load answers only those it would have served",
    "[core][load]"
) {
    Driver d(Driver::small(gibibytes(12)));
    Demand other = demand("a", gibibytes(4));
    other.settings.options.num_thread = 2;
    TicketId const one = d.ask(demand("a", gibibytes(4)));
    TicketId const two = d.ask(other);
    d.list_ready();
    Load const load = d.only<Load>();
    REQUIRE_FALSE(load.demand.settings.options.num_thread);
    SECTION("not found") {
        fail(d, load, LoadFailure::NotFound);
        CHECK(refused(d) == std::vector{one, two});
    }
    SECTION("refused") {
        fail(d, load, LoadFailure::Refused);
        CHECK(refused(d) == std::vector{one});
        CHECK(again(d).demand.settings.options.num_thread == 2);
    }
    SECTION("no progress") {
        fail(d, load, LoadFailure::Timeout);
        CHECK(d.only<Refuse>().kind == RefuseKind::LoadFailed);
        CHECK(d.only<Refuse>().ticket == one);
    }
}

TEST_CASE("failure: a raised charge is for its own settings only", "[core][load]") {
    Driver d(Driver::small(gibibytes(20)));
    Load const load = first(d, demand("a", gibibytes(10)));
    fail(d, load, LoadFailure::OutOfMemory);
    d.on(TicketCancelled{TicketId{d.last_ticket}});
    d.list_ready();
    d.pass(1s);
    d.confirm_gone();
    Load const other = first(d, demand("a", gibibytes(10), 2048));
    CHECK(other.demand.charge == gibibytes(10));
    fail(d, other, LoadFailure::NotFound);
    CHECK(first(d, demand("a", gibibytes(10))).demand.charge == gibibytes(11));
}

TEST_CASE("failure: a pinned model is tried again when its bar ends", "[core][load]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(4)), "operator", {}});
    d.list({});
    fail(d, d.only<Load>(), LoadFailure::Refused);
    auto const end = d.now + 30s;
    d.list({});
    d.pass(1s);
    d.confirm_gone();
    REQUIRE(d.charged().is_zero());
    d.pass(5s);
    CHECK(d.scheduler.next_wakeup() == end);
    CHECK(d.total<Load>() == 1);
    d.now = end;
    d.on(TimePassed{});
    d.list({});
    CHECK(d.only<Load>().demand.weights == "a");
}

TEST_CASE("failure: a load that works clears its own settings only", "[core][load]") {
    Driver d(Driver::small(gibibytes(20)));
    Demand const bad = demand("a", gibibytes(4));
    Demand const good = demand("a", gibibytes(4), 2048);
    auto const bar_of = [&] {
        fail(d, first(d, bad), LoadFailure::Refused);
        Duration const bar = d.only<Refuse>().retry_after.value();
        d.list_ready();
        d.pass(1s);
        d.confirm_gone();
        d.pass(bar);
        return bar;
    };
    CHECK(bar_of() == 30s);
    d.loaded(first(d, good));
    d.on(TicketEnded{d.only<Dispatch>().ticket, TicketOutcome::Done});
    d.pass(7s);
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    CHECK(bar_of() == 60s);
}
