#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <stdexcept>
#include <string>
#include <thread>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace std::chrono_literals;

namespace {

Task<void> append(std::string& out, std::string text) {
    out += text;
    co_return;
}

Task<void> sleep_and_append(Loop& loop, Duration how_long, std::string& out, std::string text) {
    co_await sleep_until(loop, loop.now() + how_long);
    out += text;
}

Task<void> explode() {
    throw std::runtime_error("the reactor is on fire");
    co_return;
}

Task<void> wait_for_ever(Flag& flag) {
    co_await flag.wait();
}

}  // namespace

TEST_CASE("loop: run() returns when the last task has ended", "[net][unit]") {
    Loop loop;
    std::string out;
    loop.spawn("first", append(out, "a"));
    loop.spawn("second", sleep_and_append(loop, 2ms, out, "b"));
    CHECK(loop.running_tasks() == 2);
    loop.run();
    CHECK(out == "ab");
    CHECK(loop.running_tasks() == 0);
}

TEST_CASE(
    "loop: an exception that leaves a task is logged with the task's name and counted",
    "[net][unit]"
) {
    std::string logged;
    log::capture_for_test([&](std::string_view line) { logged += line; });
    Loop loop;
    loop.spawn("reconcile", explode());
    loop.run();
    log::capture_for_test({});
    CHECK(loop.failed_tasks() == 1);
    CHECK(loop.running_tasks() == 0);
    CHECK_THAT(logged, ContainsSubstring("reconcile"));
    CHECK_THAT(logged, ContainsSubstring("the reactor is on fire"));
}

TEST_CASE("loop: manual time stands still until it is advanced", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    std::string out;
    loop.spawn("sleeper", sleep_and_append(loop, 5h, out, "awake"));
    loop.poll();
    TimePoint const before = loop.now();
    loop.poll();
    CHECK(loop.now() == before);
    CHECK(out.empty());
    loop.advance(5h);
    CHECK(out == "awake");
    CHECK(loop.running_tasks() == 0);
}

TEST_CASE(
    "loop: advancing runs what a due timer starts before the next timer fires", "[net][unit]"
) {
    Loop loop(ClockMode::Manual);
    std::string out;
    loop.spawn("a", sleep_and_append(loop, 1s, out, "a"));
    loop.spawn("b", sleep_and_append(loop, 2s, out, "b"));
    loop.poll();
    Timer between(loop);
    between.arm(loop.now() + 1s, [&] { out += "-"; });
    loop.advance(3s);
    CHECK(out == "a-b");
}

TEST_CASE("loop: blocking work runs on another thread, what follows on the loop's", "[net][unit]") {
    Loop loop;
    std::thread::id worker;
    std::thread::id after;
    loop.run_blocking(
        [&] { worker = std::this_thread::get_id(); }, [&] { after = std::this_thread::get_id(); }
    );
    loop.run();
    CHECK(worker != std::thread::id());
    CHECK(worker != std::this_thread::get_id());
    CHECK(after == std::this_thread::get_id());
}

TEST_CASE("loop: blocking work that throws is logged, and what follows still runs", "[net][unit]") {
    std::string logged;
    log::capture_for_test([&](std::string_view line) { logged += line; });
    Loop loop;
    bool followed = false;
    loop.run_blocking([] { throw std::runtime_error("disk full"); }, [&] { followed = true; });
    loop.run();
    log::capture_for_test({});
    CHECK(followed);
    CHECK_THAT(logged, ContainsSubstring("disk full"));
}

TEST_CASE("loop: blocking jobs keep their order", "[net][unit]") {
    Loop loop;
    std::string order;
    for (char const letter : std::string("abcdef")) {
        loop.run_blocking([] {}, [&order, letter] { order += letter; });
    }
    loop.run();
    CHECK(order == "abcdef");
}

TEST_CASE("loop: posts from any thread arrive on the loop's thread", "[net][unit]") {
    Loop loop;
    int arrived = 0;
    Flag all(loop);
    loop.spawn("waiter", wait_for_ever(all));
    std::thread other([&] {
        for (int i = 0; i < 1000; ++i) {
            loop.post_from_any_thread([&] {
                if (++arrived == 1000) {
                    all.set();
                }
            });
        }
    });
    loop.run();
    other.join();
    CHECK(arrived == 1000);
}

TEST_CASE("loop: tasks that never end are torn down with it", "[net][unit]") {
    Flag* leaked = nullptr;
    {
        Loop loop(ClockMode::Manual);
        Flag flag(loop);
        leaked = &flag;
        loop.spawn("stuck", wait_for_ever(flag));
        std::string out;
        loop.spawn("asleep", sleep_and_append(loop, 1h, out, "never"));
        loop.poll();
        CHECK(loop.running_tasks() == 2);
    }
    CHECK(leaked != nullptr);
}
