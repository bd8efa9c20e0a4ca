#include "support/catch.hpp"

#include <plimsoll/net/wait.hpp>

#include <optional>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace std::chrono_literals;

namespace {

Task<void> await_flag(
    Flag& flag,
    std::optional<TimePoint> until,
    Canceller* canceller,
    std::optional<Result<void>>& out
) {
    out = co_await flag.wait(until, canceller);
}

Task<void> await_sleep(
    Loop& loop, TimePoint when, Canceller* canceller, std::optional<Result<void>>& out
) {
    out = co_await sleep_until(loop, when, canceller);
}

}  // namespace

TEST_CASE("flag: set before wait is not lost", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    flag.set();
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, std::nullopt, nullptr, out));
    loop.poll();
    REQUIRE(out.has_value());
    CHECK(out->has_value());
}

TEST_CASE("flag: the waiter does not run inside of set()", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, std::nullopt, nullptr, out));
    loop.poll();
    CHECK_FALSE(out.has_value());
    flag.set();
    CHECK_FALSE(out.has_value());
    loop.poll();
    REQUIRE(out.has_value());
    CHECK(out->has_value());
}

TEST_CASE("flag: it can be used again after reset", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    for (int i = 0; i < 3; ++i) {
        std::optional<Result<void>> out;
        loop.spawn("waiter", await_flag(flag, std::nullopt, nullptr, out));
        loop.poll();
        CHECK_FALSE(out.has_value());
        flag.set();
        loop.poll();
        CHECK(out.has_value());
        flag.reset();
    }
}

TEST_CASE("flag: a wait ends with Timeout when its time is over", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, loop.now() + 30s, nullptr, out));
    loop.advance(29s);
    CHECK_FALSE(out.has_value());
    loop.advance(1s);
    REQUIRE(out.has_value());
    REQUIRE_FALSE(out->has_value());
    CHECK(out->error().code == Errc::Timeout);
}

TEST_CASE("flag: a wait ends with Cancelled when the canceller fires", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    Canceller canceller;
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, loop.now() + 30s, &canceller, out));
    loop.poll();
    canceller.cancel();
    loop.poll();
    REQUIRE(out.has_value());
    REQUIRE_FALSE(out->has_value());
    CHECK(out->error().code == Errc::Cancelled);
    flag.set();
    loop.advance(1h);
}

TEST_CASE("flag: what comes first decides, the rest is ignored", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    Canceller canceller;
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, loop.now(), &canceller, out));
    loop.poll();
    CHECK(out.has_value());
    std::optional<Result<void>> second;
    loop.spawn("waiter", await_flag(flag, loop.now() + 1s, &canceller, second));
    loop.poll();
    flag.set();
    canceller.cancel();
    loop.advance(1h);
    REQUIRE(second.has_value());
    CHECK(second->has_value());
}

TEST_CASE("flag: waiting with a cancelled canceller ends at once", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Flag flag(loop);
    Canceller canceller;
    canceller.cancel();
    std::optional<Result<void>> out;
    loop.spawn("waiter", await_flag(flag, std::nullopt, &canceller, out));
    loop.poll();
    REQUIRE(out.has_value());
    CHECK(out->error().code == Errc::Cancelled);
}

TEST_CASE("sleep: it ends on time, or at once when cancelled", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    Canceller canceller;
    std::optional<Result<void>> slept;
    std::optional<Result<void>> broken;
    loop.spawn("a", await_sleep(loop, loop.now() + 10s, nullptr, slept));
    loop.spawn("b", await_sleep(loop, loop.now() + 10s, &canceller, broken));
    loop.advance(5s);
    CHECK_FALSE(slept.has_value());
    canceller.cancel();
    loop.poll();
    REQUIRE(broken.has_value());
    CHECK(broken->error().code == Errc::Cancelled);
    loop.advance(5s);
    REQUIRE(slept.has_value());
    CHECK(slept->has_value());
}
