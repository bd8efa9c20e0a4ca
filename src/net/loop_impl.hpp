#pragma once
// Inside of Loop: the queue of timers, the one Asio timer that drives it, and the count of what
// keeps the loop going.

#include "net/timer_queue.hpp"

#include <plimsoll/net/loop.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace plimsoll::net {

struct Loop::Impl {
    using Driver = boost::asio::basic_waitable_timer<
        std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>,
        Executor>;
    using Hook = std::function<void()>;

    explicit Impl(ClockMode clock_mode);
    ~Impl();
    Impl(Impl const&) = delete;
    Impl& operator=(Impl const&) = delete;

    [[nodiscard]] TimePoint now() const;

    // Tasks, servers, jobs and ordinary timers hold the loop. When the last one is gone, what
    // merely waits in case it is needed again (pooled connections, lazy deadlines) is let go, so
    // that run() ends by itself.
    void hold() { ++holds; }

    void release();

    [[nodiscard]] bool is_held() const { return holds + timers.holding() > 0; }

    void let_go_when_quiet();

    // Coroutines that wait for an event of ours are kept here and not by what they wait for: that
    // often lies in their own frame, and the two would keep each other alive beyond the loop.
    std::uint64_t park(TimerQueue::Callback resume);
    TimerQueue::Callback unpark(std::uint64_t id);

    // True for the first caller since the loop last looked for what is ready.
    bool is_first_of_turn();

    static void fire(TimerQueue::Entry& entry);
    void fire_due();
    void update_driver();
    void on_task_end(std::string const& name, std::exception_ptr const& failure);

    ClockMode mode;
    TimePoint manual_now{std::chrono::hours(1)};  // not zero, which reads as "never" too easily
    TimerQueue timers;
    std::optional<TimePoint> driver_when;
    std::size_t holds = 0;
    std::size_t tasks = 0;
    std::size_t failed_tasks = 0;
    bool quiet_posted = false;
    bool turn_has_first = false;
    std::map<std::uint64_t, TimerQueue::Callback> parked;
    std::uint64_t last_parked = 0;
    std::list<Hook> quiet_hooks;
    std::unique_ptr<boost::asio::thread_pool> worker;
    // Destroyed by hand before all others: suspended coroutines end with it and still use the
    // members above.
    std::unique_ptr<boost::asio::io_context> context;
    std::unique_ptr<Driver> driver;
};

}  // namespace plimsoll::net
