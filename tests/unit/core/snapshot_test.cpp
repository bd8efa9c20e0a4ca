// What people and the engine see of the scheduler.
#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

namespace {

Demand estimated(Demand made) {
    made.upstream_estimate = gibibytes(3);
    return made;
}

std::vector<WaitingView> waiting(Driver const& d) {
    return d.scheduler.snapshot(d.now).waiting;
}

}  // namespace

TEST_CASE("snapshot: an instance is shown with its sizes and times", "[core][snapshot]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const ticket = d.ask(estimated(demand("a", gibibytes(4))));
    d.list({});
    Load const load = d.only<Load>();
    CHECK(d.view(load.instance).state == InstanceState::Loading);
    CHECK(d.view(load.instance).waiting == 1);
    CHECK(d.view(load.instance).since == d.now);
    CHECK_FALSE(d.view(load.instance).active);
    d.now += 3s;
    auto const loaded_at = d.now;
    d.on(LoadSucceeded{load.instance, gibibytes(6), gibibytes(5), 4096, 2500ms});
    InstanceView view = d.view(load.instance);
    CHECK(view.weights == "a");
    CHECK(view.model == "a:latest");
    CHECK(view.state == InstanceState::Ready);
    CHECK(view.form == Form::Pinned);
    CHECK(view.settings == RunnerSettings{4096, 512, {}});
    CHECK(view.charge == gibibytes(5));
    CHECK(view.predicted == gibibytes(4));
    CHECK(view.measured == gibibytes(5));
    CHECK(view.size_vram == gibibytes(5));
    CHECK(view.upstream_estimate == gibibytes(3));
    CHECK(view.leases == 1);
    CHECK(view.waiting == 0);
    CHECK(view.active);
    CHECK_FALSE(view.pinned);
    CHECK_FALSE(view.foreign);
    CHECK(view.since == loaded_at);
    CHECK(view.loaded_at == loaded_at);
    CHECK(view.last_used == loaded_at);
    CHECK(view.load_took == 2500ms);
    CHECK_FALSE(view.expires);
    d.now += 4s;
    auto const ended = d.now;
    d.on(TicketEnded{ticket, TicketOutcome::Done});
    view = d.view(load.instance);
    CHECK(view.leases == 0);
    CHECK(view.active);  // for a moment
    CHECK(view.last_used == ended);
    CHECK(view.loaded_at == loaded_at);
    CHECK(view.expires == ended + 5min);
    d.now = ended + 499ms;
    CHECK(d.view(load.instance).active);
    d.now = ended + 500ms;
    CHECK_FALSE(d.view(load.instance).active);
    d.on(PinSet{demand("a", gibibytes(4)), "operator", {}});
    CHECK(d.view(load.instance).pinned);
    CHECK_FALSE(d.view(load.instance).expires);
}

