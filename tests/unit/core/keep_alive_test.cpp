#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

namespace {

KeepAlive for_(plimsoll::Duration d) {
    return {KeepAlive::Kind::For, d};
}

KeepAlive zero() {
    return {KeepAlive::Kind::Zero, {}};
}

KeepAlive forever() {
    return {KeepAlive::Kind::Forever, {}};
}

// One answer of a second.
void use(Driver& d, std::string const& client, std::optional<KeepAlive> keep = std::nullopt) {
    TicketId const ticket = d.ask(demand("a", gibibytes(4)), client, keep);
    d.now += 1s;
    d.on(TicketEnded{ticket, TicketOutcome::Done});
}

}  // namespace

TEST_CASE("keep-alive: without a wish the default counts from the last use", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    use(d, "anna");
    d.pass(5min - 1s);
    CHECK(d.none<Unload>());
    d.pass(1s);
    CHECK(d.only<Unload>().instance == id);
    CHECK_THAT(
        d.only<Unload>().reason, ContainsSubstring("keep-alive") && ContainsSubstring("4 GiB")
    );
    CHECK(d.scheduler.snapshot(d.now).counters.expirations == 1);
}

TEST_CASE("keep-alive: the latest of the clients' wishes counts", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)), "bert");
    use(d, "bert", for_(10min));
    use(d, "anna", for_(1min));
    d.pass(9min);
    CHECK(d.none<Unload>());
    d.pass(1min);
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: zero ends only its own client's wish", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)), "bert");
    use(d, "bert", for_(10min));
    use(d, "anna", zero());
    CHECK(d.none<Unload>());
    d.on(KeepAliveWished{"bert", "a", zero()});
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: zero of the only client unloads at once", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    use(d, "anna", zero());
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: a wish is sticky for later requests without one", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    use(d, "anna", for_(20s));
    d.pass(15s);
    use(d, "anna");
    d.pass(15s);
    CHECK(d.none<Unload>());
    d.pass(5s);
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: the timer stands still while the instance is leased", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    use(d, "anna", for_(20s));
    TicketId const lease = d.ask(demand("a", gibibytes(4)), "bert", zero());
    d.pass(10min);
    CHECK(d.none<Unload>());
    d.on(TicketEnded{lease, TicketOutcome::Done});
    d.pass(19s);
    CHECK(d.none<Unload>());
    d.pass(1s);
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: for ever means until the room is needed", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    use(d, "anna", forever());
    d.pass(100h);
    CHECK(d.none<Unload>());
    d.ask(demand("b", gibibytes(8)));
    CHECK(d.only<Unload>().instance == id);
}

TEST_CASE("keep-alive: auto_unload off never unloads for time alone", "[core][keep_alive]") {
    auto config = Driver::small(gibibytes(10));
    config.auto_unload = false;
    Driver d(config);
    d.load(demand("a", gibibytes(4)));
    use(d, "anna", for_(1s));
    d.pass(1h);
    CHECK(d.none<Unload>());
    config.auto_unload = true;
    d.on(ConfigChanged{config});
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE(
    "keep-alive: wishes survive a reload with other settings, not an eviction", "[core][keep_alive]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    use(d, "anna", for_(30min));
    d.pass(5s);
    TicketId const larger = d.ask(demand("a", gibibytes(5), 8192), "bert", zero());
    d.confirm_gone();
    d.loaded(d.only<Load>());
    d.on(TicketEnded{larger, TicketOutcome::Done});
    d.pass(29min);
    CHECK(d.none<Unload>());
    d.pass(62s);
    CHECK(d.all<Unload>().front().attempt == 1);
}

TEST_CASE(
    "keep-alive: it ends on time though a request is answered in that moment", "[core][keep_alive]"
) {
    Driver d(Driver::small(gibibytes(20)));
    InstanceId const old = d.load(demand("old", gibibytes(4)));
    plimsoll::TimePoint const end = d.view(old).expires.value();
    d.load(demand("young", gibibytes(4)));
    d.now = end;
    d.ask(demand("young", gibibytes(4)));
    CHECK(d.all<Dispatch>().size() == 1);
    CHECK(d.only<Unload>().instance == old);
}

TEST_CASE(
    "keep-alive: of more than 64 wishes those that have passed are forgotten, not the one that "
    "holds",
    "[core][keep_alive]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)), "bert");
    use(d, "bert", for_(1h));
    auto const end = d.now + 1h;
    for (int i = 0; i < 70; ++i) {
        use(d, "client " + std::to_string(i), for_(1s));
    }
    d.pass(10s);
    use(d, "one more", for_(1s));
    // The clock stood still while the others were answered.
    CHECK(d.scheduler.snapshot(d.now).instances.front().expires == end + 71s);
    d.pass(end + 71s - d.now - 1ms);
    CHECK(d.none<Unload>());
    d.pass(1ms);
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: a default of for ever is for those who named none", "[core][keep_alive]") {
    auto config = Driver::small(gibibytes(10));
    config.keep_forever = true;
    Driver d(config);
    InstanceId const id = d.load(demand("a", gibibytes(4)));
    CHECK_FALSE(d.view(id).expires);
    use(d, "anna", for_(20s));
    CHECK(d.view(id).expires == d.now + 20s);
    use(d, "bert");
    CHECK_FALSE(d.view(id).expires);
    d.pass(100h);
    CHECK(d.none<Unload>());
}

TEST_CASE("keep-alive: what nobody has used yet has the default", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    Row row{"a", "a:latest", gibibytes(4), gibibytes(4), 4096, {}, {}, {}};
    row.known_form = Form::Pinned;
    d.list({row});
    InstanceId const id = d.scheduler.snapshot(d.now).instances.front().id;
    CHECK(d.view(id).expires == d.now + 5min);
    d.on(KeepAliveWished{"anna", "a", for_(1min)});
    CHECK(d.view(id).expires == d.now + 1min);
    d.on(KeepAliveWished{"anna", "a", for_(plimsoll::Duration::max())});
    CHECK_FALSE(d.view(id).expires);
}

TEST_CASE(
    "keep-alive: zero of the last that holds unloads at once, however many wishes have passed",
    "[core][keep_alive]"
) {
    int const clients = GENERATE(10, 64, 70);
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)), "bert");
    use(d, "bert", for_(1h));
    for (int i = 0; i < clients; ++i) {
        use(d, "client " + std::to_string(i), for_(1s));
    }
    d.pass(10s);
    CHECK(d.none<Unload>());
    d.on(KeepAliveWished{"bert", "a", zero()});
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: it ends when the upstream is back, if that is later", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(4)));
    d.on(UpstreamDown{""});
    d.pass(6min);
    d.on(TimePassed{});
    CHECK(d.total<Unload>() == 0);
    d.on(UpstreamUp{false});
    CHECK(d.all<Unload>().size() == 1);
}

TEST_CASE("keep-alive: a wish that has passed is still the client's", "[core][keep_alive]") {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const id = d.load(demand("a", gibibytes(4)), "bert");
    use(d, "bert", for_(1h));
    use(d, "anna", for_(2s));
    d.pass(10s);
    use(d, "cleo", for_(1s));
    use(d, "anna");
    d.on(KeepAliveWished{"bert", "a", zero()});
    CHECK(d.view(id).expires == d.now + 2s);
}
