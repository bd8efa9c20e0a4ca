#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::Duration;
using plimsoll::gibibytes;

namespace {

UseAnnounced use(std::uint64_t id, Demand const& wanted, plimsoll::TimePoint expected) {
    return UseAnnounced{AnnouncementId{id}, wanted, expected};
}

// Announces, and lets the list and the load pass.
InstanceId prefetch(Driver& d, std::uint64_t id, Demand const& wanted) {
    d.on(use(id, wanted, d.now + 30s));
    d.list_ready();
    Load const load = d.only<Load>();
    d.now += 2s;
    d.loaded(load);
    return load.instance;
}

}  // namespace

TEST_CASE("announcement: what is announced is loaded into free room, once", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.list({});
    Load const load = d.only<Load>();
    CHECK(load.demand.weights == "a");
    CHECK_THAT(load.reason, ContainsSubstring("announced for 30 s from now"));
    d.loaded(load);
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    d.pass(10min);
    CHECK(d.total<Load>() == 1);
    CHECK(d.charged() == Bytes());
}

TEST_CASE("announcement: the ticket that was announced finds its model ready", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    InstanceId const instance = prefetch(d, 1, demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    Dispatch const dispatch = d.only<Dispatch>();
    CHECK(dispatch.instance == instance);
    CHECK(dispatch.waited == Duration());
}

TEST_CASE("announcement: of several the one that comes first is loaded first", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(demand("x", gibibytes(2)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 60s));
    d.on(use(2, demand("b", gibibytes(6)), d.now + 30s));
    d.list({});
    d.loaded(d.only<Load>());
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE(
    "announcement: nothing is loaded ahead while a ticket waits for a load", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(20)));
    d.load(demand("busy", gibibytes(12)));
    d.ask(demand("busy", gibibytes(12)));
    d.ask(demand("next", gibibytes(12)));  // has to wait for the busy one
    d.on(use(1, demand("a", gibibytes(2)), d.now + 30s));
    d.list_ready();
    CHECK(d.none<Load>());
}

TEST_CASE("announcement: a real ticket takes the loader from it", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.list({});
    Load const ahead = d.only<Load>();
    d.now += 500ms;
    d.ask(demand("b", gibibytes(6)));
    AbortLoad const abort = d.only<AbortLoad>();
    CHECK(abort.instance == ahead.instance);
    CHECK_THAT(abort.reason, ContainsSubstring("b:latest is wanted now"));
    d.on(LoadFailed{ahead.instance, LoadFailure::Aborted, ""});
    d.list({});
    CHECK(d.only<Load>().demand.weights == "b");
    d.loaded(d.only<Load>());
    d.pass(5min);
    d.list_ready();
    CHECK(d.total<Load>() == 2);  // its one load is spent
}

TEST_CASE("announcement: a load that its own ticket joins is no longer ahead", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.list({});
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.total<AbortLoad>() == 0);
}

TEST_CASE("announcement: withdrawn while it loads, the load is given up", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.list({});
    d.on(UseWithdrawn{AnnouncementId{1}});
    CHECK(d.total<AbortLoad>() == 1);
}

TEST_CASE("announcement: another one keeps the load going", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.on(use(2, demand("a", gibibytes(6)), d.now + 90s));
    d.list({});
    d.on(UseWithdrawn{AnnouncementId{1}});
    CHECK(d.total<AbortLoad>() == 0);
    d.on(UseWithdrawn{AnnouncementId{2}});
    CHECK(d.total<AbortLoad>() == 1);
}

TEST_CASE("announcement: an idle model of lower value makes room", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const idle = d.load(demand("idle", gibibytes(6)));
    d.pass(4min);  // its request has faded
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    CHECK(d.only<Unload>().instance == idle);
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "a");
}

TEST_CASE("announcement: an idle model of higher value stays", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    for (int i = 0; i < 8; ++i) {
        if (i == 0) {
            d.load(demand("often", gibibytes(6)));
        } else {
            TicketId const ticket = d.ask(demand("often", gibibytes(6)));
            d.on(TicketEnded{ticket, TicketOutcome::Done});
        }
    }
    d.pass(3s);  // the linger
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.list_ready();
    CHECK(d.total<Unload>() == 0);
    CHECK(d.total<Load>() == 1);
}

