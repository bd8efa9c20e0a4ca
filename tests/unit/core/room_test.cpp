#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

TEST_CASE("room: an idle model makes room, its eviction says why with numbers", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.pass(212s);
    d.ask(demand("b", gibibytes(6)));
    CHECK(
        d.only<Unload>().reason ==
        "evict a:latest (6 GiB): idle 212 s, cheapest to bring back; makes room for b:latest"
    );
    CHECK(d.none<Load>());
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "b");
    CHECK(d.scheduler.snapshot(d.now).counters.evictions == 1);
}

TEST_CASE("room: a model that was used a moment ago is not idle yet", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.none<Unload>());
    d.pass(500ms);  // L/4 of a load of 2 s
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE(
    "room: a model whose clients never come back at once goes without delay", "[core][room]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Demand const a = demand("a", gibibytes(6));
    d.load(a);
    for (int i = 0; i < 8; ++i) {
        d.pass(1min);
        TicketId const ticket = d.ask(a);
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    }
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.only<Unload>().weights == "a");
}

TEST_CASE("room: the cheapest sufficient set goes and superfluous ones stay", "[core][room]") {
    auto config = Driver::small(gibibytes(12));
    config.max_loaded_models = 5;
    Driver d(config);
    d.load(demand("small", gibibytes(2)));
    d.load(demand("large", gibibytes(6)));
    d.load(demand("other", gibibytes(3)));
    d.pass(10s);
    d.ask(demand("new", gibibytes(7)));
    CHECK(d.only<Unload>().weights == "large");
}

TEST_CASE("room: the model that is used more stays", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    d.load(demand("busy", gibibytes(6)));
    for (int i = 0; i < 5; ++i) {
        TicketId const ticket = d.ask(demand("busy", gibibytes(6)));
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    }
    d.load(demand("rare", gibibytes(6)));
    d.pass(10s);
    d.ask(demand("new", gibibytes(6)));
    CHECK(d.only<Unload>().weights == "rare");
}

TEST_CASE("room: the upstream's own number of rows is never reached", "[core][room]") {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 2;
    Driver d(config);
    d.load(demand("a", gibibytes(1)));
    d.load(demand("b", gibibytes(1)));
    d.pass(10s);
    d.ask(demand("c", gibibytes(1)));
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE(
    "room: the upstream's own estimate stays under 80 % of what it believes free", "[core][room]"
) {
    auto config = Driver::small(gibibytes(20));
    config.device_total = gibibytes(20);
    Driver d(config);
    d.load(demand("a", gibibytes(4)));
    d.pass(10s);
    Demand fits = demand("b", gibibytes(2));
    fits.upstream_estimate = gibibytes(12);
    d.load(fits);
    CHECK(d.total<Unload>() == 0);
    d.pass(10s);
    Demand believed_large = demand("c", gibibytes(2));
    believed_large.upstream_estimate = gibibytes(15);
    d.ask(believed_large);
    CHECK_FALSE(d.none<Unload>());
}

TEST_CASE("room: a drain is undone when its target has gone", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(1min);
    d.on(Observed{d.ready_rows(), d.now});
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    TicketId const overdue = d.ask(demand("b", gibibytes(6)));
    d.pass(16s);
    CHECK(d.view(id).state == InstanceState::Draining);
    TicketId const queued = d.ask(demand("a", gibibytes(6)));
    CHECK(d.none<Dispatch>());
    d.on(TicketCancelled{overdue});
    CHECK(d.view(id).state == InstanceState::Ready);
    d.on(TicketEnded{running, TicketOutcome::Done});
    CHECK(d.only<Dispatch>().ticket == queued);
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE("room: the set is unloaded only when every member is idle", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    InstanceId const b = d.load(demand("b", gibibytes(6)));
    d.pass(1min);
    TicketId const ta = d.ask(demand("a", gibibytes(6)));
    TicketId const tb = d.ask(demand("b", gibibytes(6)));
    d.ask(demand("c", gibibytes(12)));
    d.pass(16s);
    CHECK(d.view(a).state == InstanceState::Draining);
    CHECK(d.view(b).state == InstanceState::Draining);
    d.on(TicketEnded{ta, TicketOutcome::Done});
    CHECK(d.none<Unload>());
    d.on(TicketEnded{tb, TicketOutcome::Done});
    CHECK(d.all<Unload>().size() == 2);
}

TEST_CASE("room: a smaller budget drains at once, without quantum or overdue", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    d.load(demand("b", gibibytes(5)));
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(5)));
    auto config = Driver::small(gibibytes(8));
    d.on(ConfigChanged{config});
    CHECK(d.none<Unload>());
    CHECK(d.view(a).state == InstanceState::Draining);
    d.on(TicketEnded{running, TicketOutcome::Done});
    CHECK(d.only<Unload>().instance == a);
}

TEST_CASE("room: nothing is loaded while the pool is over its budget", "[core][room]") {
    Driver d(Driver::small(gibibytes(12)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    d.ask(demand("b", gibibytes(1)));
    d.list_ready();
    CHECK(d.none<Load>());
}
