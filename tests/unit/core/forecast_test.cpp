#include "unit/core/driver.hpp"

#include <algorithm>
#include <cmath>

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::Duration;
using plimsoll::gibibytes;
using plimsoll::TimePoint;

namespace {

using Kind = ForecastStep::Kind;

Ticket ticket_for(Demand const& demand) {
    Ticket ticket;
    ticket.id = TicketId{1'000'000};
    ticket.client = "forecaster";
    ticket.demand = demand;
    return ticket;
}

Forecast ahead(Driver const& d, std::optional<Ticket> const& asked) {
    return d.scheduler.forecast(d.now, asked, ForecastLimits{});
}

std::vector<Kind> kinds_of(Forecast const& forecast) {
    std::vector<Kind> kinds;
    for (ForecastStep const& step : forecast.steps) {
        kinds.push_back(step.kind);
    }
    return kinds;
}

bool is_about(Duration a, Duration b) {
    return a >= b && a < b + 100ms;
}

}  // namespace

TEST_CASE("forecast: a model with a free slot is there at once", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    auto const forecast = ahead(d, ticket_for(demand("a", gibibytes(6))));
    REQUIRE(forecast.wait);
    CHECK(*forecast.wait == 0s);
    CHECK(kinds_of(forecast) == std::vector{Kind::Dispatch});
}

TEST_CASE("forecast: a load takes its time, an eviction before it another", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    auto const first = ahead(d, ticket_for(demand("a", gibibytes(6))));
    REQUIRE(first.wait);
    CHECK(is_about(*first.wait, 2s));
    CHECK(kinds_of(first) == std::vector{Kind::Load, Kind::Ready, Kind::Dispatch});
    CHECK(first.steps.front().bytes == gibibytes(6));
    d.load(demand("a", gibibytes(6)));
    d.pass(10s);
    auto const second = ahead(d, ticket_for(demand("b", gibibytes(8))));
    REQUIRE(second.wait);
    CHECK(is_about(*second.wait, 3s));
    CHECK(kinds_of(second) == std::vector{Kind::Unload, Kind::Load, Kind::Ready, Kind::Dispatch});
    CHECK(second.steps.front().model == "a:latest");
    CHECK(second.steps.front().bytes == gibibytes(6));
}

TEST_CASE(
    "forecast: against a busy model it counts patience, quantum and the answer that runs",
    "[core][forecast]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    Demand wanted = demand("b", gibibytes(8));
    wanted.answer_time = 1s;
    auto const busy = ahead(d, ticket_for(wanted));
    REQUIRE(busy.wait);
    // The answer of a is expected to last as long as its last one, and then a is idle.
    CHECK(*busy.wait < 20s);
    CHECK(d.scheduler.snapshot(d.now).waiting.empty());
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE("forecast: what cannot fit is refused with the reason", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    auto const forecast = ahead(d, ticket_for(demand("a", gibibytes(11))));
    CHECK_FALSE(forecast.wait);
    CHECK(forecast.refusal == RefuseKind::DoesNotFit);
    CHECK(kinds_of(forecast) == std::vector{Kind::Refuse});
    CHECK_THAT(forecast.steps.front().reason, ContainsSubstring("11 GiB"));
}

TEST_CASE("forecast: every waiting ticket has an expected wait", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand wanted = demand("a", gibibytes(6));
    wanted.answer_time = 4s;
    std::vector<TicketId> tickets;
    for (int i = 0; i < 3; ++i) {
        tickets.push_back(d.ask(wanted));
    }
    auto const forecast = ahead(d, std::nullopt);
    REQUIRE(forecast.waits.size() == 3);
    for (std::size_t i = 0; i < tickets.size(); ++i) {
        CHECK(is_about(forecast.waits.at(tickets[i]), 2s + i * 4s));
    }
}

TEST_CASE("forecast: what it says is what then happens", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.pass(10s);
    d.ask(demand("b", gibibytes(8)));
    auto const forecast = ahead(d, std::nullopt);
    TicketId const ticket{d.last_ticket};
    REQUIRE(forecast.waits.contains(ticket));
    TimePoint const start = d.now;
    d.list_ready();
    d.now = start + 1s;
    d.confirm_gone();
    d.list_ready();
    Load load;
    for (Action const& action : d.log) {
        if (auto const* each = std::get_if<Load>(&action)) {
            load = *each;
        }
    }
    CHECK(load.demand.weights == "b");
    d.now += 2s;
    d.loaded(load);
    CHECK(d.only<Dispatch>().ticket == ticket);
    CHECK(is_about(d.now - start, forecast.waits.at(ticket)));
}

TEST_CASE(
    "forecast: a deadline that it cannot meet is refused at once, one that it can is kept",
    "[core][forecast]"
) {
    Driver d(Driver::small(gibibytes(10)));
    Demand slow = demand("a", gibibytes(6));
    slow.answer_time = 30s;
    d.ask(slow);
    d.list_ready();
    d.loaded(d.only<Load>());
    d.ask(slow, "berta");
    Ticket ticket = ticket_for(slow);
    ticket.deadline = d.now + 40s;  // the load would be done, but two answers of 30 s come first
    d.on(TicketArrived{ticket});
    CHECK(d.only<Refuse>().kind == RefuseKind::Deadline);
    CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("expected"));
    ticket.id = TicketId{1'000'001};
    ticket.deadline = d.now + 90s;
    d.on(TicketArrived{ticket});
    CHECK(d.none<Refuse>());
}

