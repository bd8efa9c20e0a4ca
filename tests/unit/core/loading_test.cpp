#include "unit/core/driver.hpp"

using namespace plimsoll::test;

TEST_CASE("load: waits for a list that was asked for after the decision", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(4)));
    CHECK(d.all<Observe>().size() == 1);
    CHECK(d.none<Load>());
    d.on(Observed{{}, d.now - 1s});
    CHECK(d.none<Load>());
    d.list({});
    CHECK(d.only<Load>().demand.charge == plimsoll::gibibytes(4));
    CHECK(d.charged() == plimsoll::gibibytes(4));
}

TEST_CASE("load: a hundred identical cold requests are one load", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    for (int i = 0; i < 100; ++i) {
        d.ask(demand("a", plimsoll::gibibytes(4)));
    }
    d.list({});
    d.list({});
    CHECK(d.total<Load>() == 1);
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 100);
}

TEST_CASE("load: one at a time", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    d.ask(demand("a", plimsoll::gibibytes(4)));
    d.ask(demand("b", plimsoll::gibibytes(4)));
    d.list({});
    Load const first = d.only<Load>();
    d.list({});
    CHECK(d.none<Load>());
    d.loaded(first);
    d.list_ready();
    CHECK(d.only<Load>().demand.weights != first.demand.weights);
}

TEST_CASE("load: takes the largest context among the waiters that fits", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(4), 4096));
    d.ask(demand("a", plimsoll::gibibytes(6), 8192));
    d.list({});
    Load const load = d.only<Load>();
    CHECK(load.demand.settings.num_ctx == 8192);
    d.loaded(load);
    CHECK(d.all<Dispatch>().size() == 1);  // one slot; the other waits for it
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 1);
}

TEST_CASE("load: a native request that needs no larger context causes no reload", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.load(demand("a", plimsoll::gibibytes(4), 8192));
    d.ask(demand("a", plimsoll::gibibytes(3), 4096));
    Dispatch const dispatch = d.only<Dispatch>();
    CHECK(dispatch.settings.num_ctx == 8192);
    CHECK(dispatch.form == Form::Pinned);
}

TEST_CASE(
    "load: num_gpu not given runs on whatever there is, other options do not", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    Demand with_gpu = demand("a", plimsoll::gibibytes(4));
    with_gpu.settings.options.num_gpu = 10;
    d.load(with_gpu);
    d.ask(demand("a", plimsoll::gibibytes(4)));
    CHECK(d.all<Dispatch>().size() == 1);
    Demand threads = demand("a", plimsoll::gibibytes(4));
    threads.settings.options.num_thread = 2;
    d.ask(threads);
    CHECK(d.none<Dispatch>());
}

TEST_CASE(
    "load: a bare request reloads a pinned instance bare, and native ones then use it",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    InstanceId const pinned = d.load(demand("a", plimsoll::gibibytes(4)));
    d.pass(5s);  // past the linger
    TicketId const v1 = d.ask(bare(demand("a", plimsoll::gibibytes(4))));
    CHECK(d.only<Unload>().instance == pinned);
    d.confirm_gone();
    Load const load = d.only<Load>();
    CHECK(load.demand.form == Form::Bare);
    d.loaded(load);
    CHECK(d.only<Dispatch>().ticket == v1);
    d.on(TicketEnded{v1, TicketOutcome::Done});
    d.ask(demand("a", plimsoll::gibibytes(4)));
    CHECK(d.only<Dispatch>().form == Form::Bare);
}

TEST_CASE(
    "load: a second instance of the same weights waits until the first is seen gone, whatever room "
    "there is",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(100)));
    InstanceId const first = d.load(demand("a", plimsoll::gibibytes(4), 4096));
    d.pass(5s);
    d.ask(demand("a", plimsoll::gibibytes(6), 16384));
    CHECK(d.only<Unload>().instance == first);
    d.list({Row{"a", "a:latest", plimsoll::gibibytes(4), plimsoll::gibibytes(4), 4096, {}, {}, {}}}
    );
    CHECK(d.none<Load>());
    d.confirm_gone();
    CHECK(d.only<Load>().demand.settings.num_ctx == 16384);
}

TEST_CASE("load: out of memory is retried once with a larger charge, then barred", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(10)));
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::OutOfMemory, "CUDA out of memory"});
    CHECK(d.none<Refuse>());
    d.list({});
    CHECK(d.none<Load>());
    d.pass(1s);
    d.confirm_gone();
    Load const again = d.only<Load>();
    CHECK(again.demand.charge == plimsoll::gibibytes(11));
    d.on(LoadFailed{again.instance, LoadFailure::OutOfMemory, "CUDA out of memory"});
    Refuse const refuse = d.only<Refuse>();
    CHECK(refuse.ticket == ticket);
    CHECK(refuse.kind == RefuseKind::OutOfMemory);
    CHECK_THAT(refuse.reason, ContainsSubstring("CUDA out of memory"));
    d.ask(demand("a", plimsoll::gibibytes(10)));
    CHECK(d.only<Refuse>().kind == RefuseKind::Barred);
    CHECK(d.only<Refuse>().retry_after == 30s);
}

