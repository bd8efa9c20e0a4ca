#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

TEST_CASE("pin: a pinned model is loaded though nobody asks for it, and stays", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "operator", {}});
    d.list({});
    d.loaded(d.only<Load>());
    d.pass(24h);
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE(
    "pin: what cannot fit beside the pins is refused with the arithmetic, waiters too",
    "[core][pin]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("b", gibibytes(6)));
    TicketId const waiting = d.ask(demand("a", gibibytes(7)));
    d.on(PinSet{demand("b", gibibytes(6)), "operator", {}});
    CHECK(d.only<Refuse>().ticket == waiting);
    d.ask(demand("a", gibibytes(7)));
    Refuse const refuse = d.only<Refuse>();
    CHECK(refuse.kind == RefuseKind::DoesNotFit);
    CHECK_THAT(refuse.reason, ContainsSubstring("6 GiB") && ContainsSubstring("pinned"));
}

TEST_CASE("pin: one that cannot fit is refused with a notice", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "operator", {}});
    d.on(PinSet{demand("b", gibibytes(6)), "operator", {}});
    CHECK_THAT(d.only<Notice>().text, ContainsSubstring("refused"));
    CHECK(d.scheduler.snapshot(d.now).pins.size() == 1);
}

TEST_CASE("pin: a shrunken budget drops the newest pins with an event", "[core][pin]") {
    auto config = Driver::small(gibibytes(20));
    Driver d(config);
    d.on(PinSet{demand("a", gibibytes(6)), "operator", {}});
    d.on(PinSet{demand("b", gibibytes(6)), "operator", {}});
    config.budget = gibibytes(10);
    d.on(ConfigChanged{config});
    auto const pins = d.scheduler.snapshot(d.now).pins;
    REQUIRE(pins.size() == 1);
    CHECK(pins.front().weights == "a");
    CHECK(d.all<Notice>().front().level == Notice::Level::Alert);
}

TEST_CASE("pin: its end releases the instance to the keep-alive", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "chain 7", d.now + 10min});
    d.list({});
    d.loaded(d.only<Load>());
    d.pass(9min);
    CHECK(d.none<Unload>());
    d.pass(62s);
    CHECK(d.all<Unload>().front().attempt == 1);
}

TEST_CASE("pin: a short one yields to an overdue target, not to another", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "chain 7", d.now + 1h});
    d.list({});
    d.loaded(d.only<Load>());
    d.pass(10s);
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.none<Unload>());
    d.pass(15s);
    CHECK(d.only<Unload>().weights == "a");
    CHECK_THAT(d.all<Notice>().front().text, ContainsSubstring("pin of a:latest"));
}

TEST_CASE("pin: as many are dropped as a smaller budget cannot hold", "[core][pin]") {
    auto config = Driver::small(gibibytes(18));
    Driver d(config);
    for (std::string const name : {"a", "b", "c"}) {
        d.on(PinSet{demand(name, gibibytes(6)), "operator", {}});
    }
    config.budget = gibibytes(11);
    d.on(ConfigChanged{config});
    CHECK(d.scheduler.snapshot(d.now).pins.size() == 1);
}

TEST_CASE("pin: one that is over already changes nothing", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "chain 7", d.now});
    CHECK(d.last.empty());
    CHECK(d.scheduler.snapshot(d.now).pins.empty());
}

TEST_CASE("pin: its end is a moment at which the scheduler wants to be woken", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    plimsoll::TimePoint const end = d.now + 10s;
    d.on(PinSet{demand("a", gibibytes(6)), "chain 7", end});
    CHECK(d.scheduler.next_wakeup() == end);
}

TEST_CASE("pin: the other pins hold their room against a pinned model, too", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(4)), "operator", {}});
    d.on(PinSet{demand("b", gibibytes(4)), "operator", {}});
    d.ask(demand("a", gibibytes(7), 16384));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
}

TEST_CASE("pin: one that is over already does not end the one that holds", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(6)), "operator", {}});
    d.on(PinSet{demand("a", gibibytes(6)), "chain 7", d.now});
    REQUIRE(d.scheduler.snapshot(d.now).pins.size() == 1);
    CHECK(d.scheduler.snapshot(d.now).pins.front().owner == "operator");
}

namespace {

using plimsoll::Duration;

// Seen, and evicted since it does not fit.
bool evicts_foreign(Driver& d) {
    Row const row{"x", "x", gibibytes(11), gibibytes(11), 4096, {}, {}, {}};
    d.list({row});
    return d.all<Unload>().size() == 1;
}

bool is_conceded(Duration between, Duration later) {
    Driver d(Driver::small(gibibytes(10)));
    d.now -= 1ms;
    auto const first = d.now + 1ms;
    REQUIRE(evicts_foreign(d));
    d.now += 7s;
    d.confirm_gone();
    d.now = first + between - 1ms;
    REQUIRE(evicts_foreign(d));
    d.now += 7s;
    d.confirm_gone();
    d.now = first + between + later - 1ms;
    return !evicts_foreign(d);
}

}  // namespace

TEST_CASE(
    "foreign: a model that was evicted twice in five minutes is left alone for as long",
    "[core][pin]"
) {
    CHECK(is_conceded(5min, 20s));
    CHECK_FALSE(is_conceded(5min + 1ms, 20s));
    CHECK(is_conceded(1min, 5min - 1ms));
    CHECK_FALSE(is_conceded(1min, 5min));
}

TEST_CASE("pin: a model that is pinned once more is pinned once", "[core][pin]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(4)), "operator", {}});
    d.on(PinSet{demand("a", gibibytes(4)), "another", {}});
    REQUIRE(d.scheduler.snapshot(d.now).pins.size() == 1);
    CHECK(d.scheduler.snapshot(d.now).pins.front().owner == "another");
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.none<Refuse>());
    d.on(PinCleared{"a"});
    d.ask(demand("c", gibibytes(10)));
    CHECK(d.none<Refuse>());
}
