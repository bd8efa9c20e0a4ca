#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

namespace {

Row row(std::string const& weights, plimsoll::Bytes size, plimsoll::Bytes predicted = {}) {
    return Row{weights, weights + ":latest", size, size, 4096, {}, {}, predicted};
}

}  // namespace

TEST_CASE(
    "list: a row that we did not load is charged, and reloaded before its first dispatch",
    "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.list({row("a", gibibytes(3), gibibytes(4))});
    CHECK(d.charged() == gibibytes(4));
    CHECK(d.scheduler.snapshot(d.now).instances.front().foreign);
    TicketId const ticket = d.ask(demand("a", gibibytes(4)));
    CHECK(d.none<Dispatch>());
    CHECK(d.all<Unload>().size() == 1);
    d.pass(7s);
    d.confirm_gone();
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == ticket);
}

TEST_CASE("list: a row whose form is known is taken over and serves at once", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    Row known = row("a", gibibytes(3), gibibytes(4));
    known.known_form = Form::Pinned;
    known.known_settings = RunnerSettings{8192, 512, {}};
    d.list({known});
    d.ask(demand("a", gibibytes(4)));
    CHECK(d.only<Dispatch>().settings.num_ctx == 8192);
    CHECK_FALSE(d.scheduler.snapshot(d.now).instances.front().foreign);
}

TEST_CASE("list: a foreign row over the budget is unloaded at once, before ours", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    auto rows = d.ready_rows();
    rows.push_back(row("x", gibibytes(8)));
    d.list(rows);
    CHECK(d.scheduler.ledger().is_over_budget());
    CHECK(d.only<Unload>().weights == "x");
    CHECK(d.all<Notice>().size() == 2);
}

TEST_CASE(
    "list: a measurement above the charge raises it, and one below never lowers it", "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    d.list({row("a", gibibytes(5))});
    CHECK(d.view(id).charge == gibibytes(5));
    d.list({row("a", gibibytes(0))});
    CHECK(d.view(id).charge == gibibytes(5));
    d.list({row("a", gibibytes(1))});
    CHECK(d.view(id).charge == gibibytes(4));
}

TEST_CASE(
    "list: one list without a ready row holds dispatch back, two take it away", "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    d.now += 10s;
    d.list({});
    CHECK(d.charged() == gibibytes(4));
    TicketId const ticket = d.ask(demand("a", gibibytes(4)));
    CHECK(d.none<Dispatch>());
    SECTION("it was omitted once") {
        d.list({row("a", gibibytes(4))});
        CHECK(d.only<Dispatch>().ticket == ticket);
    }
    SECTION("it is gone") {
        d.list({});
        CHECK_FALSE(d.scheduler.state_of(id));
        d.list({});
        CHECK(d.only<Load>().demand.weights == "a");
    }
}

TEST_CASE("list: the absence of a young instance proves nothing", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    for (int i = 0; i < 5; ++i) {
        d.now += 500ms;
        d.list({});
    }
    CHECK(d.scheduler.state_of(id) == InstanceState::Ready);
}

TEST_CASE(
    "list: a row that vanished during a load of ours lowers the number of rows", "[core][list]"
) {
    Driver d(Driver::small(gibibytes(100)));
    d.load(demand("a", gibibytes(4)));
    d.load(demand("b", gibibytes(4)));
    d.now += 10s;
    d.ask(demand("c", gibibytes(4)));
    d.list_ready();
    d.now += 1s;
    d.on(Observed{{row("b", gibibytes(4))}, d.now});
    d.now += 1s;
    d.on(Observed{{row("b", gibibytes(4))}, d.now});
    CHECK_THAT(d.only<Notice>().text, ContainsSubstring("2 models"));
}

TEST_CASE("list: leases of an instance that vanished go on and end like others", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    TicketId const ticket = d.ask(demand("a", gibibytes(4)));
    d.now += 10s;
    d.list({});
    d.now += 1s;
    d.list({});
    CHECK(d.charged().is_zero());
    d.on(TicketEnded{ticket, TicketOutcome::ConnectionLost});
    CHECK(d.scheduler.snapshot(d.now).waiting.empty());
}

