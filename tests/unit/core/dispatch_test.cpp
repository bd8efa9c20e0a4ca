#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

TEST_CASE(
    "dispatch: slots go to clients in turn, first come first served within one", "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    std::vector<TicketId> served;
    TicketId running = d.ask(demand("a", gibibytes(4)), "anna");
    TicketId const a1 = d.ask(demand("a", gibibytes(4)), "anna");
    TicketId const a2 = d.ask(demand("a", gibibytes(4)), "anna");
    TicketId const b1 = d.ask(demand("a", gibibytes(4)), "bert");
    TicketId const a3 = d.ask(demand("a", gibibytes(4)), "anna");
    TicketId const c1 = d.ask(demand("a", gibibytes(4)), "cleo");
    for (int i = 0; i < 5; ++i) {
        d.now += 1s;
        d.on(TicketEnded{running, TicketOutcome::Done});
        running = d.only<Dispatch>().ticket;
        served.push_back(running);
    }
    // The load took the first slot, so the second of these is the one that goes to the oldest.
    CHECK(served == std::vector<TicketId>{a1, a2, b1, c1, a3});
}

TEST_CASE(
    "dispatch: a higher class goes first, but for the slot of whoever is due first",
    "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    TicketId running = d.ask(demand("a", gibibytes(4)), "anna");
    auto const ask = [&](std::string const& client, Priority priority) {
        Ticket ticket;
        ticket.id = TicketId{++d.last_ticket};
        ticket.client = client;
        ticket.priority = priority;
        ticket.demand = demand("a", gibibytes(4));
        d.on(TicketArrived{ticket});
        return ticket.id;
    };
    TicketId const low = ask("anna", Priority::Low);
    d.now += 58s;  // low is due in 2 s, before any that come now
    TicketId const normal = ask("bert", Priority::Normal);
    TicketId const high1 = ask("cleo", Priority::High);
    TicketId const high2 = ask("anna", Priority::High);
    std::vector<TicketId> served;
    for (int i = 0; i < 4; ++i) {
        d.on(TicketEnded{running, TicketOutcome::Done});
        running = d.only<Dispatch>().ticket;
        served.push_back(running);
    }
    // Anna's high one stands behind her low one, and goes first all the same.
    CHECK(served == std::vector<TicketId>{high2, low, high1, normal});
}

TEST_CASE(
    "dispatch: a ticket that waited says what its place was when it came, among those of all "
    "models",
    "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    TicketId const at_once = d.ask(demand("a", gibibytes(4)));
    CHECK(d.only<Dispatch>().position == 0);
    d.ask(demand("b", gibibytes(8)));
    TicketId const second = d.ask(demand("a", gibibytes(4)));
    TicketId const third = d.ask(demand("a", gibibytes(4)), "bert");
    d.on(TicketEnded{at_once, TicketOutcome::Done});
    CHECK(d.only<Dispatch>().ticket == second);
    CHECK(d.only<Dispatch>().position == 2);
    d.on(TicketEnded{second, TicketOutcome::Done});
    CHECK(d.only<Dispatch>().ticket == third);
    CHECK(d.only<Dispatch>().position == 3);
}

TEST_CASE("dispatch: at most `parallel` leases of an instance", "[core][dispatch]") {
    auto config = Driver::small(gibibytes(10));
    config.parallel = 3;
    Driver d(config);
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    for (int i = 0; i < 5; ++i) {
        d.ask(demand("a", gibibytes(4)));
    }
    CHECK(d.view(id).leases == 3);
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 2);
}

TEST_CASE(
    "dispatch: a client that leaves gives its lease or place back at once", "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    TicketId const running = d.ask(demand("a", gibibytes(4)));
    TicketId const waiting = d.ask(demand("a", gibibytes(4)));
    TicketId const next = d.ask(demand("a", gibibytes(4)));
    d.on(TicketCancelled{waiting});
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 1);
    d.on(TicketCancelled{running});
    CHECK(d.only<Dispatch>().ticket == next);
}

TEST_CASE(
    "dispatch: nothing while the upstream is down, all that waited when it is back",
    "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    d.on(UpstreamDown{"connection refused"});
    d.ask(demand("a", gibibytes(4)));
    CHECK(d.none<Dispatch>());
    d.on(UpstreamUp{false});
    CHECK(d.all<Dispatch>().size() == 1);
}

