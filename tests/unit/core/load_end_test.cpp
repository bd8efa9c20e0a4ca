// Loads that nobody wants any more, and answers that come late or twice.

#include "unit/core/driver.hpp"

using namespace plimsoll::test;

TEST_CASE(
    "load: is given up when its last ticket leaves, and its charge stays for a second",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(TicketCancelled{ticket});
    CHECK(d.only<AbortLoad>().instance == id);
    d.on(LoadFailed{id, LoadFailure::Aborted, ""});
    d.list({});
    CHECK(d.charged() == plimsoll::gibibytes(4));
    d.pass(500ms);
    d.list({});
    CHECK(d.charged() == plimsoll::gibibytes(4));
    d.pass(500ms);
    d.confirm_gone();
    CHECK(d.charged().is_zero());
    CHECK(d.scheduler.snapshot(d.now).counters.load_failures == 0);
}

TEST_CASE("load: goes on for a pin after its ticket left", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.on(PinSet{demand("a", plimsoll::gibibytes(4)), "operator", {}});
    d.list({});
    d.on(TicketCancelled{ticket});
    CHECK(d.none<AbortLoad>());
}

TEST_CASE("load: the row of a load that was given up becomes an instance of ours", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(TicketCancelled{ticket});
    d.on(LoadFailed{id, LoadFailure::Aborted, ""});
    TicketId const second = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({Row{"a", "a:latest", plimsoll::gibibytes(4), plimsoll::gibibytes(4), 4096, {}, {}, {}}}
    );
    CHECK(d.only<Dispatch>().ticket == second);
    CHECK(d.only<Dispatch>().instance == id);
}

TEST_CASE(
    "load: nothing is loaded for a ticket that left while the list was asked for", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.on(TicketCancelled{ticket});
    d.list({});
    CHECK(d.total<Load>() == 0);
}

TEST_CASE("load: one that was given up is nobody's failure", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    Load const load = d.only<Load>();
    d.on(TicketCancelled{ticket});
    d.on(LoadFailed{load.instance, LoadFailure::Refused, "closed"});
    CHECK(d.scheduler.counters().load_failures == 0);
    d.ask(demand("a", plimsoll::gibibytes(4)));
    CHECK(d.none<Refuse>());
}

TEST_CASE(
    "load: one that was given up is given up once, and its row counts when it is answered",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(TicketCancelled{ticket});
    CHECK(d.only<AbortLoad>().instance == id);
    d.pass(1s);
    CHECK(d.total<AbortLoad>() == 1);
    Row const row{
        "a", "a:latest", plimsoll::gibibytes(4), plimsoll::gibibytes(4), 4096, {}, {}, {}
    };
    d.list({row});
    CHECK(d.scheduler.state_of(id) == InstanceState::Aborting);
    d.list({});
    d.list({});
    d.list({});
    CHECK(d.scheduler.state_of(id) == InstanceState::Aborting);  // absence says nothing so far
    d.on(LoadFailed{id, LoadFailure::Aborted, ""});
    d.list({row});
    CHECK(d.scheduler.state_of(id) == InstanceState::Unloading);
}

TEST_CASE(
    "load: a late answer of one that a restart has ended frees nobody's loader", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    Load const old = d.only<Load>();
    d.on(UpstreamUp{true});
    d.list({});
    Load const present = d.only<Load>();
    d.ask(demand("b", plimsoll::gibibytes(4)));
    d.on(LoadFailed{old.instance, LoadFailure::Refused, "reset"});
    CHECK(d.none<Refuse>());
    d.list({});
    CHECK(d.none<Load>());
    d.loaded(present);
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE("load: an answer that comes twice changes nothing", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    InstanceId const id = d.load(demand("a", plimsoll::gibibytes(4)));
    auto const loaded_at = d.view(id).loaded_at;
    d.now += 1s;
    d.on(LoadFailed{id, LoadFailure::Refused, "late"});
    d.on(LoadSucceeded{id, plimsoll::gibibytes(9), plimsoll::gibibytes(9), 4096, 2s});
    CHECK(d.view(id).state == InstanceState::Ready);
    CHECK(d.view(id).loaded_at == loaded_at);
    CHECK(d.charged() == plimsoll::gibibytes(4));
    CHECK(d.scheduler.counters().load_failures == 0);
    d.on(UnloadRequested{"a"});
    d.on(LoadFailed{id, LoadFailure::Refused, "late"});
    d.on(LoadSucceeded{id, {}, {}, 4096, 2s});
    CHECK(d.view(id).state == InstanceState::Unloading);
}

TEST_CASE("load: the wishes for one that comes late hold for its pin, too", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.on(PinSet{demand("a", plimsoll::gibibytes(4)), "operator", {}});
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(KeepAliveWished{"bert", "a", {KeepAlive::Kind::For, 1h}});
    d.on(LoadFailed{id, LoadFailure::Aborted, ""});
    d.list({Row{"a", "a:latest", plimsoll::gibibytes(4), plimsoll::gibibytes(4), 4096, {}, {}, {}}}
    );
    REQUIRE(d.view(id).state == InstanceState::Ready);
    d.on(PinCleared{"a"});
    CHECK(d.none<Unload>());
    CHECK(d.view(id).expires == d.now + 1h - 1ms);
}

TEST_CASE(
    "load: the wishes for one that comes late hold where somebody waits for it", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    Demand const wanted = demand("a", plimsoll::gibibytes(4));
    TicketId const ticket = d.ask(wanted, "anna", KeepAlive{KeepAlive::Kind::Zero, {}});
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(KeepAliveWished{"bert", "a", {KeepAlive::Kind::For, 1h}});
    d.on(LoadFailed{id, LoadFailure::Aborted, ""});
    d.list({Row{"a", "a:latest", plimsoll::gibibytes(4), plimsoll::gibibytes(4), 4096, {}, {}, {}}}
    );
    CHECK(d.only<Dispatch>().ticket == ticket);
    d.on(TicketEnded{ticket, TicketOutcome::Done});
    CHECK(d.none<Unload>());
    CHECK(d.view(id).expires == d.now + 1h - 1ms);
}
