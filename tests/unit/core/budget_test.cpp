// What decides whether memory is promised, at its edges: a byte, a row, an estimate more or less.
#include "core/loading.hpp"

#include "unit/core/driver.hpp"

#include <utility>

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
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("raise the budget"));
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

TEST_CASE("budget: beside two others the upstream's belief counts as well", "[core][room]") {
    auto const config = on_device(gibibytes(18), gibibytes(20));
    Bytes const most(gibibytes(14).count() / 5 * 4);
    for (Bytes const more : {Bytes(), Bytes(1)}) {
        Driver d = with_idle(config);
        d.load(demand("second", gibibytes(2)));
        d.pass(10s);
        d.ask(believed(demand("new", gibibytes(5)), most + more));
        CHECK(d.all<Unload>().size() == more.count());
    }
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

TEST_CASE("budget: pins may fill it to the byte", "[core][pins]") {
    Driver d = with_pin(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("another", gibibytes(6)), "operator", {}});
    CHECK(d.scheduler.snapshot(d.now).pins.size() == 2);
    d.on(ConfigChanged{Driver::small(gibibytes(10) - Bytes(1))});
    auto const pins = d.scheduler.snapshot(d.now).pins;
    REQUIRE(pins.size() == 1);
    CHECK(pins.front().weights == "pinned");
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
    config.max_loaded_models = 1;
    d.on(ConfigChanged{config});
    d.ask(demand("a", gibibytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
}

TEST_CASE("budget: a smaller one drains what it has to and no more", "[core][room]") {
    auto config = Driver::small(gibibytes(12));
    config.max_loaded_models = 4;
    Driver d(config);
    for (std::string const name : {"a", "b", "c", "d"}) {
        d.load(demand(name, gibibytes(3)));
    }
    config.budget = gibibytes(6);
    d.on(ConfigChanged{config});
    CHECK(d.all<Unload>().size() == 2);
    CHECK(d.charged() == gibibytes(12));  // what leaves is charged, but nothing more goes for it
    CHECK(d.scheduler.counters().foreign_evictions == 0);
    config.budget = gibibytes(6) - Bytes(1);
    d.on(ConfigChanged{config});
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

TEST_CASE(
    "budget: a load that fits no more is given up for one that asks for less", "[core][room]"
) {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const narrow = d.ask(demand("a", gibibytes(4), 4096));
    TicketId const wide = d.ask(demand("a", gibibytes(8), 16384));
    d.list({});
    Load const load = d.only<Load>();
    REQUIRE(load.demand.charge == gibibytes(8));
    d.on(ConfigChanged{Driver::small(gibibytes(6))});
    CHECK(d.only<Refuse>().ticket == wide);
    CHECK(d.only<AbortLoad>().instance == load.instance);
    d.on(LoadFailed{load.instance, LoadFailure::Aborted, ""});
    d.list({});
    d.pass(1s);
    d.confirm_gone();
    d.list({});
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == narrow);
}

TEST_CASE(
    "budget: pins go after all others, the newest first, and what they held drains at once",
    "[core][room]"
) {
    Driver d(Driver::small(gibibytes(12)));
    for (std::string const name : {"a", "b"}) {
        d.on(PinSet{demand(name, gibibytes(4)), "operator", {}});
        d.list_ready();
        d.loaded(d.only<Load>());
    }
    d.load(demand("c", gibibytes(4)));
    auto rows = d.ready_rows();
    rows.front().size = rows.front().size_vram = gibibytes(9);  // a takes more than was predicted
    d.list(rows);
    auto const unloads = d.all<Unload>();
    REQUIRE(unloads.size() == 2);
    CHECK(unloads.front().weights == "b");
    CHECK(unloads.back().weights == "c");
    auto const pins = d.scheduler.snapshot(d.now).pins;
    REQUIRE(pins.size() == 1);
    CHECK(pins.front().weights == "a");
}

// While an overdue target waits for the quantum of a busy one, another model may be loaded if both
// fit beside what stays (rule 11).
namespace {

struct Overdue {
    explicit Overdue(Bytes budget) : d(config_of(budget)) {
        for (std::string const name : {"before", "before that", "first"}) {
            pin(name);
        }
        d.load(demand("busy", gibibytes(6)));
        d.ask(demand("busy", gibibytes(6)));
        d.ask(demand("overdue", gibibytes(8)));
        for (std::string const name : {"later", "after that", "last"}) {
            pin(name);
        }
        d.pass(16s);
    }

    static SchedulerConfig config_of(Bytes budget) {
        SchedulerConfig config = Driver::small(budget);
        config.max_loaded_models = 10;
        return config;
    }

    void pin(std::string const& name) {
        d.on(PinSet{demand(name, gibibytes(1)), "operator", {}});
        d.list_ready();
        d.loaded(d.only<Load>());
    }

    bool loads(Bytes charge) {
        d.ask(demand("small", charge));
        d.list_ready();
        return d.all<Load>().size() == 1;
    }

    Driver d;
};

}  // namespace

TEST_CASE(
    "budget: what is loaded beside an overdue target leaves it room to the byte", "[core][order]"
) {
    CHECK(Overdue(gibibytes(16)).loads(gibibytes(2)));
    CHECK_FALSE(Overdue(gibibytes(16)).loads(gibibytes(2) + Bytes(1)));
}

TEST_CASE(
    "budget: what is leaving counts as gone for what an overdue target needs", "[core][order]"
) {
    Overdue world(gibibytes(16));
    REQUIRE(world.loads(gibibytes(2)));
    world.d.loaded(world.d.only<Load>());
    world.d.on(TicketEnded{TicketId{world.d.last_ticket}, TicketOutcome::Done});
    world.d.on(UnloadRequested{"small"});
    REQUIRE(world.d.only<Unload>().weights == "small");
    world.d.ask(demand("another", gibibytes(2)));
    world.d.list_ready();
    CHECK(world.d.only<Load>().demand.weights == "another");
}

TEST_CASE("budget: a row of its own that appears meanwhile has to go as well", "[core][room]") {
    Driver d(Driver::small(gibibytes(20)));
    d.load(demand("busy", gibibytes(12)));
    d.ask(demand("busy", gibibytes(12)));
    d.ask(demand("overdue", gibibytes(10)));
    d.pass(25s);
    auto rows = d.ready_rows();
    REQUIRE(rows.size() == 1);
    rows.push_back(Row{"overdue", "overdue", gibibytes(3), gibibytes(3), 0, {}, {}, {}});
    d.list(rows);
    for (auto const& view : d.scheduler.snapshot(d.now).instances) {
        CHECK(view.state == InstanceState::Draining);
    }
}

TEST_CASE(
    "budget: where less is free than a wide context takes, a barred narrower one is not loaded",
    "[core][load]"
) {
    Driver d(Driver::small(gibibytes(14)));
    d.load(demand("idle", gibibytes(7)));
    d.on(PinSet{demand("a", gibibytes(6), 8192), "operator", {}});
    d.list_ready();
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Refused, "bad file"});
    d.list_ready();
    d.pass(1s);
    d.confirm_gone();
    REQUIRE(d.charged() == gibibytes(7));
    d.on(UpstreamDown{""});
    d.ask(demand("a", gibibytes(5), 4096));
    d.ask(demand("a", gibibytes(8), 16384));
    d.on(UpstreamUp{false});
    d.list_ready();
    CHECK(d.total<Load>() == 2);
    CHECK(d.total<Unload>() == 1);
}