TEST_CASE(
    "dispatch: an answer that ran out of memory or lost its connection has the list read again",
    "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    auto const outcome = GENERATE(TicketOutcome::OutOfMemory, TicketOutcome::ConnectionLost);
    TicketId const ticket = d.ask(demand("a", gibibytes(4)));
    d.on(TicketEnded{ticket, outcome});
    CHECK(d.all<Observe>().size() == 1);
}

TEST_CASE("dispatch: unknown tickets and instances are ignored", "[core][dispatch]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(TicketEnded{TicketId{99}, TicketOutcome::Done});
    d.on(TicketCancelled{TicketId{99}});
    d.on(LoadSucceeded{InstanceId{99}, gibibytes(1), gibibytes(1), 0, 1s});
    d.on(LoadFailed{InstanceId{99}, LoadFailure::Refused, ""});
    d.on(UnloadFailed{InstanceId{99}, ""});
    d.on(UseWithdrawn{AnnouncementId{99}});
    d.on(UnloadRequested{"unknown"});
    d.on(PinCleared{"unknown"});
    d.on(KeepAliveWished{"anna", "unknown", {}});
    CHECK(d.log.empty());
    TicketId const waiting = d.ask(demand("a", gibibytes(4)));
    d.on(TicketEnded{waiting, TicketOutcome::Done});  // not dispatched: nothing ended
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 1);
}

TEST_CASE(
    "dispatch: a resident model with a free slot is answered in the same turn with a reason",
    "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    d.ask(demand("a", gibibytes(4)));
    CHECK_THAT(d.only<Dispatch>().reason, ContainsSubstring("a:latest is ready, slot 1 of 1"));
}

TEST_CASE("dispatch: a runner that loses three answers in a row is unloaded", "[core][dispatch]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    for (int i = 0; i < 3; ++i) {
        TicketId const ticket = d.ask(demand("a", gibibytes(4)));
        d.on(TicketEnded{ticket, TicketOutcome::ConnectionLost});
    }
    CHECK(d.only<Unload>().instance == id);
}

TEST_CASE("dispatch: every third slot goes to whoever has waited longest", "[core][dispatch]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand const wanted = demand("a", gibibytes(4));
    d.load(wanted);  // the first turn
    TicketId running = d.ask(wanted, "hog");
    std::vector<TicketId> hog;
    for (int i = 0; i < 6; ++i) {
        d.now += 1ms;
        hog.push_back(d.ask(wanted, "hog"));
    }
    std::vector<TicketId> others;
    for (int i = 0; i < 4; ++i) {
        d.now += 1ms;
        others.push_back(d.ask(wanted, "client " + std::to_string(i)));
    }
    std::vector<TicketId> served;
    for (int i = 0; i < 8; ++i) {
        d.now += 1s;
        d.on(TicketEnded{running, TicketOutcome::Done});
        running = d.only<Dispatch>().ticket;
        served.push_back(running);
    }
    CHECK(
        served ==
        std::vector<TicketId>{
            hog[0], hog[1], others[0], others[1], hog[2], others[2], others[3], hog[3]
        }
    );
}

TEST_CASE(
    "dispatch: fewer lost answers, or one that came in between, mean nothing", "[core][dispatch]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    using enum TicketOutcome;
    for (TicketOutcome const outcome :
         {ConnectionLost, ConnectionLost, Done, ConnectionLost, ConnectionLost}) {
        d.on(TicketEnded{d.ask(demand("a", gibibytes(4))), outcome});
    }
    CHECK(d.total<Unload>() == 0);
    CHECK(d.view(id).state == InstanceState::Ready);
}

TEST_CASE("dispatch: a ticket that comes twice is one", "[core][dispatch]") {
    Driver d(Driver::small(gibibytes(10)));
    Ticket ticket;
    ticket.id = TicketId{1};
    ticket.demand = demand("a", gibibytes(4));
    d.on(TicketArrived{ticket});
    d.on(TicketArrived{ticket});
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 1);
    CHECK(d.scheduler.counters().tickets == 1);
    d.list({});
    d.loaded(d.only<Load>());
    d.on(TicketArrived{ticket});
    CHECK(d.none<Dispatch>());
    CHECK(d.scheduler.snapshot(d.now).instances.front().leases == 1);
}