TEST_CASE("announcement: busy, lingering, pinned and foreign models stay", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    SECTION("busy") {
        d.load(demand("other", gibibytes(6)));
        d.ask(demand("other", gibibytes(6)));
    }
    SECTION("lingering") {
        d.load(demand("other", gibibytes(6)));
        d.on(use(1, demand("a", gibibytes(6)), d.now + 1ms));
        d.list_ready();
        CHECK(d.total<Unload>() == 0);
        return;
    }
    SECTION("pinned") {
        d.on(PinSet{demand("other", gibibytes(6)), "operator", {}});
        d.list({});
        d.loaded(d.only<Load>());
    }
    SECTION("foreign") {
        Row const row{"other", "other:latest", gibibytes(6), gibibytes(6), 4096, {}, {}, {}};
        d.list({row});
        d.list({row});
    }
    d.now += 4min;
    d.on(use(1, demand("a", gibibytes(6)), d.now + 1s));
    d.on(TimePassed{});
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE("announcement: never evicts another announced model", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    prefetch(d, 1, demand("a", gibibytes(6)));
    d.on(use(2, demand("b", gibibytes(2)), d.now + 1s));
    d.list_ready();
    d.loaded(d.only<Load>());  // beside it
    d.on(use(3, demand("c", gibibytes(6)), d.now + 1s));
    d.pass(20min);
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE("announcement: what is announced outlives its keep-alive", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    prefetch(d, 1, demand("a", gibibytes(6)));
    d.pass(1h);
    CHECK(d.total<Unload>() == 0);
    d.on(CleanupRequested{});
    CHECK(d.total<Unload>() == 0);
    d.on(UseWithdrawn{AnnouncementId{1}});
    d.pass(4min);
    CHECK(d.total<Unload>() == 0);
    d.pass(61s);
    CHECK(d.scheduler.counters().expirations == 1);
}

TEST_CASE("announcement: victims are rather those that nobody announced", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    InstanceId const announced = d.load(demand("a", gibibytes(8)));
    InstanceId const other = d.load(demand("b", gibibytes(8)));  // asked for last
    d.on(use(1, demand("a", gibibytes(8)), d.now + 30s));
    d.pass(3s);
    d.ask(demand("c", gibibytes(10)));
    CHECK(d.only<Unload>().instance == other);
    CHECK(d.view(announced).state == InstanceState::Ready);
}

TEST_CASE(
    "announcement: a waiting ticket takes even an announced model's room", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const ahead = prefetch(d, 1, demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.only<Unload>().instance == ahead);
}

TEST_CASE(
    "announcement: room is not made for it once a ticket waits for a load", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("idle", gibibytes(6)));
    d.pass(4min);
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    CHECK(d.total<Unload>() == 1);
    d.ask(demand("b", gibibytes(6)));
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE("announcement: what does not fit or is barred is left alone", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(use(1, demand("large", gibibytes(12)), d.now + 1s));
    d.list({});
    CHECK(d.log.empty());
    d.ask(demand("bad", gibibytes(2)));
    d.list({});
    d.on(LoadFailed{d.only<Load>().instance, LoadFailure::Refused, "exit status 1"});
    d.on(use(2, demand("bad", gibibytes(2)), d.now + 1s));
    d.list({});
    d.pass(2s);
    CHECK(d.total<Load>() == 1);
}

TEST_CASE("announcement: said again it changes, and keeps what it has had", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    prefetch(d, 1, demand("a", gibibytes(6)));
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    d.on(use(1, demand("a", gibibytes(6)), d.now + 10s));
    d.list({});
    CHECK(d.total<Load>() == 1);
    // For another model it is another use.
    d.on(use(1, demand("b", gibibytes(6)), d.now + 10s));
    d.list({});
    CHECK(d.only<Load>().demand.weights == "b");
    d.on(UseWithdrawn{AnnouncementId{1}});
    CHECK(d.total<AbortLoad>() == 1);
}

TEST_CASE(
    "announcement: of several for one model the largest context is loaded", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(demand("x", gibibytes(2)));
    d.on(use(1, demand("a", gibibytes(6), 4096), d.now + 30s));
    d.on(use(2, demand("a", gibibytes(7), 8192), d.now + 60s));
    d.list({});
    d.loaded(d.only<Load>());
    d.list_ready();
    CHECK(d.only<Load>().demand.settings.num_ctx == 8192);
}

TEST_CASE("announcement: the upstream's restart does not load it again", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    prefetch(d, 1, demand("a", gibibytes(6)));
    d.on(UpstreamDown{"gone"});
    d.on(UpstreamUp{true});
    d.list({});
    d.pass(1min);
    CHECK(d.total<Load>() == 1);
}

TEST_CASE(
    "announcement: a model comes when the first of its uses does, in whatever order they were "
    "said",
    "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(demand("x", gibibytes(2)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 60s));
    d.on(use(2, demand("b", gibibytes(6)), d.now + 30s));
    d.on(use(3, demand("a", gibibytes(6)), d.now + 20s));
    d.on(use(4, demand("a", gibibytes(6)), d.now + 90s));
    d.list({});
    d.loaded(d.only<Load>());
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "a");
}

TEST_CASE(
    "announcement: whoever asks while the list for it is on its way is counted", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(20)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    CHECK(d.all<Observe>().size() == 1);
    SECTION("with others for the announced model") {
        d.ask(demand("a", gibibytes(6)));
        for (int i = 0; i < 3; ++i) {
            d.ask(demand("b", gibibytes(6)));
        }
        d.list({});
        CHECK(d.only<Load>().demand.weights == "b");
    }
    SECTION("for another one: it is decided anew, and has a list of its own") {
        d.now += 1ms;
        d.ask(demand("b", gibibytes(6)));
        CHECK(d.all<Observe>().size() == 1);
        d.list({});
        CHECK(d.only<Load>().demand.weights == "b");
    }
}

TEST_CASE("announcement: of the eight that come first one may be loaded", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    for (std::uint64_t i = 1; i <= 8; ++i) {
        d.on(use(i, demand("large " + std::to_string(i), gibibytes(12)), d.now + i * 1s));
    }
    d.on(use(9, demand("small", gibibytes(2)), d.now + 1min));
    CHECK(d.total<Observe>() == 0);
    d.on(UseWithdrawn{AnnouncementId{3}});
    CHECK(d.all<Observe>().size() == 1);
    d.list({});
    CHECK(d.only<Load>().demand.weights == "small");
}

TEST_CASE("announcement: said again with another time it comes in that order", "[core][announce]") {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(demand("x", gibibytes(2)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 10s));
    d.on(use(2, demand("b", gibibytes(6)), d.now + 30s));
    d.on(use(1, demand("a", gibibytes(7), 8192), d.now + 60s));
    d.list({});
    d.loaded(d.only<Load>());
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "b");
    d.loaded(d.only<Load>());
    d.list_ready();
    CHECK(d.only<Load>().demand.settings.num_ctx == 8192);
}

