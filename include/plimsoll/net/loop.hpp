#pragma once
// The one event loop, its clock and its timers. Everything of net, upstream, engine, proxy and
// control runs on the thread that calls run(); only post_from_any_thread() may be called elsewhere.
//
// Time: Loop::now() is the only place that reads a clock. With ClockMode::Manual time stands still
// until advance() is called, so tests run hours in no time and in a fixed order.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/net/task.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace plimsoll::net {

using Executor = boost::asio::io_context::executor_type;

enum class ClockMode : std::uint8_t { Real, Manual };

// A one-shot timer by callback; cancelled by its destructor. Cheap: arming is O(log n) and makes no
// system call unless it becomes the earliest.
class Timer;

class Loop {
  public:
    explicit Loop(ClockMode mode = ClockMode::Real);
    ~Loop();
    Loop(Loop const&) = delete;
    Loop& operator=(Loop const&) = delete;

    [[nodiscard]] TimePoint now() const;
    [[nodiscard]] boost::asio::io_context& context();
    [[nodiscard]] Executor executor();

    // Runs until nothing is left to do: every server stopped, every spawned task ended. No stop()
    // by design.
    void run();
    // Runs what is ready, without waiting. Manual mode.
    void poll();
    // Manual mode: moves time forward, firing due timers in order of their time and then of arming,
    // polling between.
    void advance(Duration by);

    // Starts a task that nobody awaits. An exception that leaves it is logged with its name and
    // counted, never lost. The loop keeps count of running tasks.
    void spawn(std::string name, Task<void> task);
    [[nodiscard]] std::size_t running_tasks() const;
    // Tasks that an exception has left since the start.
    [[nodiscard]] std::size_t failed_tasks() const;

    // Runs `work` on the worker thread (what blocks: SQLite, DNS, big JSON) and then `done` on the
    // loop.
    void run_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done);
    void post(std::move_only_function<void()> callback);
    void post_from_any_thread(std::move_only_function<void()> callback);

    struct Impl;

    [[nodiscard]] Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

class Timer {
  public:
    // `holds_loop` false: run() does not wait for this timer when nothing else is left.
    explicit Timer(Loop& loop, bool holds_loop = true) : loop_(&loop), holds_loop_(holds_loop) {}

    ~Timer() { cancel(); }

    Timer(Timer const&) = delete;
    Timer& operator=(Timer const&) = delete;

    // Replaces what was armed before. The callback may re-arm or destroy the timer.
    void arm(TimePoint when, std::move_only_function<void()> callback);
    void cancel();

    [[nodiscard]] bool is_armed() const { return id_ != 0; }

  private:
    friend struct Loop::Impl;
    Loop* loop_;
    bool holds_loop_;
    std::uint64_t id_ = 0;
    TimePoint when_{};
};

}  // namespace plimsoll::net
