#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;
using plimsoll::mebibytes;

TEST_CASE(
    "admission: a model larger than the budget is refused with the arithmetic and evicts nothing",
    "[core][admission]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("b", gibibytes(8)));
    d.ask(demand("a", gibibytes(11)));
    Refuse const refuse = d.only<Refuse>();
    CHECK(refuse.kind == RefuseKind::DoesNotFit);
    CHECK_THAT(refuse.reason, ContainsSubstring("11 GiB") && ContainsSubstring("10 GiB"));
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE("admission: the queue's bound is for the waiting only", "[core][admission]") {
    auto config = Driver::small(gibibytes(10));
    config.queue_limit = 2;
    config.parallel = 8;
    Driver d(config);
    d.load(demand("b", gibibytes(8)));
    d.ask(demand("a", gibibytes(5)));
    d.ask(demand("a", gibibytes(5)));
    d.ask(demand("a", gibibytes(5)));
    Refuse const refuse = d.only<Refuse>();
    CHECK(refuse.kind == RefuseKind::QueueFull);
    CHECK(refuse.retry_after >= 1s);
    d.ask(demand("b", gibibytes(8)));
    CHECK(d.none<Refuse>());
}

TEST_CASE("admission: bodies of waiting tickets have a bound", "[core][admission]") {
    auto config = Driver::small(gibibytes(10));
    config.queue_bytes = mebibytes(10);
    Driver d(config);
    Ticket ticket;
    ticket.demand = demand("a", gibibytes(5));
    ticket.body = mebibytes(6);
    ticket.id = TicketId{1};
    d.on(TicketArrived{ticket});
    CHECK(d.none<Refuse>());
    ticket.id = TicketId{2};
    d.on(TicketArrived{ticket});
    CHECK(d.only<Refuse>().kind == RefuseKind::QueueFull);
    d.on(TicketCancelled{TicketId{1}});
    ticket.id = TicketId{3};
    d.on(TicketArrived{ticket});
    CHECK(d.none<Refuse>());
}

TEST_CASE(
    "admission: a deadline that the load alone breaks is refused at once, a later one when it "
    "passes",
    "[core][admission]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Ticket ticket;
    ticket.demand = demand("a", gibibytes(5));
    ticket.id = TicketId{1};
    ticket.deadline = d.now + 1s;
    d.on(TicketArrived{ticket});
    CHECK(d.only<Refuse>().kind == RefuseKind::Deadline);
    ticket.id = TicketId{2};
    ticket.deadline = d.now + 5s;
    d.on(TicketArrived{ticket});
    CHECK(d.none<Refuse>());
    d.pass(5s);
    CHECK(d.only<Refuse>().kind == RefuseKind::Deadline);
}

TEST_CASE("admission: a smaller budget refuses those who wait for too much", "[core][admission]") {
    Driver d(Driver::small(gibibytes(20)));
    TicketId const ticket = d.ask(demand("a", gibibytes(15)));
    d.on(ConfigChanged{Driver::small(gibibytes(10))});
    CHECK(d.only<Refuse>().ticket == ticket);
    CHECK(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
}

TEST_CASE(
    "admission: a full queue asks to come back after a second at least", "[core][admission]"
) {
    auto config = Driver::small(gibibytes(10));
    config.queue_limit = 1;
    Driver d(config);
    d.load(demand("a", gibibytes(5)));
    d.ask(demand("a", gibibytes(5)));
    d.ask(demand("a", gibibytes(5)));
    CHECK(d.scheduler.snapshot(d.now).instances.front().waiting == 1);
    d.ask(demand("a", gibibytes(5)));
    CHECK(d.only<Refuse>().retry_after == 1s);
}

namespace {

std::vector<Action> ask_by(Driver& d, Demand const& wanted, plimsoll::Duration allowed) {
    Ticket ticket;
    ticket.id = TicketId{++d.last_ticket};
    ticket.client = "hasty";
    ticket.demand = wanted;
    ticket.deadline = d.now + allowed;
    return d.on(TicketArrived{ticket});
}

}  // namespace

TEST_CASE(
    "admission: a deadline is held against what is left of the load, and against no load where the "
    "model is there",
    "[core][admission]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Demand const wanted = demand("a", gibibytes(5));
    ask_by(d, wanted, 2s);  // all of it
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("loading a:latest takes about 2 s"));
    d.ask(wanted);
    d.list({});
    Load const load = d.only<Load>();
    d.now += 500ms;
    ask_by(d, wanted, 1s);
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("loading a:latest takes about 1.5 s"));
    ask_by(d, wanted, 2s);
    CHECK(d.none<Refuse>());
    d.now += 1500ms;
    d.loaded(load);
    ask_by(d, wanted, 1s);
    CHECK(d.none<Refuse>());
}

