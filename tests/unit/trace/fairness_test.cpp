// What clients do to each other, through the whole scheduler in simulated time.
#include "support/catch.hpp"

#include <plimsoll/trace/simulate.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace std::chrono_literals;
using trace::Request;
using trace::Workload;

namespace {

trace::Model model(std::string name, Bytes charge, Duration load) {
    return {.name = std::move(name), .charge = charge, .load = load, .unload = 500ms};
}

core::SchedulerConfig config_of(Bytes budget) {
    core::SchedulerConfig config;
    config.budget = budget;
    config.keep_forever = true;
    config.queue_limit = 100'000;
    return config;
}

// Mean wait in seconds of the requests of these clients.
double mean_wait(
    Workload const& workload, trace::Simulated const& simulated, std::string const& prefix
) {
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < workload.requests.size(); ++i) {
        if (workload.requests[i].client.starts_with(prefix)) {
            sum += to_seconds(simulated.passages[i].waited);
            count += 1;
        }
    }
    return sum / count;
}

double p99_of_class(
    Workload const& workload, trace::Simulated const& simulated, core::Priority priority
) {
    std::vector<double> waits;
    for (std::size_t i = 0; i < workload.requests.size(); ++i) {
        if (workload.requests[i].priority == priority) {
            waits.push_back(to_seconds(simulated.passages[i].waited));
        }
    }
    std::ranges::sort(waits);
    return waits[waits.size() * 99 / 100];
}

double exponential(std::mt19937_64& random, double mean) {
    double const unit = (static_cast<double>(random() >> 11U) + 0.5) * 0x1.0p-53;
    return -mean * std::log(unit);
}

}  // namespace

TEST_CASE(
    "fairness: beside one client with a hundred requests ten with one each wait at most twice as "
    "long",
    "[trace][fairness]"
) {
    Workload alone;
    alone.models.push_back(model("a", gibibytes(5), 4s));
    for (int i = 0; i < 10; ++i) {
        alone.requests.push_back(
            {.arrival = 100ms, .service = 5s, .client = "one of ten " + std::to_string(i)}
        );
    }
    Workload both = alone;
    for (int i = 0; i < 100; ++i) {
        both.requests.insert(both.requests.begin(), {.service = 5s, .client = "crowd"});
    }
    auto const slots = GENERATE(std::size_t{1}, std::size_t{4});
    auto config = config_of(gibibytes(8));
    config.parallel = slots;
    double const by_themselves = mean_wait(alone, simulate(alone, config), "one of ten");
    double const beside = mean_wait(both, simulate(both, config), "one of ten");
    CAPTURE(slots, by_themselves, beside);
    CHECK(beside <= 2 * by_themselves);
}

TEST_CASE(
    "fairness: who makes models swap holds up a client of the resident one by no more than its "
    "turns",
    "[trace][fairness]"
) {
    // One asks for a all the time; another goes through six models, of which none fits beside a.
    Workload workload;
    workload.models.push_back(model("a", gibibytes(6), 4s));
    for (int i = 0; i < 6; ++i) {
        workload.models.push_back(model("b" + std::to_string(i), gibibytes(6), 4s));
    }
    for (int i = 0; i < 600; ++i) {
        workload.requests.push_back({.arrival = i * 3s, .service = 2s, .client = "resident"});
    }
    for (std::size_t i = 0; i < 60; ++i) {
        workload.requests.push_back(
            {.arrival = static_cast<int>(i) * 30s,
             .model = 1 + i % 6,
             .service = 2s,
             .client = "swapper"}
        );
    }
    std::ranges::stable_sort(workload.requests, {}, &Request::arrival);
    auto const config = config_of(gibibytes(8));
    auto const simulated = simulate(workload, config);
    Duration longest{};
    for (std::size_t i = 0; i < workload.requests.size(); ++i) {
        if (workload.requests[i].client == "resident") {
            longest = std::max(longest, simulated.passages[i].waited);
        }
    }
    // Its own turn after that of another: patience, the quantum of what was loaded instead, two
    // loads with their unloads, an answer.
    Duration const quantum = from_seconds(config.quantum_factor * 4.5);
    CHECK(longest <= config.patience[1] + quantum + 2 * 4500ms + 2s + 1s);
    // A request every 3 s, answered in 2: without the swaps nobody would wait.
    CHECK(simulated.counters.refused == 0);
}

namespace {

// Short requests of three classes for three models of which two fit, `apart` seconds on average.
// Where long loads and their quanta make the waits, classes tell less: decision 0013.
Workload mixed(std::uint64_t seed, double apart) {
    std::mt19937_64 random(seed);
    Workload workload;
    for (int i = 0; i < 3; ++i) {
        workload.models.push_back(model("m" + std::to_string(i), gibibytes(6), 1s));
    }
    double at = 0;
    for (int i = 0; i < 6000; ++i) {
        at += exponential(random, 1) * apart;
        auto const draw = random() % 10;
        workload.requests.push_back(
            {.arrival = from_seconds(at),
             .model = random() % 3,
             .service = from_seconds(std::min(30.0, exponential(random, 1))),
             .client = "c" + std::to_string(random() % 20),
             .priority = draw < 2   ? core::Priority::High
                         : draw < 8 ? core::Priority::Normal
                                    : core::Priority::Low}
        );
    }
    return workload;
}

}  // namespace

TEST_CASE(
    "classes: at nine tenths of what can be served the high one waits a quarter of the low one's "
    "time",
    "[trace][fairness]"
) {
    auto const seed = GENERATE(1U, 2U, 3U);
    auto const config = config_of(gibibytes(14));
    // What can be served: with all requests there from the start.
    double const at_most = to_seconds(simulate(mixed(seed, 0), config).length) / 6000;
    auto const workload = mixed(seed, at_most / 0.9);
    auto const simulated = simulate(workload, config);
    double const high = p99_of_class(workload, simulated, core::Priority::High);
    double const low = p99_of_class(workload, simulated, core::Priority::Low);
    CAPTURE(seed, at_most, high, low, simulated.counters.loads);
    CHECK(high <= 0.25 * low);
}
