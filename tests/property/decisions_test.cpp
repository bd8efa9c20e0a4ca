// The scheduler decides in fixed worlds as it did when decisions.txt was written. A change of the
// rules changes the table, and says in its commit why; a change that was to be none of behaviour,
// and alters it, is a fault.

#include "support/catch.hpp"

#include "property/digest.hpp"
#include "property/world.hpp"

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <map>
#include <sstream>
#include <string>

namespace plimsoll::test {

namespace {

constexpr std::uint64_t kWorlds = 60;
constexpr std::uint64_t kEventsToASnapshot = 8;
constexpr std::uint64_t kEventsToAForecast = 40;

// What differs between the worlds besides their seed.
WorldConfig config_of(std::uint64_t seed) {
    static constexpr std::array kRates{0.05, 0.12, 0.5, 2.0};
    WorldConfig config;
    config.seed = 5000 + seed;
    config.has_faults = seed % 3 != 0;
    config.requests_per_second = kRates[seed % kRates.size()];
    config.length = std::chrono::minutes(40);
    config.stop_after_events = 1500;
    return config;
}

std::string hex(std::uint64_t value) {
    std::ostringstream out;
    out << std::hex << std::setw(16) << std::setfill('0') << value;
    return out.str();
}

// "events decisions states forecasts"
std::string line_of(std::uint64_t seed) {
    WorldConfig config = config_of(seed);
    Digest decisions, states, forecasts;
    std::uint64_t events = 0;
    config.looker = [&](core::Scheduler const& scheduler,
                        TimePoint now,
                        std::vector<core::Action> const& actions) {
        for (core::Action const& action : actions) {
            decisions.add(action);
        }
        ++events;
        if (events % kEventsToASnapshot == 0) {
            states.add(scheduler.snapshot(now));
        }
        if (events % kEventsToAForecast == 0) {
            forecasts.add(scheduler.forecast(now, std::nullopt, core::ForecastLimits{.events = 300})
            );
        }
    };
    World(config).run();
    return std::to_string(events) + ' ' + hex(decisions.value()) + ' ' + hex(states.value()) + ' ' +
           hex(forecasts.value());
}

std::map<std::uint64_t, std::string> read_table() {
    std::map<std::uint64_t, std::string> table;
    std::ifstream in(PLIMSOLL_DECISIONS);
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::uint64_t seed = 0;
        std::string rest;
        if (words >> seed && std::getline(words >> std::ws, rest)) {
            table[seed] = rest;
        }
    }
    return table;
}

void write_table() {
    std::ofstream out(PLIMSOLL_DECISIONS);
    out << "# Seed of a world, its events, and digests of all decisions, states and forecasts: "
           "decisions_test.cpp.\n";
    for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
        out << seed << ' ' << line_of(seed) << '\n';
    }
}

}  // namespace

TEST_CASE("scheduler: decisions in fixed worlds are those of decisions.txt", "[core][property]") {
    if (std::getenv("PLIMSOLL_APPROVE") != nullptr) {
        write_table();
        WARN("written: " << PLIMSOLL_DECISIONS);
        return;
    }
    auto const table = read_table();
    REQUIRE(table.size() == kWorlds);
    for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
        INFO(
            "world "
            << seed
            << ": events, then digests of decisions, states and forecasts. If the change is meant, "
               "write the table anew (PLIMSOLL_APPROVE=1 property_decisions) and say why in the "
               "commit."
        );
        REQUIRE(line_of(seed) == table.at(seed));
    }
}

}  // namespace plimsoll::test
