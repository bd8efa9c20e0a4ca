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

namespace {

// The overdue b waits for the busy a; c, which is busy as well, turns out to be larger than it
// said.
struct Outgrown {
    explicit Outgrown(plimsoll::Duration before_c) : d(Driver::small(gibibytes(12))) {
        a = d.load(demand("a", gibibytes(6)));
        d.ask(demand("a", gibibytes(6)));
        d.ask(demand("b", gibibytes(8)));
        d.pass(before_c);
        c = d.load(demand("c", gibibytes(2)));
        d.ask(demand("c", gibibytes(2)));
        d.pass(26s - before_c);
        REQUIRE(d.view(a).state == InstanceState::Draining);
        REQUIRE(d.view(c).state == InstanceState::Ready);
        auto rows = d.ready_rows();
        rows.back().size = rows.back().size_vram = gibibytes(5);
        d.list(rows);
    }

    Driver d;
    InstanceId a{}, c{};
};

}  // namespace

TEST_CASE("room: where the victims suffice no more a larger set is taken", "[core][room]") {
    Outgrown world(20s);  // c was loaded beside the overdue one and has no quantum
    CHECK(world.d.view(world.a).state == InstanceState::Draining);
    CHECK(world.d.view(world.c).state == InstanceState::Draining);
}

TEST_CASE("room: where no larger set may be taken the victims are given back", "[core][room]") {
    Outgrown world(5s);  // c has its quantum
    CHECK(world.d.view(world.a).state == InstanceState::Ready);
    CHECK(world.d.view(world.c).state == InstanceState::Ready);
    world.d.pass(30s);
    CHECK(world.d.view(world.c).state == InstanceState::Draining);
}

TEST_CASE("room: what can stay after all is given back when the others are idle", "[core][room]") {
    auto config = Driver::small(gibibytes(12));
    Driver d(config);
    d.load(demand("x", gibibytes(4)));
    d.on(PinSet{demand("x", gibibytes(4)), "operator", {}});
    InstanceId const a = d.load(demand("a", gibibytes(4)));
    InstanceId const b = d.load(demand("b", gibibytes(4)));
    TicketId const ta = d.ask(demand("a", gibibytes(4)));
    TicketId const tb = d.ask(demand("b", gibibytes(4)));
    d.ask(demand("new", gibibytes(8)));
    d.pass(30s);
    REQUIRE(d.view(a).state == InstanceState::Draining);
    REQUIRE(d.view(b).state == InstanceState::Draining);
    d.on(TicketEnded{ta, TicketOutcome::Done});
    d.on(PinCleared{"x"});
    // x and a suffice, so nobody has to wait for b.
    CHECK(d.all<Unload>().size() == 2);
    CHECK(d.view(b).state == InstanceState::Ready);
    d.on(TicketEnded{tb, TicketOutcome::Done});
    CHECK(d.view(b).state == InstanceState::Ready);
}

TEST_CASE("room: of many candidates only those that are needed go", "[core][room]") {
    auto config = Driver::small(gibibytes(14));
    config.max_loaded_models = 20;
    Driver d(config);
    for (int i = 0; i < 14; ++i) {
        d.load(demand("m" + std::to_string(i), gibibytes(1)));
    }
    for (int i = 0; i < 5; ++i) {  // the first one is used much
        TicketId const ticket = d.ask(demand("m0", gibibytes(1)));
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    }
    d.pass(10s);
    d.ask(demand("new", gibibytes(3)));
    auto const unloads = d.all<Unload>();
    CHECK(unloads.size() == 3);
    for (Unload const& unload : unloads) {
        CHECK(unload.weights != "m0");
    }
}

TEST_CASE("room: an overdue target takes an idle model before one that answers", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const busy = d.load(demand("busy", gibibytes(4)));
    for (int i = 0; i < 9; ++i) {  // worth more than the busy one
        TicketId const ticket = d.ask(demand("idle", gibibytes(4)));
        if (i == 0) {
            d.list_ready();
            d.loaded(d.only<Load>());
        }
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    }
    d.on(UpstreamDown{""});
    d.on(UpstreamUp{false});
    d.ask(demand("busy", gibibytes(4)));
    d.pass(30s);  // its answer takes longer than any before
    d.on(UpstreamDown{""});
    d.ask(demand("new", gibibytes(6)));
    d.pass(16s);
    d.on(UpstreamUp{false});
    CHECK(d.only<Unload>().weights == "idle");
    CHECK(d.view(busy).state == InstanceState::Ready);
}

TEST_CASE("room: of two that are busy the one that is free earlier drains", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    std::vector<InstanceId> ids;
    for (std::string const name : {"long", "short"}) {
        TicketId const ticket = d.ask(demand(name, gibibytes(5)));
        d.list_ready();
        d.loaded(d.only<Load>());
        ids.push_back(d.only<Dispatch>().instance);
        d.now += name == "long" ? 300s : 100s;
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    }
    for (std::string const name : {"long", "short", "long"}) {  // the short one is worth less
        d.ask(demand(name, gibibytes(5)));
    }
    d.ask(demand("new", gibibytes(5)));
    d.pass(30s);
    CHECK(d.view(ids.back()).state == InstanceState::Draining);
    CHECK(d.view(ids.front()).state == InstanceState::Ready);
}