TEST_CASE("budget: all that drained for it is given back when it grows again", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    std::vector<InstanceId> ids;
    for (std::string const name : {"a", "b"}) {
        ids.push_back(d.load(demand(name, gibibytes(6))));
        d.ask(demand(name, gibibytes(6)));
    }
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    for (InstanceId const id : ids) {
        CHECK(d.view(id).state == InstanceState::Draining);
    }
    d.on(ConfigChanged{Driver::small(gibibytes(12))});
    for (InstanceId const id : ids) {
        CHECK(d.view(id).state == InstanceState::Ready);
    }
}

// count_violation() looks after the others: no event makes it count while they are right.
namespace {

SchedulerConfig two_cards() {
    SchedulerConfig config = Driver::small(gibibytes(20));
    config.cards = {{gibibytes(10), gibibytes(12), {}}, {gibibytes(10), gibibytes(12), {}}};
    return config;
}

void hold(State& state, std::uint64_t id, Bytes charge, PerCard const& cards) {
    Instance& instance = state.instances[InstanceId{id}];
    instance.id = InstanceId{id};
    instance.state = InstanceState::Ready;
    state.ledger.impose(instance.id, charge);
    state.ledger.place(instance.id, cards);
}

std::uint64_t violations(State& state, Bytes charge, PerCard const& cards) {
    count_violation(state, charge, cards);
    return std::exchange(state.counters.violations, 0);
}

}  // namespace

TEST_CASE("budget: a load beyond the sum is a violation, one up to it is none", "[core][load]") {
    State state(Driver::small(gibibytes(10)));
    CHECK(violations(state, gibibytes(10), {}) == 0);
    CHECK(violations(state, gibibytes(10) + Bytes(1), {}) == 1);
    hold(state, 1, gibibytes(3), {});
    hold(state, 2, gibibytes(4), {});
    CHECK(violations(state, gibibytes(3), {}) == 0);
    CHECK(violations(state, gibibytes(3) + Bytes(1), {}) == 1);
}

TEST_CASE("budget: a load beyond what a card has is a violation", "[core][load]") {
    State state(two_cards());
    CHECK(violations(state, gibibytes(10), {gibibytes(10), Bytes()}) == 0);
    CHECK(violations(state, gibibytes(11), {gibibytes(10) + Bytes(1), Bytes()}) == 1);
    hold(state, 1, gibibytes(3), {gibibytes(3), Bytes()});
    hold(state, 2, gibibytes(4), {gibibytes(4), Bytes()});
    CHECK(violations(state, gibibytes(9), {gibibytes(3), gibibytes(6)}) == 0);
    CHECK(violations(state, gibibytes(9), {gibibytes(3) + Bytes(1), gibibytes(6)}) == 1);
    CHECK(violations(state, gibibytes(14), {gibibytes(3), gibibytes(10)}) == 1);  // the sum
}

TEST_CASE("budget: a load by a ledger that is wrong about a card is a violation", "[core][load]") {
    State state(two_cards());
    state.ledger.set_budget(
        gibibytes(20), {{gibibytes(12), gibibytes(12), {}}, {gibibytes(10), gibibytes(12), {}}}
    );
    Target& held = target_for(state, "held", "held:latest");
    hold(state, 1, gibibytes(11), {gibibytes(11), Bytes()});
    state.instances.at(InstanceId{1}).target = &held;
    state.last_instance = 1;
    Target& target = target_for(state, "a", "a:latest");
    target.pin = Pin{believed(demand("a", gibibytes(5)), gibibytes(5)), "operator", {}, {}, 1};
    std::vector<Action> actions;
    Turn turn{state, plimsoll::TimePoint(1h), actions};
    send_load(turn, NextLoad{&target});
    REQUIRE(actions.size() == 1);
    CHECK(std::get<Load>(actions.front()).demand.weights == "a");
    CHECK(state.counters.violations == 1);
}
