#include "support/catch.hpp"

#include <plimsoll/net/wait.hpp>

#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace std::chrono_literals;

TEST_CASE("backoff: waits double up to the last one, within 20 % of jitter", "[net][unit]") {
    Backoff backoff(100ms, 2s, test::run_seed());
    CAPTURE(test::run_seed());
    for (double const base : {0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0}) {
        double const wait = to_seconds(backoff.next());
        CHECK(wait >= base * 0.799);
        CHECK(wait <= base * 1.201);
    }
    CHECK(backoff.attempt() == 8);
}

TEST_CASE("backoff: it starts anew after reset, and never overflows", "[net][unit]") {
    Backoff backoff(1s, Duration::max(), 7);
    for (int i = 0; i < 200; ++i) {
        CHECK(backoff.next() > Duration::zero());
        if (i == 30) {
            backoff.reset();
        }
    }
    backoff.reset();
    CHECK(backoff.next() <= 1200ms);
}

TEST_CASE("backoff: one seed gives one sequence, another seed another", "[net][unit]") {
    auto const sequence = [](std::uint64_t seed) {
        Backoff backoff(1s, 60s, seed);
        std::vector<Duration> waits;
        for (int i = 0; i < 10; ++i) {
            waits.push_back(backoff.next());
        }
        return waits;
    };
    CHECK(sequence(42) == sequence(42));
    CHECK(sequence(42) != sequence(1042));
}
