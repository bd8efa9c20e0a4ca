#include "net/frame_pool.hpp"
#include "net/loop_impl.hpp"
#include "net/suspend.hpp"
#include "support/catch.hpp"

#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;

namespace {

// Writes its name when it is destroyed.
class Trace {
  public:
    Trace(std::string& out, char name) : out_(out), name_(name) {}

    ~Trace() { out_ += name_; }

    Trace(Trace const&) = delete;
    Trace& operator=(Trace const&) = delete;

  private:
    std::string& out_;
    char name_;
};

Task<int> twice(int value) {
    if (value > 1'000) {
        throw std::out_of_range("too large");
    }
    co_return 2 * value;
}

Task<std::unique_ptr<int>> boxed(int value) {
    co_return std::make_unique<int>(co_await twice(value));
}

Task<void> nested(std::string& out, Flag& flag, int depth) {
    Trace const trace(out, static_cast<char>('0' + depth));
    if (depth == 0) {
        co_await flag.wait();
        out += '!';
    } else {
        co_await nested(out, flag, depth - 1);
    }
}

// Rests until the one Resume that it hands out is called.
Task<void> hand_out(Resume<int>& place, int& got) {
    got = co_await suspend<int>([&](Resume<int> resume) { place = std::move(resume); });
}

}  // namespace

TEST_CASE(
    "task: values, also of types that only move, and exceptions reach the awaiter", "[net][unit]"
) {
    Loop loop(ClockMode::Manual);
    std::string out;
    auto const body = [&]() -> Task<void> {
        auto const value = co_await boxed(21);
        out += std::to_string(*value);
        try {
            co_await boxed(1'001);
        } catch (std::out_of_range const& error) {
            out += error.what();
        }
        out += std::to_string(co_await twice(4));
    };
    loop.spawn("values", body());
    loop.poll();
    CHECK(out == "42too large8");
    CHECK(loop.running_tasks() == 0);
    CHECK(loop.failed_tasks() == 0);
}

TEST_CASE(
    "task: nothing runs before it is awaited, and one that never is goes quietly", "[net][unit]"
) {
    std::string out;
    {
        auto const never = [&]() -> Task<void> {
            out += 'x';
            co_return;
        };
        auto task = never();
        auto moved = std::move(task);
    }
    CHECK(out.empty());
}

TEST_CASE(
    "task: a chain ends from the inside, whether it runs out or is torn down", "[net][unit]"
) {
    std::string out;
    SECTION("runs out") {
        Loop loop(ClockMode::Manual);
        Flag flag(loop);
        loop.spawn("nested", nested(out, flag, 3));
        loop.poll();
        CHECK(out.empty());
        flag.set();
        loop.poll();
        CHECK(out == "!0123");
    }
    SECTION("torn down with the loop") {
        {
            Loop loop(ClockMode::Manual);
            Flag flag(loop);
            loop.spawn("nested", nested(out, flag, 3));
            loop.poll();
        }
        CHECK(out == "0123");
    }
    SECTION("never started") {
        {
            Loop loop(ClockMode::Manual);
            Flag flag(loop);
            loop.spawn("nested", nested(out, flag, 3));
        }
        CHECK(out.empty());  // it had no frame variables yet
    }
}

TEST_CASE(
    "task: a Resume continues with its value; dropped, it takes the task with it", "[net][unit]"
) {
    Loop loop(ClockMode::Manual);
    Resume<int> place;
    int got = 0;
    loop.spawn("rests", hand_out(place, got));
    loop.poll();
    CHECK(loop.running_tasks() == 1);
    SECTION("called") {
        place(7);
        CHECK(got == 7);
        CHECK(loop.running_tasks() == 0);
    }
    SECTION("dropped") {
        place = Resume<int>();
        CHECK(got == 0);
    }
}

TEST_CASE("task: many awaits in a row do not grow the stack", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    long sum = 0;
    auto const body = [&]() -> Task<void> {
        for (int i = 0; i < 1'000'000; ++i) {
            sum += co_await twice(1);
        }
    };
    loop.spawn("many", body());
    loop.poll();
    CHECK(sum == 2'000'000);
}

TEST_CASE("loop: one caller a turn is the first", "[net][unit]") {
    Loop loop(ClockMode::Manual);
    std::vector<bool> firsts;
    auto const ask = [&] { firsts.push_back(loop.impl().is_first_of_turn()); };
    loop.post(ask);
    loop.post(ask);
    loop.post(ask);
    loop.poll();
    loop.post(ask);
    loop.poll();
    CHECK(firsts == std::vector<bool>{true, false, false, true});
}

TEST_CASE("frame pool: gives back what it was given, by size, up to its limit", "[net][unit]") {
    FramePool pool;
    void* const frame = pool.take(100);
    pool.give(frame, 100);
    CHECK(pool.kept() == 128);
    void* const other = pool.take(129);
    CHECK(other != frame);
    CHECK(pool.take(65) == frame);  // of the same class: 65 to 128 bytes
    pool.give(other, 129);
    pool.give(frame, 65);
    CHECK(pool.kept() == 128 + 192);

    void* const large = pool.take(FramePool::kLargest + 1);
    pool.give(large, FramePool::kLargest + 1);
    CHECK(pool.kept() == 128 + 192);

    std::vector<void*> many;
    for (std::size_t i = 0; i < 2 * FramePool::kMaxKept / FramePool::kLargest; ++i) {
        many.push_back(pool.take(FramePool::kLargest));
    }
    for (void* const one : many) {
        pool.give(one, FramePool::kLargest);
    }
    CHECK(pool.kept() <= FramePool::kMaxKept);
    CHECK(pool.kept() > FramePool::kMaxKept - FramePool::kLargest);
}