TEST_CASE("load: bars double from 30 s to 10 min and a barred key evicts nothing", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.load(demand("b", plimsoll::gibibytes(8)));
    std::vector<plimsoll::Duration> bars;
    for (int i = 0; i < 7; ++i) {
        d.pass(10min + 2s);
        d.on(Observed{d.ready_rows(), d.now});
        d.ask(demand("a", plimsoll::gibibytes(1)));
        d.list_ready();
        REQUIRE(d.all<Load>().size() == 1);
        d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Refused, "bad file"});
        bars.push_back(*d.only<Refuse>().retry_after);
        CHECK(d.only<Refuse>().kind == RefuseKind::LoadFailed);
        d.list_ready();
        d.pass(1s);
        d.confirm_gone();
    }
    CHECK(bars == std::vector<plimsoll::Duration>{30s, 60s, 120s, 240s, 480s, 600s, 600s});
    std::size_t const unloads = d.total<Unload>();
    d.ask(demand("a", plimsoll::gibibytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::Barred);
    CHECK(d.total<Unload>() == unloads);
}

TEST_CASE("load: an unknown model is answered and bars nothing", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::NotFound, "model 'a' not found"});
    CHECK(d.only<Refuse>().kind == RefuseKind::NotFound);
    CHECK(d.charged().is_zero());
    d.ask(demand("a", plimsoll::gibibytes(4)));
    CHECK(d.none<Refuse>());
}

TEST_CASE(
    "load: a busy upstream is asked again after a pause and the queue keeps its order",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const first = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.ask(demand("a", plimsoll::gibibytes(4)), "bert");
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Busy, "server busy"});
    CHECK(d.none<Refuse>());
    CHECK(d.none<Observe>());
    d.pass(500ms);
    d.list({});
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == first);
}

TEST_CASE(
    "load: waits while the upstream is down, and starts again when it is back", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.on(UpstreamDown{"connection refused"});
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.pass(1min);
    CHECK(d.none<Refuse>());
    CHECK(d.total<Observe>() == 0);
    d.on(UpstreamUp{true});
    CHECK(d.all<Observe>().size() == 1);
    d.list({});
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == ticket);
}

TEST_CASE("load: a bare one is not chosen where it would not serve every waiter", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const v1 = d.ask(bare(demand("a", plimsoll::gibibytes(4))));
    d.on(TicketCancelled{v1});
    d.on(UpstreamDown{""});
    d.ask(demand("a", plimsoll::gibibytes(4)));
    d.ask(demand("a", plimsoll::gibibytes(6), 8192));
    d.on(UpstreamUp{true});
    d.list({});
    CHECK(d.only<Load>().demand.form == Form::Pinned);
    CHECK(d.only<Load>().demand.settings.num_ctx == 8192);
}

TEST_CASE("load: a charge that was raised is forgotten after an hour", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(10)));
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::OutOfMemory, ""});
    d.on(TicketCancelled{ticket});
    d.list({});
    d.pass(1s);
    d.confirm_gone();
    auto const charge_of_load = [&] {
        TicketId const asked = d.ask(demand("a", plimsoll::gibibytes(10)));
        d.list({});
        Load const load = d.only<Load>();
        d.on(LoadFailed{load.instance, LoadFailure::NotFound, ""});
        d.on(TicketCancelled{asked});
        return load.demand.charge;
    };
    d.pass(58min);
    CHECK(charge_of_load() == plimsoll::gibibytes(11));
    d.pass(2min);
    CHECK(charge_of_load() == plimsoll::gibibytes(10));
}

TEST_CASE(
    "load: a refusal answers all that it would have served, out of memory spares who asks for less",
    "[core][load]"
) {
    for (LoadFailure const failure : {LoadFailure::Refused, LoadFailure::OutOfMemory}) {
        Driver d(Driver::small(plimsoll::gibibytes(9)));
        d.ask(demand("a", plimsoll::gibibytes(4), 4096));
        TicketId const wide = d.ask(demand("a", plimsoll::gibibytes(8), 16384));
        d.list({});
        Load const first = d.only<Load>();
        REQUIRE(first.demand.settings.num_ctx == 16384);
        d.on(LoadFailed{first.instance, failure, ""});
        if (failure == LoadFailure::Refused) {
            CHECK(d.all<Refuse>().size() == 2);
            CHECK(d.scheduler.counters().load_failures == 1);
            continue;
        }
        CHECK(d.none<Refuse>());  // tried once more with 8.8 GiB
        d.list({});
        d.pass(1s);
        d.confirm_gone();
        d.on(LoadFailed{d.only<Load>().instance, failure, ""});
        CHECK(d.only<Refuse>().ticket == wide);
    }
}