TEST_CASE(
    "snapshot: who waits is shown in the order of arrival, with the reason", "[core][snapshot]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)), "anna");
    auto const begin = d.now;
    for (std::uint64_t id = 20; id > 15; --id) {
        Ticket ticket;
        ticket.id = TicketId{id};
        ticket.client = "client " + std::to_string(id);
        ticket.priority = id == 18 ? Priority::High : Priority::Normal;
        ticket.demand = id == 17 ? demand("b", gibibytes(6)) : demand("a", gibibytes(6));
        d.now += id == 16 ? 0s : 1s;
        d.on(TicketArrived{ticket});
    }
    auto const shown = waiting(d);
    REQUIRE(shown.size() == 5);
    std::vector<TicketId> ids;
    std::vector<std::size_t> positions;
    for (WaitingView const& view : shown) {
        ids.push_back(view.id);
        positions.push_back(view.position);
    }
    using Ids = std::vector<TicketId>;
    CHECK(ids == Ids{TicketId{20}, TicketId{19}, TicketId{18}, TicketId{16}, TicketId{17}});
    CHECK(positions == std::vector<std::size_t>{1, 2, 3, 4, 1});
    CHECK(shown.front().client == "client 20");
    CHECK(shown.front().waited == 3s);
    CHECK(shown.front().weights == "a");
    CHECK(shown.front().model == "a:latest");
    CHECK(shown[2].priority == Priority::High);
    CHECK_THAT(shown.front().why, ContainsSubstring("all 1 slot of a:latest are in use"));
    CHECK_THAT(shown.back().why, ContainsSubstring("waiting for room"));
    CHECK(d.scheduler.snapshot(d.now).longest_wait == 3s);
    d.now = begin + 1s + 15s - 1ms;
    CHECK_FALSE(waiting(d).front().overdue);
    CHECK(waiting(d)[2].overdue);  // the high class is so after three seconds
    d.now += 1ms;
    CHECK(waiting(d).front().overdue);
    CHECK_FALSE(waiting(d)[1].overdue);
    d.on(UpstreamDown{""});
    CHECK_THAT(waiting(d).front().why, ContainsSubstring("upstream is down"));
    CHECK_FALSE(d.scheduler.snapshot(d.now).upstream_up);
}

TEST_CASE(
    "snapshot: who waits for a load, a drain or other settings is told so", "[core][snapshot]"
) {
    Driver d(Driver::small(gibibytes(10)));
    SECTION("a load") {
        d.ask(demand("a", gibibytes(6)));
        d.list({});
        d.now += 1500ms;
        CHECK_THAT(waiting(d).front().why, ContainsSubstring("a:latest is loading (1.5 s so far)"));
    }
    SECTION("a drain") {
        InstanceId const id = d.load(demand("a", gibibytes(6)));
        TicketId const running = d.ask(demand("a", gibibytes(6)));
        d.ask(demand("b", gibibytes(6)));
        d.pass(30s);
        REQUIRE(d.view(id).state == InstanceState::Draining);
        CHECK_THAT(waiting(d).front().why, ContainsSubstring("1 model draining"));
        d.on(TicketEnded{running, TicketOutcome::Done});
        CHECK_THAT(waiting(d).front().why, ContainsSubstring("1 model unloading"));
    }
    SECTION("other settings") {
        d.load(demand("a", gibibytes(6)));
        d.ask(demand("a", gibibytes(6)));
        d.ask(demand("a", gibibytes(8), 8192));
        CHECK_THAT(waiting(d).front().why, ContainsSubstring("has to be unloaded first"));
    }
}

TEST_CASE("snapshot: the pool and its pins are shown", "[core][snapshot]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    auto const end = d.now + 1h;
    d.on(PinSet{demand("b", gibibytes(2)), "chain 7", end});
    Snapshot shown = d.scheduler.snapshot(d.now);
    CHECK(shown.budget == gibibytes(10));
    CHECK(shown.charged == gibibytes(6));
    CHECK(shown.peak == gibibytes(6));
    CHECK(shown.upstream_up);
    CHECK_FALSE(shown.over_budget);
    CHECK(shown.bound);
    REQUIRE(shown.pins.size() == 1);
    CHECK(shown.pins.front().weights == "b");
    CHECK(shown.pins.front().model == "b:latest");
    CHECK(shown.pins.front().owner == "chain 7");
    CHECK(shown.pins.front().until == end);
    CHECK(shown.pins.front().charge == gibibytes(2));
    CHECK(shown.counters.tickets == 1);
    CHECK(shown.counters.dispatched == 1);
    CHECK(shown.counters.loads == 1);
    CHECK(shown.longest_wait == 2s + 1ms);  // of the one that was served
    d.ask(demand("a", gibibytes(6)));
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    shown = d.scheduler.snapshot(d.now);
    CHECK(shown.budget == gibibytes(5));
    CHECK(shown.over_budget);
    CHECK_FALSE(shown.bound);
    CHECK(shown.peak == gibibytes(6));
}
