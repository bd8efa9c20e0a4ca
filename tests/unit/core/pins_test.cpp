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
