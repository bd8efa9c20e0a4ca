#include "core/usage.hpp"

#include "support/catch.hpp"

#include <cmath>

using namespace plimsoll;
using namespace plimsoll::core;
using namespace std::chrono_literals;

TEST_CASE("usage: a steady stream of requests is seen at about its rate", "[core][unit]") {
    Usage usage;
    TimePoint now{1h};
    for (int i = 0; i < 24 * 3600 / 10; ++i) {
        now += 10s;
        note_request(usage, now);
    }
    // Both spans see 0.1 a second.
    CHECK(std::abs(requests_per_second(usage, now) - 0.2) < 0.02);
    CHECK(std::abs(requests_per_second(usage, now + 10min) - 0.1 * 0.97) < 0.01);
    CHECK(requests_per_second(usage, now + 960h) < 1e-6);
}

TEST_CASE("usage: whoever never comes back at once is not waited for", "[core][unit]") {
    Usage usage;
    TimePoint now{1h};
    CHECK(is_return_likely(usage));  // nothing known yet
    int seen = 0;
    while (is_return_likely(usage)) {
        note_quiet(usage, now);
        now += 1min;
        note_return(usage, now, 500ms);
        REQUIRE(++seen < 20);
    }
    CHECK(seen == 8);
    SECTION("and is again after a few prompt returns") {
        for (int i = 0; i < 3; ++i) {
            note_quiet(usage, now);
            now += 100ms;
            note_return(usage, now, 500ms);
        }
        CHECK(is_return_likely(usage));
    }
    SECTION("requests that came while it was busy say nothing") {
        double const before = usage.returns;
        note_return(usage, now, 500ms);
        CHECK(usage.returns == before);
    }
}

TEST_CASE("usage: a return within the linger, to the moment, is prompt", "[core][unit]") {
    TimePoint const quiet{1h};
    Usage prompt;
    note_quiet(prompt, quiet);
    note_return(prompt, quiet + 500ms, 500ms);
    CHECK(prompt.returns == 1);
    Usage late;
    note_quiet(late, quiet);
    note_return(late, quiet + 501ms, 500ms);
    CHECK(late.returns < 1);
}