TEST_CASE("forecast: answers are expected to last as the latest did", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand const wanted = demand("a", gibibytes(6));
    InstanceId id{};
    auto const answer = [&](Duration length) {
        TicketId const ticket = d.ask(wanted);
        d.now += length;
        d.on(TicketEnded{ticket, TicketOutcome::Done});
    };
    TicketId const first = d.ask(wanted);
    d.list({});
    Load const load = d.only<Load>();
    d.loaded(load);
    id = load.instance;
    d.now += 500ms;
    d.on(TicketEnded{first, TicketOutcome::Done});
    CHECK(d.scheduler.answer_time(id) == 500ms);
    d.ask(wanted);
    auto const behind_one = ahead(d, ticket_for(wanted));
    REQUIRE(behind_one.wait);
    CHECK(is_about(*behind_one.wait, 500ms));
    d.on(TicketEnded{TicketId{d.last_ticket}, TicketOutcome::Done});
    double const before = plimsoll::to_seconds(d.scheduler.answer_time(id));
    answer(20s);
    double const after = plimsoll::to_seconds(d.scheduler.answer_time(id));
    CHECK(std::abs(after - (0.8 * before + 0.2 * 20)) < 0.001);
}

TEST_CASE("forecast: what is in memory stays there while others come and go", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand const lasting = demand("a", gibibytes(6));
    d.load(lasting);
    d.load(demand("idle", gibibytes(3)));
    TicketId const first = d.ask(lasting);
    d.pass(60s);
    d.on(TicketEnded{first, TicketOutcome::Done});
    d.ask(lasting);
    d.ask(demand("b", gibibytes(4)));  // instead of the idle one
    REQUIRE(d.only<Unload>().weights == "idle");
    auto const forecast = ahead(d, ticket_for(demand("c", gibibytes(6))));
    REQUIRE(forecast.wait);
    CHECK(*forecast.wait >= 15s);
}

TEST_CASE(
    "forecast: leases of what has vanished do not hide the answers of others", "[core][forecast]"
) {
    Driver d(Driver::small(gibibytes(20)));
    Demand wanted = demand("a", gibibytes(4));
    wanted.answer_time = 5s;
    d.load(demand("x", gibibytes(4)));
    d.load(wanted);
    d.load(demand("y", gibibytes(4)));
    d.pass(7s);
    d.ask(demand("x", gibibytes(4)));
    d.ask(wanted);
    d.ask(demand("y", gibibytes(4)));
    auto const rows = std::vector{d.ready_rows().at(1)};
    REQUIRE(rows.front().weights == "a");
    d.list(rows);
    d.list(rows);
    REQUIRE(d.charged() == gibibytes(4));
    auto const forecast = ahead(d, ticket_for(wanted));
    REQUIRE(forecast.wait);
    CHECK(*forecast.wait > 4900ms);
    CHECK(*forecast.wait <= 5s);
}

