// What decides whether memory is promised, at its edges: a byte, a row, an estimate more or less.
#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::gibibytes;

namespace {

Demand believed(Demand made, Bytes estimate) {
    made.upstream_estimate = estimate;
    return made;
}

// One model of 4 GiB that has been idle for long.
Driver with_idle(SchedulerConfig const& config) {
    Driver d(config);
    d.load(demand("idle", gibibytes(4)));
    d.pass(10s);
    return d;
}

Driver with_pin(SchedulerConfig const& config) {
    Driver d(config);
    d.on(PinSet{demand("pinned", gibibytes(4)), "operator", {}});
    d.list({});
    d.loaded(d.only<Load>());
    return d;
}

SchedulerConfig on_device(Bytes budget, Bytes device) {
    SchedulerConfig config = Driver::small(budget);
    config.device_total = device;
    return config;
}

}  // namespace

TEST_CASE(
    "budget: what fills it to the byte is loaded beside, a byte more evicts", "[core][room]"
) {
    Driver fits = with_idle(Driver::small(gibibytes(10)));
    fits.load(demand("new", gibibytes(6)));
    CHECK(fits.total<Unload>() == 0);
    CHECK(fits.charged() == gibibytes(10));
    CHECK_FALSE(fits.scheduler.snapshot(fits.now).over_budget);
    Driver larger = with_idle(Driver::small(gibibytes(10)));
    larger.ask(demand("new", gibibytes(6) + Bytes(1)));
    CHECK(larger.all<Unload>().size() == 1);
}

TEST_CASE("budget: the whole of it is for one model, a byte more is refused", "[core][admission]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("b", gibibytes(10) + Bytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    d.load(demand("a", gibibytes(10)));
    CHECK(d.scheduler.counters().violations == 0);
}

TEST_CASE(
    "budget: beside others a model loads up to 80 % of what the upstream believes free",
    "[core][room]"
) {
    // 14 GiB of the device are left, 80 % of which are 11.2: in whole bytes, rounded down.
    auto const config = on_device(gibibytes(16), gibibytes(18));
    Bytes const most(gibibytes(14).count() / 5 * 4);
    Driver fits = with_idle(config);
    fits.load(believed(demand("new", gibibytes(5)), most));
    CHECK(fits.total<Unload>() == 0);
    Driver larger = with_idle(config);
    larger.ask(believed(demand("new", gibibytes(5)), most + Bytes(1)));
    CHECK(larger.all<Unload>().size() == 1);
}

TEST_CASE(
    "budget: without a known device the upstream's estimate is held against the budget",
    "[core][room]"
) {
    Bytes const most(gibibytes(10).count() / 5 * 4);
    Driver fits = with_idle(Driver::small(gibibytes(14)));
    fits.load(believed(demand("new", gibibytes(5)), most));
    CHECK(fits.total<Unload>() == 0);
    Driver larger = with_idle(Driver::small(gibibytes(14)));
    larger.ask(believed(demand("new", gibibytes(5)), most + Bytes(1)));
    CHECK(larger.all<Unload>().size() == 1);
}

TEST_CASE("budget: the first model loads whatever the upstream believes of it", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(believed(demand("a", gibibytes(9)), gibibytes(30)));
    CHECK(d.total<Load>() == 1);
}

TEST_CASE("budget: as many models as the upstream holds are loaded, no more", "[core][room]") {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 2;
    Driver d = with_idle(config);
    d.load(demand("second", gibibytes(1)));
    CHECK(d.total<Unload>() == 0);
    d.pass(10s);
    d.ask(demand("third", gibibytes(1)));
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE(
    "budget: beside a pin the rest is for others to the byte, a byte more is refused",
    "[core][admission]"
) {
    Driver d = with_pin(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(6) + Bytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    d.ask(demand("a", gibibytes(6)));
    CHECK(d.none<Refuse>());
    d.list_ready();
    CHECK(d.only<Load>().demand.charge == gibibytes(6));
}

TEST_CASE(
    "budget: beside a pin a model is refused above 80 % of what the upstream believes free",
    "[core][admission]"
) {
    Driver d = with_pin(on_device(gibibytes(16), gibibytes(18)));
    Bytes const most(gibibytes(14).count() / 5 * 4);
    d.ask(believed(demand("a", gibibytes(5)), most + Bytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    d.ask(believed(demand("b", gibibytes(5)), most));
    CHECK(d.none<Refuse>());
}

TEST_CASE("budget: pins that take every row leave none for others", "[core][admission]") {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 2;
    Driver d = with_pin(config);
    d.ask(demand("a", gibibytes(1)));
    CHECK(d.none<Refuse>());
    d.on(TicketCancelled{TicketId{d.last_ticket}});
    d.on(PinSet{demand("another", gibibytes(4)), "operator", {}});
    d.ask(demand("a", gibibytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    d.ask(demand("pinned", gibibytes(4)));  // a pin takes no row from itself
    CHECK(d.none<Refuse>());
}

TEST_CASE("budget: a smaller one drains no more than it has to", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    d.load(demand("a", gibibytes(4)));
    d.load(demand("b", gibibytes(4)));
    d.load(demand("c", gibibytes(4)));
    d.on(ConfigChanged{Driver::small(gibibytes(8))});
    CHECK(d.all<Unload>().size() == 1);
    CHECK(d.all<Notice>().size() == 1);
    // What leaves is still charged, but nothing else has to go for it.
    CHECK(d.charged() == gibibytes(12));
    d.on(ConfigChanged{Driver::small(gibibytes(8) - Bytes(1))});
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("budget: what drained for it is given back when the budget grows again", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    CHECK(d.view(id).state == InstanceState::Draining);
    d.on(ConfigChanged{Driver::small(gibibytes(6))});
    CHECK(d.view(id).state == InstanceState::Ready);
}

TEST_CASE("budget: a load that no longer fits is given up", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(6)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    CHECK(d.only<AbortLoad>().instance == id);
    CHECK(d.total<AbortLoad>() == 1);
}

TEST_CASE("budget: pins go last, the newest first, until it fits", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    for (std::string const name : {"a", "b"}) {
        d.on(PinSet{demand(name, gibibytes(4)), "operator", {}});
        d.list_ready();
        d.loaded(d.only<Load>());
    }
    d.load(demand("c", gibibytes(4)));
    // Somebody else's row takes what was theirs; the budget itself still holds both pins.
    auto rows = d.ready_rows();
    rows.front().size = rows.front().size_vram = gibibytes(9);  // a measures more than it said
    d.list(rows);
    CHECK(d.only<Unload>().weights == "c");
    auto const pins = d.scheduler.snapshot(d.now).pins;
    REQUIRE(pins.size() == 1);
    CHECK(pins.front().weights == "a");
}
