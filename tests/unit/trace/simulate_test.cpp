#include "support/catch.hpp"

#include <plimsoll/trace/simulate.hpp>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

namespace {

Workload two_models() {
    Workload workload;
    workload.models = {
        {.name = "a", .charge = gibibytes(6), .load = 4s, .unload = 1s},
        {.name = "b", .charge = gibibytes(6), .load = 2s, .unload = 1s},
    };
    return workload;
}

Request ask(Duration arrival, std::size_t model, Duration service, std::string client = "anna") {
    return {.arrival = arrival, .model = model, .service = service, .client = std::move(client)};
}

core::SchedulerConfig with_budget(Bytes budget) {
    core::SchedulerConfig config;
    config.budget = budget;
    return config;
}

}  // namespace

TEST_CASE("simulate: a request waits for its load, the next one finds it there", "[trace][unit]") {
    auto workload = two_models();
    workload.requests = {ask(0s, 0, 10s), ask(20s, 0, 5s)};
    auto const result = simulate(workload, with_budget(gibibytes(8)));
    REQUIRE(result.passages.size() == 2);
    CHECK(result.passages[0].waited == 4s);
    CHECK(result.passages[0].ended == 14s);
    CHECK(result.passages[1].waited == 0s);
    CHECK(result.counters.loads == 1);
    CHECK(result.length == 25s);
    CHECK(result.peak == gibibytes(6));
    REQUIRE(result.residencies.size() == 1);
    CHECK(result.residencies[0].ready == 4s);
    CHECK(result.residencies[0].gone == 25s);
    CHECK(result.byte_seconds == static_cast<double>(gibibytes(6).count()) * 25);
}

TEST_CASE("simulate: a swap takes the unload, its confirmation and the load", "[trace][unit]") {
    auto workload = two_models();
    workload.requests = {ask(0s, 0, 1s), ask(60s, 1, 1s)};
    auto const result = simulate(workload, with_budget(gibibytes(8)));
    CHECK(result.passages[1].waited == 1s + 1ms + 2s);
    CHECK(result.counters.evictions == 1);
    REQUIRE(result.residencies.size() == 2);
    CHECK(result.residencies[0].unload_start == 60s);
    CHECK(result.residencies[0].gone == 61s);
    CHECK(result.peak == gibibytes(6));
}

TEST_CASE("simulate: with room for both nobody swaps", "[trace][unit]") {
    auto workload = two_models();
    for (int i = 0; i < 20; ++i) {
        workload.requests.push_back(ask(i * 30s, static_cast<std::size_t>(i % 2), 5s));
    }
    CHECK(simulate(workload, with_budget(gibibytes(12))).counters.loads == 2);
    CHECK(simulate(workload, with_budget(gibibytes(8))).counters.loads == 20);
}

TEST_CASE("simulate: what can never fit is refused, with the reason", "[trace][unit]") {
    auto workload = two_models();
    workload.requests = {ask(3s, 0, 1s), ask(4s, 1, 1s)};
    auto const result = simulate(workload, with_budget(gibibytes(4)));
    for (auto const& passage : result.passages) {
        CHECK(passage.outcome == Outcome::Refused);
        CHECK(passage.reason.find("6 GiB") != std::string::npos);
    }
    CHECK(result.passages[0].ended == 3s);
    CHECK(result.counters.loads == 0);
    CHECK(simulate(Workload{}, with_budget(gibibytes(4))).passages.empty());
}

TEST_CASE("simulate: equal input gives equal output", "[trace][unit]") {
    auto workload = two_models();
    for (int i = 0; i < 200; ++i) {
        workload.requests.push_back(
            ask(i * 700ms,
                static_cast<std::size_t>(i * i % 3 == 0 ? 1 : 0),
                1s + i % 7 * 300ms,
                "client " + std::to_string(i % 5))
        );
    }
    auto const one = simulate(workload, with_budget(gibibytes(8)));
    auto const two = simulate(workload, with_budget(gibibytes(8)));
    REQUIRE(one.events == two.events);
    for (std::size_t i = 0; i < one.passages.size(); ++i) {
        CHECK(one.passages[i].waited == two.passages[i].waited);
        CHECK(one.passages[i].ended >= workload.requests[i].arrival + workload.requests[i].service);
    }
}

TEST_CASE("simulate: an unload may take longer than the scheduler has patience", "[trace][unit]") {
    auto workload = two_models();
    workload.models[0].unload = 230s;
    workload.requests = {ask(0s, 0, 1s), ask(60s, 1, 1s), ask(400s, 1, 1s)};
    auto const result = simulate(workload, with_budget(gibibytes(8)));
    CHECK(result.passages[1].outcome == Outcome::Refused);
    CHECK(result.passages[2].outcome == Outcome::Served);
    CHECK(result.residencies[0].gone == 60s + 230s);
}