TEST_CASE("list: one that a newer list overtook is ignored", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    d.on(Observed{d.ready_rows(), d.now});
    d.on(Observed{{row("x", gibibytes(9))}, d.now - 1s});
    CHECK(d.charged() == gibibytes(4));
}

TEST_CASE("list: after a restart nothing is loaded", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    d.on(UpstreamDown{"connection refused"});
    CHECK(d.charged() == gibibytes(4));
    d.on(UpstreamUp{true});
    CHECK(d.charged().is_zero());
    CHECK_FALSE(d.scheduler.has_instances());
}

TEST_CASE("list: a request for one that is lost is made again", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(4)));
    d.pass(3s);
    CHECK(d.all<Observe>().size() == 1);
}

TEST_CASE("list: a foreign model that comes back is not fought for ever", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    for (int i = 0; i < 3; ++i) {
        d.list({row("x", gibibytes(11))});
        d.list({row("x", gibibytes(11))});
        if (i < 2) {
            CHECK(d.total<Unload>() == static_cast<std::size_t>(i + 1));
            d.now += 4s;
            d.confirm_gone();
        }
    }
    CHECK(d.none<Unload>());
}

TEST_CASE(
    "list: a row that shows up again soon after it left is charged but nobody's until a second "
    "list",
    "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.now += 7s;
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    CHECK(d.charged().is_zero());
    d.load(demand("b", gibibytes(6)));
    auto rows = d.ready_rows();
    rows.push_back(row("a", gibibytes(6), gibibytes(6)));
    d.list(rows);
    CHECK(d.charged() == gibibytes(12));
    CHECK(d.none<Unload>());
    CHECK(d.none<Notice>());
    SECTION("the next list lacks it: the one before was old") {
        rows.pop_back();
        d.now += 1ms;
        d.on(TimePassed{});
        d.list(rows);
        d.now += 1ms;
        d.on(TimePassed{});
        d.list(rows);
        CHECK(d.charged() == gibibytes(6));
        CHECK(d.total<Unload>() == 1);
        CHECK(d.scheduler.counters().foreign_evictions == 0);
    }
    SECTION("the next list has it too: somebody else loaded it") {
        d.list(rows);
        CHECK(d.only<Unload>().weights == "a");
        CHECK(d.scheduler.counters().foreign_evictions == 1);
    }
}

TEST_CASE(
    "list: an unload is seen soon after the load where no earlier instance can be shown",
    "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(4)));
    d.list({});
    Load const load = d.only<Load>();
    d.now += 1s;
    d.on(LoadSucceeded{load.instance, {}, {}, 0, 1s});  // the list after the load lagged
    d.list({row("a", gibibytes(4))});
    d.on(TicketEnded{TicketId{1}, TicketOutcome::Done});
    d.now += 1s;
    d.on(UnloadRequested{"a"});
    d.confirm_gone();
    CHECK(d.charged().is_zero());
}

TEST_CASE(
    "list: a row that is taken over and measures more than was predicted says so", "[core][list]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.list({row("a", gibibytes(5), gibibytes(4))});
    auto const notices = d.all<Notice>();
    REQUIRE(notices.size() == 2);
    CHECK_THAT(
        notices.front().text, ContainsSubstring("measures 5 GiB, more than the 4 GiB charged")
    );
    CHECK(d.charged() == gibibytes(5));
}

