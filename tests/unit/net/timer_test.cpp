#include "support/catch.hpp"

#include <plimsoll/net/loop.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace std::chrono_literals;

TEST_CASE(
    "timers: due ones fire in order of time, and of arming where times are equal", "[net][unit]"
) {
    Loop loop(ClockMode::Manual);
    std::string order;
    Timer late(loop);
    Timer early(loop);
    Timer early_too(loop);
    TimePoint const start = loop.now();
    late.arm(start + 3h, [&] { order += 'l'; });
    early.arm(start + 1h, [&] { order += 'a'; });
    early_too.arm(start + 1h, [&] { order += 'b'; });
    loop.advance(59min);
    CHECK(order.empty());
    loop.advance(1min);
    CHECK(order == "ab");
    loop.advance(10h);
    CHECK(order == "abl");
    CHECK(loop.now() == start + 11h);
}

TEST_CASE("timers: a callback sees the time at which it was due", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    TimePoint const start = loop.now();
    std::vector<Duration> seen;
    Timer first(loop);
    Timer second(loop);
    first.arm(start + 10s, [&] { seen.push_back(loop.now() - start); });
    second.arm(start + 20s, [&] { seen.push_back(loop.now() - start); });
    loop.advance(60s);
    CHECK(seen == std::vector<Duration>{10s, 20s});
}

TEST_CASE("timers: a periodic one fires once per period however far time moves", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    int fired = 0;
    Timer timer(loop);
    std::function<void()> tick = [&] {
        ++fired;
        timer.arm(loop.now() + 1s, [&] { tick(); });
    };
    tick();
    loop.advance(100s);
    CHECK(fired == 101);
}

TEST_CASE("timers: cancelled and destroyed ones never fire", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    int fired = 0;
    Timer cancelled(loop);
    auto destroyed = std::make_unique<Timer>(loop);
    cancelled.arm(loop.now() + 1s, [&] { ++fired; });
    destroyed->arm(loop.now() + 1s, [&] { ++fired; });
    CHECK(cancelled.is_armed());
    cancelled.cancel();
    CHECK_FALSE(cancelled.is_armed());
    destroyed.reset();
    loop.advance(1h);
    CHECK(fired == 0);
}

TEST_CASE("timers: arming again replaces what was armed", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    std::string order;
    Timer timer(loop);
    timer.arm(loop.now() + 1s, [&] { order += 'x'; });
    timer.arm(loop.now() + 2s, [&] { order += 'y'; });
    loop.advance(1500ms);
    CHECK(order.empty());
    loop.advance(1s);
    CHECK(order == "y");
    CHECK_FALSE(timer.is_armed());
}

TEST_CASE(
    "timers: a callback may destroy its own timer and cancel another that is due", "[net][unit]"
) {
    Loop loop(ClockMode::Manual);
    bool other_fired = false;
    Timer other(loop);
    auto own = std::make_unique<Timer>(loop);
    own->arm(loop.now() + 1s, [&] {
        own.reset();
        other.cancel();
    });
    other.arm(loop.now() + 1s, [&] { other_fired = true; });
    loop.advance(1min);
    CHECK(own == nullptr);
    CHECK_FALSE(other_fired);
}

TEST_CASE("timers: on the real clock the earliest fires first and run() then ends", "[net][unit]") {
    Loop loop;
    std::string order;
    Timer later(loop);
    Timer sooner(loop);
    later.arm(loop.now() + 4ms, [&] { order += 'b'; });
    sooner.arm(loop.now() + 1ms, [&] { order += 'a'; });
    loop.run();
    CHECK(order == "ab");
}

TEST_CASE(
    "timers: one that does not hold the loop does not delay the end of run()", "[net][unit]"
) {
    Loop loop;
    bool fired = false;
    Timer idle(loop, false);
    Timer real(loop);
    idle.arm(loop.now() + 1h, [&] { fired = true; });
    real.arm(loop.now() + 1ms, [] {});
    loop.run();
    CHECK_FALSE(fired);
    CHECK(idle.is_armed());
}
