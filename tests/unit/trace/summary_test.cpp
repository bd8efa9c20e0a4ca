#include "support/catch.hpp"

#include <plimsoll/trace/summary.hpp>

#include <cmath>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

TEST_CASE("summary: waits, loads and memory by model and client", "[trace][unit]") {
    Workload workload;
    workload.models = {
        {.name = "a", .charge = gibibytes(4), .load = 2s, .unload = 1s},
        {.name = "b", .charge = gibibytes(4), .load = 2s, .unload = 1s},
        {.name = "never asked for", .charge = gibibytes(1), .load = 2s, .unload = 1s},
    };
    auto const ask = [&](Duration at, std::size_t model, std::string client) {
        workload.requests.push_back(
            {.arrival = at, .model = model, .service = 8s, .client = std::move(client)}
        );
    };
    ask(0s, 0, "anna");
    ask(0s, 1, "bert");
    ask(20s, 0, "anna");
    core::SchedulerConfig config;
    config.budget = gibibytes(8);
    auto const result = summarize(workload, simulate(workload, config), config.budget);
    CHECK(result.waits.served == 3);
    CHECK(result.waits.refused == 0);
    CHECK(result.waits.longest == 4);  // b loads after a
    CHECK(result.waits.mean == 2);
    CHECK(result.waits.p50 == 2);
    CHECK(result.loads == 2);
    CHECK(result.seconds == 28);
    CHECK(result.peak == gibibytes(8));
    // a from 0 to 28 and b from 2 to 28, of 8 GiB.
    CHECK(std::abs(result.memory_used - (28 * 4 + 26 * 4) / (28.0 * 8)) < 1e-9);
    REQUIRE(result.models.size() == 3);
    CHECK(result.models[0].name == "a");
    CHECK(result.models[0].waits.served == 2);
    CHECK(result.models[0].loads == 1);
    CHECK(std::abs(result.models[0].resident - 26.0 / 28) < 1e-9);
    CHECK(result.models[2].waits.served == 0);
    REQUIRE(result.clients.size() == 2);
    CHECK(result.clients[0].name == "anna");
    CHECK(result.clients[0].waits.mean == 1);

    config.budget = gibibytes(3);
    auto const none = summarize(workload, simulate(workload, config), config.budget);
    CHECK(none.waits.served == 0);
    CHECK(none.waits.refused == 3);
    CHECK(none.first_refusal.find("4 GiB") != std::string::npos);
}