TEST_CASE("forecast: what should have happened already is expected at once", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(demand("a", gibibytes(6)));
    d.list({});
    REQUIRE(d.all<Load>().size() == 1);
    d.now += 5s;
    auto const forecast = ahead(d, std::nullopt);
    REQUIRE(forecast.waits.size() == 1);
    CHECK(forecast.waits.begin()->second == 10ms);
    CHECK(kinds_of(forecast) == std::vector{Kind::Ready});
}

TEST_CASE("forecast: it ends at its horizon, and after so many events", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    Demand wanted = demand("a", gibibytes(6));
    wanted.answer_time = 10s;
    for (int i = 0; i < 4; ++i) {
        d.ask(wanted);
    }
    auto const waits = [&](ForecastLimits const& limits) {
        return d.scheduler.forecast(d.now, std::nullopt, limits).waits.size();
    };
    CHECK(waits({}) == 4);
    CHECK(waits({.horizon = 12s}) == 2);
    CHECK(waits({.horizon = 12s + 1ms}) == 3);
    CHECK(waits({.horizon = 1s}) == 1);  // what it has begun it ends
    CHECK(waits({.events = 1}) == 0);
    CHECK(waits({.events = 3}) < 4);
}

TEST_CASE("forecast: it leaves no trace, whatever is under way", "[core][forecast]") {
    Driver d(Driver::small(gibibytes(10)));
    auto const look = [&] {
        Snapshot const before = d.scheduler.snapshot(d.now);
        auto const forecast = ahead(d, ticket_for(demand("z", gibibytes(6))));
        CHECK(forecast.wait);
        Snapshot const after = d.scheduler.snapshot(d.now);
        CHECK(after.charged == before.charged);
        CHECK(after.waiting.size() == before.waiting.size());
        CHECK(after.counters.loads == before.counters.loads);
        REQUIRE(after.instances.size() == before.instances.size());
        for (std::size_t i = 0; i < after.instances.size(); ++i) {
            CHECK(after.instances[i].state == before.instances[i].state);
        }
    };
    d.on(UseAnnounced{AnnouncementId{1}, demand("c", gibibytes(2)), d.now + 30s});
    d.ask(demand("a", gibibytes(6)));
    look();  // its load waits for a list
    d.list({});
    look();  // it loads
    d.loaded(d.only<Load>());
    TicketId const running = d.only<Dispatch>().ticket;
    d.ask(demand("b", gibibytes(6)));
    look();
    d.pass(30s);
    look();  // it drains
    d.on(TicketEnded{running, TicketOutcome::Done});
    REQUIRE(d.all<Unload>().size() == 1);
    look();  // it goes
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE(
    "forecast: a load that waits for its list in room made for it leaves no trace either",
    "[core][forecast]"
) {
    Driver d(Driver::small(gibibytes(12)));
    d.load(demand("a", gibibytes(6)));
    TicketId const running = d.ask(demand("a", gibibytes(6)));
    TicketId const waiting = d.ask(demand("b", gibibytes(10)));
    d.pass(25s);
    d.ask(demand("c", gibibytes(2)));  // beside it
    d.list_ready();
    Load const beside = d.only<Load>();
    d.on(TicketEnded{running, TicketOutcome::Done});
    REQUIRE(d.all<Unload>().size() == 1);
    d.confirm_gone();
    d.loaded(beside);
    REQUIRE(d.all<Observe>().size() == 1);
    auto const forecast = ahead(d, std::nullopt);
    REQUIRE(forecast.waits.contains(waiting));
    CHECK(is_about(forecast.waits.at(waiting), 2s));
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "b");
}