TEST_CASE("announcement: what was withdrawn leaves nothing behind", "[core][announce]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand const large = demand("large", gibibytes(12));
    for (std::uint64_t i = 1; i <= 8; ++i) {
        d.on(use(i, large, d.now + 1s));
        d.on(UseWithdrawn{AnnouncementId{i}});
    }
    d.on(use(9, large, d.now + 1s));
    d.on(use(10, demand("small", gibibytes(2)), d.now + 1min));
    CHECK(d.all<Observe>().size() == 1);
}

TEST_CASE(
    "announcement: it takes no room from one that comes much later either", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const later = prefetch(d, 1, demand("a", gibibytes(6)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 10h));
    d.pass(5s);
    d.on(use(2, demand("b", gibibytes(6)), d.now + 1s));
    d.list_ready();
    CHECK(d.total<Unload>() == 0);
    d.on(UseWithdrawn{AnnouncementId{1}});
    CHECK(d.only<Unload>().instance == later);
}

TEST_CASE("announcement: said again for another model it leaves the first", "[core][announce]") {
    auto const& [before, after] = GENERATE(std::pair("a", "b"), std::pair("b", "a"));
    Driver d(Driver::small(gibibytes(10)));
    d.on(use(1, demand(before, gibibytes(6)), d.now + 30s));
    d.on(use(1, demand(after, gibibytes(6)), d.now + 30s));
    d.list({});
    CHECK(d.only<Load>().demand.weights == after);
    CHECK(d.view(d.only<Load>().instance).weights == after);
    d.on(UseWithdrawn{AnnouncementId{1}});
    CHECK(d.total<AbortLoad>() == 1);
}

TEST_CASE(
    "announcement: whose last client needs it later only does not linger", "[core][announce]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const first = d.load(demand("a", gibibytes(6)));
    d.on(use(1, demand("a", gibibytes(6)), d.now + 30s));
    d.ask(demand("b", gibibytes(6)));
    CHECK(d.total<Unload>() == 0);  // lingers: its client may come back at once
    d.on(KeepAliveWished{"anna", "a", {KeepAlive::Kind::Zero}});
    CHECK(d.only<Unload>().instance == first);
}
