// Rule 13: nobody waits longer than what was exported, whoever tries.
#include "support/catch.hpp"

#include "property/bound_world.hpp"
#include "property/environment.hpp"

#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace plimsoll::test {

namespace {

#ifdef NDEBUG
constexpr std::uint64_t kWorlds = 10'000;
#else
constexpr std::uint64_t kWorlds = 100;
#endif

constexpr std::uint64_t kThreads = 2;

struct Totals {
    std::mutex mutex;
    std::vector<std::string> failures;
    std::uint64_t events = 0, dispatched = 0, promised = 0, violations = 0;
    Duration longest{};
    double closest = 0;

    void run(std::uint64_t seed) {
        BoundReport report;
        std::string failure;
        try {
            report = BoundWorld(seed, std::chrono::hours(1)).run();
        } catch (InvariantBroken const& broken) {
            failure = broken.what();
        }
        std::scoped_lock const lock(mutex);
        if (!failure.empty()) {
            failures.push_back(failure);
        }
        events += report.events;
        dispatched += report.dispatched;
        promised += report.promised;
        violations += report.counters.violations;
        longest = std::max(longest, report.longest_wait);
        closest = std::max(closest, report.closest);
    }
};

}  // namespace

TEST_CASE("bound: nobody waits longer than was exported while they did", "[core][property]") {
    std::uint64_t const first = from_environment("PLIMSOLL_FIRST_SEED", run_seed());
    std::uint64_t const worlds = from_environment("PLIMSOLL_SEEDS", kWorlds);
    Totals totals;
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&totals, first, worlds, i] {
            for (std::uint64_t n = i; n < worlds; n += kThreads) {
                totals.run(first + n);
            }
        });
    }
    threads.clear();
    CAPTURE(first, worlds);
    for (std::string const& failure : totals.failures) {
        FAIL_CHECK(failure);
    }
    CHECK(totals.violations == 0);
    CHECK(totals.promised > totals.dispatched / 20);  // the bound is not empty most of the time
    WARN(
        worlds << " simulated hours from seed " << first << ": " << totals.events << " events, "
               << totals.dispatched << " dispatches, " << totals.promised
               << " after a wait that was promised throughout, the longest wait "
               << to_seconds(totals.longest) << " s, at most " << totals.closest
               << " of what was promised"
    );
}

}  // namespace plimsoll::test