TEST_CASE("list: what a list lacks or shows may be as old as six seconds", "[core][list]") {
    Driver d(Driver::small(gibibytes(20)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    auto const loaded_at = d.view(id).loaded_at;
    SECTION("the absence of what was loaded then proves nothing") {
        d.now = loaded_at + 6s;
        d.list({});
        d.ask(demand("a", gibibytes(4)));
        CHECK(d.all<Dispatch>().size() == 1);
    }
    SECTION("later it does") {
        d.now = loaded_at + 6s + 1ms;
        d.list({});
        d.ask(demand("a", gibibytes(4)));
        CHECK(d.none<Dispatch>());
    }
    SECTION("the presence of what left then is an echo") {
        d.pass(7s);
        d.on(UnloadRequested{"a"});
        d.confirm_gone();
        auto const left_at = d.now;
        SECTION("still") {
            d.now = left_at + 6s;
            d.list({row("a", gibibytes(4))});
            CHECK(d.none<Notice>());
        }
        SECTION("no more") {
            d.now = left_at + 6s + 1ms;
            d.list({row("a", gibibytes(4))});
            CHECK(d.all<Notice>().size() == 1);
        }
    }
}

TEST_CASE("list: one that does not come is asked for again after two seconds", "[core][list]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(4)));
    REQUIRE(d.all<Observe>().size() == 1);
    for (int i = 0; i < 2; ++i) {
        CHECK(d.scheduler.next_wakeup() == d.now + 2s);
        d.now += 2s - 1ms;
        d.on(TimePassed{});
        CHECK(d.none<Observe>());
        CHECK(d.scheduler.next_wakeup() == d.now + 1ms);
        d.now += 1ms;
        d.on(TimePassed{});
        CHECK(d.all<Observe>().size() == 1);
    }
}

namespace {

// Of three rows one left while the third loaded, so that two is the limit for an hour.
Driver limited(plimsoll::TimePoint& until) {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 5;
    config.keep_forever = true;
    Driver d(config);
    d.load(demand("a", gibibytes(4)));
    d.load(demand("b", gibibytes(4)));
    d.now += 10s;
    TicketId const ticket = d.ask(demand("c", gibibytes(4)));
    d.list_ready();
    Load const load = d.only<Load>();
    for (int i = 0; i < 2; ++i) {
        d.now += 1s;
        d.list({row("b", gibibytes(4))});
    }
    until = d.now + 1h;
    d.loaded(load);
    d.on(TicketEnded{ticket, TicketOutcome::Done});
    return d;
}

}  // namespace

TEST_CASE("list: the lower number of rows holds for an hour, or until a restart", "[core][list]") {
    plimsoll::TimePoint until{};
    Driver d = limited(until);
    SECTION("an hour less a moment") {
        d.now = until - 1ms;
        d.ask(demand("d", gibibytes(4)));
        CHECK(d.all<Unload>().size() == 1);
    }
    SECTION("an hour") {
        d.now = until;
        d.ask(demand("d", gibibytes(4)));
        CHECK(d.none<Unload>());
        d.list_ready();
        CHECK(d.only<Load>().demand.weights == "d");
    }
    SECTION("a restart") {
        d.on(UpstreamUp{true});
        for (std::string const name : {"a", "b", "c"}) {
            d.load(demand(name, gibibytes(4)));
        }
        CHECK(d.total<Unload>() == 0);
    }
}

TEST_CASE(
    "list: only what left while a load of ours was in flight was evicted for it", "[core][list]"
) {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 5;
    Driver d(config);
    std::string const name = GENERATE("before", "during", "foreign");
    if (name == "foreign") {
        d.list({row("a", gibibytes(4))});
        d.list({row("a", gibibytes(4))});
    } else {
        d.load(demand("a", gibibytes(4)));
    }
    d.load(demand("b", gibibytes(4)));
    d.now += 10s;
    d.ask(demand("c", gibibytes(4)));
    d.list(name == "before" ? std::vector{row("b", gibibytes(4))} : d.ready_rows());
    REQUIRE(d.all<Load>().size() == 1);
    for (int i = 0; i < 2 && d.scheduler.snapshot(d.now).instances.size() > 2; ++i) {
        d.list({row("b", gibibytes(4))});
    }
    auto const notices = d.all<Notice>();
    REQUIRE(notices.size() == 1);
    CHECK_THAT(notices.front().text, ContainsSubstring("left the upstream's list by itself"));
    bool const is_limited = notices.front().text.find("2 models at most") != std::string::npos;
    CHECK(is_limited == (name == "during"));
}
