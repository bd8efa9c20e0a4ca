#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

namespace {

Row row(std::string const& weights, plimsoll::Bytes size) {
    return Row{weights, weights + ":latest", size, size, 4096, {}, {}, {}};
}

}  // namespace

TEST_CASE(
    "unload: room returns only when lists asked for after it lack the row", "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    CHECK(d.only<Unload>().instance == id);
    d.on(Observed{{}, d.now - 1s});
    d.on(Observed{{}, d.now - 500ms});
    CHECK(d.charged() == gibibytes(6));
    d.list({row("a", gibibytes(6))});
    CHECK(d.charged() == gibibytes(6));
    d.list({});
    CHECK(d.charged() == gibibytes(6));  // a list may omit a row once
    d.now += 1ms;
    d.list({});
    CHECK(d.charged().is_zero());
}

TEST_CASE(
    "unload: one that does not work becomes suspect, is repeated, and other work goes on",
    "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.pass(30s);
    CHECK(d.all<Unload>().back().attempt == 4);
    CHECK(d.only<Notice>().level == Notice::Level::Alert);
    CHECK_THAT(d.only<Notice>().text, ContainsSubstring("restart the upstream"));
    CHECK(d.charged() == gibibytes(6));
    d.ask(demand("b", gibibytes(3)));
    d.list({row("a", gibibytes(6))});
    CHECK(d.only<Load>().demand.weights == "b");
    d.ask(demand("c", gibibytes(5)));
    CHECK(d.only<Refuse>().kind == RefuseKind::Stuck);
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("restart the upstream"));
}

TEST_CASE("unload: waiters of what a suspect blocks are answered", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    TicketId const ticket = d.ask(demand("b", gibibytes(8)));
    CHECK(d.all<Unload>().size() == 1);
    d.pass(31s);
    CHECK(d.only<Refuse>().ticket == ticket);
    CHECK(d.only<Refuse>().kind == RefuseKind::Stuck);
}

TEST_CASE("unload: a failed call is repeated after a second", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.on(UnloadFailed{id, "connection reset"});
    CHECK(d.none<Unload>());
    d.pass(1s);
    CHECK(d.only<Unload>().attempt == 2);
}

TEST_CASE(
    "unload: an operator's waits for the leases, and new requests for it queue", "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    d.on(UnloadRequested{"a"});
    CHECK(d.none<Unload>());
    CHECK(d.view(id).state == InstanceState::Draining);
    TicketId const queued = d.ask(demand("a", gibibytes(6)));
    CHECK(d.none<Dispatch>());
    d.on(TicketEnded{running, TicketOutcome::Done});
    CHECK(d.only<Unload>().instance == id);
    d.confirm_gone();
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == queued);
}

TEST_CASE("unload: once sent it is not revoked by a new request", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.ask(demand("a", gibibytes(6)));
    CHECK(d.none<Dispatch>());
    CHECK(d.scheduler.state_of(id) == InstanceState::Unloading);
}

TEST_CASE("unload: clean-up leaves the leased, the pinned and the wanted alone", "[core][unload]") {
    auto config = Driver::small(gibibytes(20));
    config.max_loaded_models = 5;
    Driver d(config);
    d.load(demand("a", gibibytes(4)));
    d.load(demand("b", gibibytes(4)));
    d.load(demand("c", gibibytes(4)));
    d.ask(demand("a", gibibytes(4)));
    d.on(PinSet{demand("b", gibibytes(4)), "operator", {}});
    d.on(CleanupRequested{});
    CHECK(d.only<Unload>().weights == "c");
}

TEST_CASE("unload: one that was sent is not sent again for an operator", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(UnloadRequested{"a"});
    CHECK(d.only<Unload>().instance == id);
    d.on(UnloadRequested{"a"});
    CHECK(d.none<Unload>());
    CHECK(d.view(id).state == InstanceState::Unloading);
}

TEST_CASE(
    "unload: the room of a suspect comes back when its row is gone at last", "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.list({row("a", gibibytes(6))});
    d.pass(30s);
    REQUIRE(d.view(id).state == InstanceState::Suspect);
    CHECK(d.scheduler.counters().unloads == 1);
    CHECK(d.scheduler.counters().suspects == 1);
    d.list({});
    d.now += 1ms;
    d.list({});
    CHECK(d.charged().is_zero());
}