TEST_CASE("load: a retry that would not fit is refused with its larger charge", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(10)));
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::OutOfMemory, ""});
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("11 GiB"));
}

TEST_CASE(
    "load: what the list shows on the GPU is the measurement, all of it where none is",
    "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(2)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    SECTION("some") {
        d.on(LoadSucceeded{id, plimsoll::gibibytes(5), plimsoll::gibibytes(3), 4096, 2s});
        CHECK(d.view(id).size_vram == plimsoll::gibibytes(3));
        CHECK(d.view(id).measured == plimsoll::gibibytes(3));
        CHECK(d.charged() == plimsoll::gibibytes(3));
    }
    SECTION("none") {
        d.on(LoadSucceeded{id, plimsoll::gibibytes(5), {}, 4096, 2s});
        CHECK(d.view(id).size_vram.is_zero());
        CHECK(d.charged() == plimsoll::gibibytes(5));
    }
    SECTION("nothing listed") {
        d.on(LoadSucceeded{id, {}, {}, 4096, 2s});
        CHECK(d.charged() == plimsoll::gibibytes(2));
    }
}

TEST_CASE(
    "load: the charge that its end brings is booked though nothing is listed", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(bare(demand("a", plimsoll::gibibytes(8))));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(LoadSucceeded{id, {}, {}, 0, 2s, plimsoll::gibibytes(5)});
    CHECK(d.charged() == plimsoll::gibibytes(5));
    CHECK(d.view(id).predicted == plimsoll::gibibytes(5));
    CHECK(d.view(id).settings.num_ctx == 4096);  // a context that is not listed changes none
}

TEST_CASE(
    "load: a pinned one has the context it was loaded with, whatever is listed", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.ask(demand("a", plimsoll::gibibytes(8)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(LoadSucceeded{id, {}, {}, 2048, 2s});
    CHECK(d.view(id).settings.num_ctx == 4096);
}

TEST_CASE(
    "load: for a native request it is a native one where bare does not serve all", "[core][load]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    Demand other = demand("a", plimsoll::gibibytes(4));
    other.settings.options.num_thread = 2;
    d.ask(demand("a", plimsoll::gibibytes(4)));
    d.ask(bare(demand("a", plimsoll::gibibytes(6), 8192)));
    d.ask(other);
    d.list({});
    CHECK(d.only<Load>().demand.form == Form::Pinned);
    CHECK(d.only<Load>().demand.settings.num_ctx == 4096);
}

TEST_CASE("load: what became of it is counted", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    d.load(demand("a", plimsoll::gibibytes(4)));
    d.pass(5s);
    d.ask(demand("a", plimsoll::gibibytes(5), 8192));
    d.confirm_gone();
    d.loaded(d.only<Load>());
    d.on(TicketEnded{d.only<Dispatch>().ticket, TicketOutcome::Done});
    d.pass(7s);
    d.ask(demand("b", plimsoll::gibibytes(6)));
    d.confirm_gone();
    Load const load = d.only<Load>();
    d.on(TicketCancelled{TicketId{d.last_ticket}});
    d.on(LoadFailed{load.instance, LoadFailure::Aborted, ""});
    Counters const counters = d.scheduler.counters();
    CHECK(counters.loads == 3);
    CHECK(counters.loads_aborted == 1);
    CHECK(counters.load_failures == 0);
    CHECK(counters.unloads == 2);
    CHECK(counters.reloads == 1);
    CHECK(counters.evictions == 1);
    CHECK(counters.tickets == 3);
    CHECK(counters.dispatched == 2);
    CHECK(counters.cancelled == 1);
    CHECK(counters.refused == 0);
    CHECK(counters.expirations == 0);
}

TEST_CASE("load: neither an operator's unload nor a clean-up touches it", "[core][load]") {
    Driver d(Driver::small(plimsoll::gibibytes(10)));
    TicketId const ticket = d.ask(demand("a", plimsoll::gibibytes(4)));
    d.list({});
    InstanceId const id = d.only<Load>().instance;
    d.on(UnloadRequested{"a"});
    d.on(CleanupRequested{});
    CHECK(d.view(id).state == InstanceState::Loading);
    d.on(TicketCancelled{ticket});
    d.on(UnloadRequested{"a"});
    d.on(CleanupRequested{});
    CHECK(d.view(id).state == InstanceState::Aborting);
    CHECK(d.total<Unload>() == 0);
}