TEST_CASE(
    "admission: where more than 200 wait nobody looks ahead for a deadline", "[core][admission]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Demand wanted = demand("a", gibibytes(5));
    wanted.answer_time = 30s;
    d.load(wanted);
    for (int i = 0; i < 201; ++i) {
        d.ask(wanted);
    }
    REQUIRE(d.scheduler.snapshot(d.now).waiting.size() == 200);
    ask_by(d, wanted, 1min);
    CHECK(d.only<Refuse>().kind == RefuseKind::Deadline);
    d.ask(wanted);
    ask_by(d, wanted, 1min);
    CHECK(d.none<Refuse>());
}

TEST_CASE(
    "admission: a full queue asks to come back when the loads that are due are done, or half of "
    "the longest line",
    "[core][admission]"
) {
    auto config = Driver::small(gibibytes(10));
    config.queue_limit = 2;
    Driver d(config);
    Demand wanted = demand("a", gibibytes(5));
    wanted.answer_time = 10s;
    SECTION("a load in flight, and one more with its unload") {
        d.ask(wanted);
        d.list({});
        REQUIRE(d.all<Load>().size() == 1);
        d.now += 500ms;
        d.ask(demand("b", gibibytes(6)));
        d.ask(wanted);
        CHECK(d.only<Refuse>().retry_after == 1500ms + 3s);
    }
    SECTION("a load that takes longer than expected") {
        d.ask(wanted);
        d.list({});
        d.now += 10s;
        d.ask(demand("b", gibibytes(6)));
        d.ask(wanted);
        CHECK(d.only<Refuse>().retry_after == 3s);
    }
    SECTION("lines") {
        config.queue_limit = 6;
        config.parallel = 2;
        d.on(ConfigChanged{config});
        d.load(wanted);
        d.load(demand("b", gibibytes(5)));
        for (int i = 0; i < 2 + 5; ++i) {
            d.ask(wanted);
        }
        for (int i = 0; i < 2 + 1; ++i) {
            d.ask(demand("b", gibibytes(5)));
        }
        d.ask(wanted);
        CHECK(d.only<Refuse>().retry_after == 10s);  // five of four that go in two rounds
    }
    SECTION("five minutes at most") {
        wanted.load_time = 10min;
        d.ask(wanted);
        d.ask(wanted);
        d.ask(wanted);
        CHECK(d.only<Refuse>().retry_after == 5min);
    }
}

TEST_CASE("admission: a full queue is one of as many as the limit", "[core][admission]") {
    auto config = Driver::small(gibibytes(10));
    config.queue_limit = 2;
    config.queue_bytes = mebibytes(10);
    Driver d(config);
    d.on(UpstreamDown{""});
    Ticket ticket;
    ticket.demand = demand("a", gibibytes(5));
    ticket.body = mebibytes(5);
    for (std::uint64_t id = 1; id < 3; ++id) {
        ticket.id = TicketId{id};
        d.on(TicketArrived{ticket});
        CHECK(d.none<Refuse>());
    }
    ticket.id = TicketId{3};
    ticket.body = {};
    d.on(TicketArrived{ticket});
    CHECK(d.only<Refuse>().kind == RefuseKind::QueueFull);
    CHECK(d.scheduler.counters().refused == 1);
    CHECK(d.scheduler.counters().tickets == 3);
}

TEST_CASE(
    "admission: however many models are asked for, those in use are remembered", "[core][admission]"
) {
    auto config = Driver::small(gibibytes(10));
    config.max_loaded_models = 5;
    config.keep_forever = true;
    Driver d(config);
    InstanceId const loaded = d.load(demand("loaded", gibibytes(1)));
    d.ask(demand("barred", gibibytes(1)));
    d.list_ready();
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Refused, "bad file"});
    d.list_ready();
    d.pass(1s);
    d.confirm_gone();
    d.on(UpstreamDown{""});
    d.on(PinSet{demand("pinned", gibibytes(1)), "operator", {}});
    d.on(UseAnnounced{AnnouncementId{1}, demand("announced", gibibytes(1)), d.now + 1min});
    TicketId const waiting = d.ask(demand("waiting", gibibytes(1)));
    for (int i = 0; i < 4200; ++i) {
        d.ask(demand("unknown " + std::to_string(i), gibibytes(100)));
        REQUIRE(d.only<Refuse>().kind == RefuseKind::DoesNotFit);
    }
    d.ask(demand("barred", gibibytes(1)));
    CHECK(d.only<Refuse>().kind == RefuseKind::Barred);
    CHECK(d.view(loaded).weights == "loaded");
    d.on(UpstreamUp{false});
    std::vector<std::string> loads;
    for (int i = 0; i < 3; ++i) {
        d.list_ready();
        Load const load = d.only<Load>();
        loads.push_back(load.demand.weights);
        d.loaded(load);
    }
    std::ranges::sort(loads);
    CHECK(loads == std::vector<std::string>{"announced", "pinned", "waiting"});
    d.on(TicketEnded{waiting, TicketOutcome::Done});
    CHECK(d.scheduler.snapshot(d.now).waiting.empty());
}