TEST_CASE("room: nobody is evicted for a reload while the model itself is busy", "[core][room]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("idle", gibibytes(4)));
    d.load(demand("a", gibibytes(4), 4096));
    d.pass(10s);
    d.ask(demand("a", gibibytes(4), 4096));
    d.ask(demand("a", gibibytes(6), 8192));
    CHECK(d.total<Unload>() == 0);
}

namespace {

// Rows that others loaded: all equally cheap to lose.
Driver with_foreign(std::vector<std::uint64_t> const& gib, plimsoll::Bytes budget) {
    auto config = Driver::small(budget);
    config.max_loaded_models = 20;
    Driver d(config);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < gib.size(); ++i) {
        std::string const name = "x" + std::to_string(i);
        rows.push_back(Row{name, name, gibibytes(gib[i]), gibibytes(gib[i]), 0, {}, {}, {}});
    }
    d.list(rows);
    d.list(rows);
    return d;
}

std::vector<std::string> unloaded(Driver const& d) {
    std::vector<std::string> names;
    for (Unload const& unload : d.all<Unload>()) {
        names.push_back(unload.weights);
    }
    return names;
}

}  // namespace

TEST_CASE("room: of equally cheap sets the smaller one goes, then the older one", "[core][room]") {
    Driver equal = with_foreign({3, 3, 3}, gibibytes(10));
    equal.ask(demand("new", gibibytes(4)));
    CHECK(unloaded(equal) == std::vector<std::string>{"x0"});
    Driver one_or_two = with_foreign({3, 3, 6}, gibibytes(12));
    one_or_two.ask(demand("new", gibibytes(6)));
    CHECK(unloaded(one_or_two) == std::vector<std::string>{"x2"});
}

TEST_CASE("room: among many candidates, too, the model itself goes first", "[core][room]") {
    auto config = Driver::small(gibibytes(100));
    config.max_loaded_models = 20;
    Driver d(config);
    for (int i = 0; i < 12; ++i) {
        d.load(demand("m" + std::to_string(i), gibibytes(1)));
    }
    d.pass(10s);
    d.ask(demand("m3", gibibytes(2), 8192));
    CHECK(d.only<Unload>().weights == "m3");
    d.confirm_gone();
    CHECK(d.only<Load>().demand.settings.num_ctx == 8192);
}

TEST_CASE(
    "room: of up to ten candidates the best set goes, of more what is not superfluous",
    "[core][room]"
) {
    std::vector<std::uint64_t> sizes(9, 1);
    sizes.push_back(5);
    Driver ten = with_foreign(sizes, gibibytes(14));
    ten.ask(demand("new", gibibytes(5)));
    CHECK(unloaded(ten) == std::vector<std::string>{"x9"});
    sizes.insert(sizes.begin(), 1);
    Driver eleven = with_foreign(sizes, gibibytes(15));
    eleven.ask(demand("new", gibibytes(5)));
    CHECK(unloaded(eleven) == std::vector<std::string>{"x0", "x1", "x2", "x3", "x4"});
}

TEST_CASE(
    "room: what is unloading already does not drain for a pool over its budget", "[core][room]"
) {
    Driver d(Driver::small(gibibytes(12)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    InstanceId const c = d.load(demand("c", gibibytes(2)));
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    d.ask(demand("c", gibibytes(2)));
    d.ask(demand("b", gibibytes(8)));
    d.pass(30s);
    REQUIRE(d.view(a).state == InstanceState::Draining);
    d.on(TicketEnded{running, TicketOutcome::Done});
    REQUIRE(d.view(a).state == InstanceState::Unloading);
    d.list(
        {Row{"a", "a:latest", gibibytes(6), gibibytes(6), 4096, {}, {}, {}},
         Row{"c", "c:latest", gibibytes(13), gibibytes(13), 4096, {}, {}, {}}}
    );
    CHECK(d.view(a).state == InstanceState::Unloading);
    CHECK(d.view(c).state == InstanceState::Draining);
    CHECK(d.none<Unload>());
}

TEST_CASE(
    "room: what drains for somebody goes all the same where the budget shrinks", "[core][room]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(8)));
    d.pass(30s);
    REQUIRE(d.view(a).state == InstanceState::Draining);
    d.on(ConfigChanged{Driver::small(gibibytes(5))});
    CHECK(d.all<Refuse>().size() == 1);
    CHECK(d.view(a).state == InstanceState::Draining);
    d.on(TicketEnded{running, TicketOutcome::Done});
    CHECK(d.only<Unload>().instance == a);
}