TEST_CASE("unload: one that shows no effect is repeated before it is suspect", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.list({row("a", gibibytes(6))});
    d.pass(5s - 2ms);
    CHECK(d.none<Unload>());
    d.pass(1ms);
    CHECK(d.only<Unload>().attempt == 2);
    d.pass(10s - 1ms);
    CHECK(d.none<Unload>());
    d.pass(1ms);
    CHECK(d.only<Unload>().attempt == 3);
    CHECK(d.view(id).state == InstanceState::Unloading);
    CHECK(d.scheduler.counters().unloads == 1);
    d.confirm_gone();
    CHECK(d.charged().is_zero());
    CHECK(d.scheduler.counters().suspects == 0);
}

TEST_CASE("unload: a suspect's is repeated after a minute, doubling to ten", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(CleanupRequested{});
    d.pass(29s);
    d.on(TimePassed{});
    CHECK(d.total<Unload>() == 3);
    CHECK(d.scheduler.next_wakeup() == d.now + 1s);
    d.pass(1s);
    REQUIRE(d.view(id).state == InstanceState::Suspect);
    CHECK(d.only<Unload>().attempt == 4);
    std::vector<plimsoll::Duration> pauses;
    for (unsigned i = 0; i < 6; ++i) {
        pauses.push_back(d.scheduler.next_wakeup().value() - d.now);
        d.now += 1s;
        d.on(TimePassed{});  // does not put it off
        CHECK(d.none<Unload>());
        CHECK(d.scheduler.next_wakeup() == d.now - 1s + pauses.back());
        d.pass(pauses.back() - 1s);
        CHECK(d.only<Unload>().attempt == i + 5);
    }
    CHECK(pauses == std::vector<plimsoll::Duration>{1min, 2min, 4min, 8min, 10min, 10min});
    CHECK(d.scheduler.counters().suspects == 1);
}

TEST_CASE(
    "unload: a failed call is repeated after a second, whatever happens in between",
    "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(6)));
    d.pass(5s);
    d.on(UnloadFailed{id, "late news"});
    CHECK(d.none<Notice>());  // nothing is being unloaded
    d.on(CleanupRequested{});
    auto const again = d.now + 1s;
    d.on(UnloadFailed{id, "connection reset"});
    CHECK(d.only<Notice>().level == Notice::Level::Warning);
    CHECK(d.scheduler.next_wakeup() == again);
    d.now += 500ms;
    d.on(UnloadFailed{id, "connection reset"});
    CHECK(d.scheduler.next_wakeup() == again);
    d.pass(500ms);
    CHECK(d.only<Unload>().attempt == 2);
    d.pass(29s);
    REQUIRE(d.view(id).state == InstanceState::Suspect);
    d.on(UnloadFailed{id, "connection reset"});
    CHECK(d.none<Notice>());  // it has its own pauses
    CHECK(d.scheduler.next_wakeup() > d.now + 1s);
}

TEST_CASE(
    "unload: who waits for a model that drains does not wait for its slots", "[core][unload]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    auto const why = [&] { return d.scheduler.snapshot(d.now).waiting.front().why; };
    CHECK_THAT(why(), ContainsSubstring("all 1 slot of a:latest are in use"));
    d.on(UnloadRequested{"a"});
    CHECK_THAT(why(), !ContainsSubstring("are in use"));
}

TEST_CASE("unload: what a list lacked before it proves nothing", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.now += 10s;
    d.list({});
    d.on(UnloadRequested{"a"});
    CHECK(d.all<Unload>().size() == 1);
    d.list({});
    CHECK(d.charged() == gibibytes(6));
    d.now += 1ms;
    d.list({});
    CHECK(d.charged().is_zero());
}

TEST_CASE("unload: it is watched from then on, whatever rule sent it", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    SECTION("the keep-alive") {
        d.pass(5min);
        REQUIRE(d.all<Unload>().size() == 1);
    }
    SECTION("an eviction") {
        d.pass(5s);
        Demand patient = demand("b", gibibytes(6));
        Ticket ticket;
        ticket.id = TicketId{100};
        ticket.demand = patient;
        ticket.priority = Priority::Low;
        d.on(TicketArrived{ticket});
        REQUIRE(d.all<Unload>().size() == 1);
    }
    CHECK(d.scheduler.next_wakeup() == d.now + 30s);
}

TEST_CASE("unload: a clean-up of one model leaves the others", "[core][unload]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(3)));
    InstanceId const meant = d.load(demand("b", gibibytes(3)));
    d.pass(5s);
    d.on(CleanupRequested{"b"});
    CHECK(d.only<Unload>().instance == meant);
}
