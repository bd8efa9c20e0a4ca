#include "property/world.hpp"

#include "support/catch.hpp"

#include "property/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace plimsoll::test {

namespace {

#ifdef NDEBUG
constexpr std::uint64_t kWorlds = 10'000;
constexpr std::uint64_t kEvents = 1'000'000;
#else
constexpr std::uint64_t kWorlds = 150;
constexpr std::uint64_t kEvents = 30'000;
#endif

constexpr std::uint64_t kThreads = 2;

struct Outcome {
    WorldReport report;
    std::string failure;
};

// Catch's macros are for one thread only, so a failure travels as text.
Outcome outcome_of(WorldConfig config) {
    config.prints = std::getenv("PLIMSOLL_TRACE") != nullptr;
    try {
        return {World(config).run(), ""};
    } catch (InvariantBroken const& broken) {
        std::string const seed = std::to_string(config.seed);
        return {
            {},
            "seed " + seed + ": " + broken.what() + "\nreplay: PLIMSOLL_FIRST_SEED=" + seed +
                " PLIMSOLL_SEEDS=1 PLIMSOLL_TRACE=1 property_scheduler \"*hours*\""
        };
    }
}

WorldReport run_world(WorldConfig const& config) {
    Outcome const outcome = outcome_of(config);
    INFO(outcome.failure);
    REQUIRE(outcome.failure.empty());
    return outcome.report;
}

struct Totals {
    std::mutex mutex;
    std::vector<std::string> failures;
    std::uint64_t events = 0, loads = 0, violations = 0, fewest = UINT64_MAX;

    void add(Outcome const& outcome) {
        std::scoped_lock const lock(mutex);
        if (!outcome.failure.empty()) {
            failures.push_back(outcome.failure);
            return;
        }
        events += outcome.report.events;
        loads += outcome.report.counters.loads;
        violations += outcome.report.counters.violations;
        fewest = std::min(fewest, outcome.report.events);
    }
};

}  // namespace

TEST_CASE("scheduler: hours of seeded worlds with faults break no invariant", "[core][property]") {
    std::uint64_t const first = from_environment("PLIMSOLL_FIRST_SEED", run_seed());
    std::uint64_t const worlds = from_environment("PLIMSOLL_SEEDS", kWorlds);
    Totals totals;
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&totals, first, worlds, i] {
            for (std::uint64_t n = i; n < worlds; n += kThreads) {
                WorldConfig config;
                config.seed = first + n;
                totals.add(outcome_of(config));
            }
        });
    }
    threads.clear();
    CAPTURE(first, worlds);
    for (std::string const& failure : totals.failures) {
        FAIL_CHECK(failure);
    }
    CHECK(totals.violations == 0);
    CHECK(totals.fewest >= 500);
    WARN(
        worlds << " simulated hours from seed " << first << ": " << totals.events << " events, "
               << totals.loads << " loads, at least " << totals.fewest << " events each"
    );
}

TEST_CASE(
    "scheduler: a long stretch of random events with faults counts no violation", "[core][property]"
) {
    WorldConfig config;
    config.seed = run_seed() + 77;
    config.length = std::chrono::hours(24 * 365);
    config.requests_per_second = 2;
    config.compare_every = 64;
    config.stop_after_events = 100'000;
    std::uint64_t events = 0;
    for (; events < from_environment("PLIMSOLL_EVENTS", kEvents); ++config.seed) {
        auto const report = run_world(config);
        events += report.events;
        CHECK(report.counters.violations == 0);
    }
    WARN(events << " events, the last seed " << config.seed);
}

TEST_CASE("scheduler: the same seed gives the same actions to the letter", "[core][property]") {
    WorldConfig config;
    config.seed = static_cast<std::uint64_t>(GENERATE(1, 2, 3, 4, 5));
    CHECK(run_world(config).hash == run_world(config).hash);
}

TEST_CASE(
    "scheduler: without faults nothing is refused but for bounds, and memory stays below the "
    "budget",
    "[core][property]"
) {
    WorldConfig config;
    config.seed = static_cast<std::uint64_t>(GENERATE(11, 12, 13, 14));
    config.has_faults = false;
    auto const report = run_world(config);
    CHECK(report.counters.load_failures == 0);
    CHECK(report.counters.suspects == 0);
    CHECK(report.counters.dispatched > 0);
}

}  // namespace plimsoll::test
