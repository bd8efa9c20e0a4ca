#include "net/loop_impl.hpp"
#include "net/suspend.hpp"

#include <plimsoll/log/log.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <coroutine>
#include <exception>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr log::Logger kLog("net");

// One thread runs the loop, so Asio's locks around sockets are left out; posts still come from the
// worker.
constexpr int kOneThread = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO;

std::string describe(std::exception_ptr const& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (std::exception const& error) {
        return error.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

// The outermost coroutine of a spawned task. It owns itself: its frame goes when it ends, or when
// the Resume of whatever it waits for is dropped.
struct Detached {
    struct promise_type {
        static Detached get_return_object() noexcept { return {}; }

        static std::suspend_never initial_suspend() noexcept { return {}; }

        static std::suspend_never final_suspend() noexcept { return {}; }

        static void return_void() noexcept {}

        [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }

        std::coroutine_handle<> root() {
            return std::coroutine_handle<promise_type>::from_promise(*this);
        }
    };
};

Detached run_detached(Loop::Impl& impl, std::string name, Task<void> task) {
    // What it waits for may come from another thread: until then the loop runs.
    auto const work = boost::asio::make_work_guard(*impl.context);
    if (!impl.context->get_executor().running_in_this_thread()) {
        co_await suspend<>([&impl](Resume<> resume) {
            boost::asio::post(*impl.context, std::move(resume));
        });
    }
    std::exception_ptr failure;
    try {
        auto own = std::move(task);  // gone before its end is told
        co_await std::move(own);
    } catch (...) {
        failure = std::current_exception();
    }
    impl.on_task_end(name, failure);
}

void run_guarded(std::move_only_function<void()>& work) {
    try {
        work();
    } catch (...) {
        kLog.error(
            "work on the worker thread failed", {{"error", describe(std::current_exception())}}
        );
    }
}

}  // namespace

Loop::Impl::Impl(ClockMode clock_mode)
    : mode(clock_mode),
      context(std::make_unique<boost::asio::io_context>(kOneThread)),
      driver(std::make_unique<Driver>(context->get_executor())) {}

Loop::Impl::~Impl() {
    if (worker) {
        worker->join();
    }
    // Coroutines are torn down while the context ends; their frames still use the other members.
    timers.clear();
    while (!parked.empty()) {
        auto const dropped = parked.extract(parked.begin());
    }
    driver.reset();
    context.reset();
}

TimePoint Loop::Impl::now() const {
    if (mode == ClockMode::Manual) {
        return manual_now;
    }
    return TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

std::uint64_t Loop::Impl::park(TimerQueue::Callback resume) {
    parked.emplace(++last_parked, std::move(resume));
    return last_parked;
}

TimerQueue::Callback Loop::Impl::unpark(std::uint64_t id) {
    auto node = parked.extract(id);
    return node.empty() ? nullptr : std::move(node.mapped());
}

void Loop::Impl::release() {
    --holds;
    let_go_when_quiet();
}

void Loop::Impl::let_go_when_quiet() {
    if (is_held() || quiet_posted || mode == ClockMode::Manual || !context) {
        return;
    }
    quiet_posted = true;
    boost::asio::post(*context, [this] {
        quiet_posted = false;
        if (is_held()) {
            return;
        }
        driver->cancel();
        driver_when.reset();
        for (auto const& hook : quiet_hooks) {
            hook();
        }
    });
}

bool Loop::Impl::is_first_of_turn() {
    if (turn_has_first) {
        return false;
    }
    turn_has_first = true;
    // Runs after all that is ready now.
    boost::asio::post(*context, [this] { turn_has_first = false; });
    return true;
}

void Loop::Impl::fire(TimerQueue::Entry& entry) {
    entry.owner->id_ = 0;  // first: the callback may arm it again, or destroy it
    entry.callback();
}

void Loop::Impl::fire_due() {
    TimePoint const due = now();
    auto const before = timers.next_id();
    while (auto entry = timers.take_due(due, before)) {
        fire(*entry);
    }
}

// Re-armed only for an earlier time: a wake-up that finds nothing due is cheaper than a system call
// for every cancelled time-out.
void Loop::Impl::update_driver() {
    auto const next = timers.next();
    if (mode == ClockMode::Manual || !next || !is_held() ||
        (driver_when && *driver_when <= *next)) {
        return;
    }
    driver_when = next;
    driver->expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(next->time_since_epoch())
    ));
    driver->async_wait([this](boost::system::error_code const& failure) {
        if (failure) {
            return;
        }
        driver_when.reset();
        fire_due();
        update_driver();
        let_go_when_quiet();
    });
}

void Loop::Impl::on_task_end(std::string const& name, std::exception_ptr const& failure) {
    --tasks;
    if (failure) {
        ++failed_tasks;
        kLog.error("a task failed", {{"task", name}, {"error", describe(failure)}});
    }
    release();
}

Loop::Loop(ClockMode mode) : impl_(std::make_unique<Impl>(mode)) {}

Loop::~Loop() = default;

TimePoint Loop::now() const {
    return impl_->now();
}

boost::asio::io_context& Loop::context() {
    return *impl_->context;
}

Executor Loop::executor() {
    return impl_->context->get_executor();
}

void Loop::run() {
    impl_->let_go_when_quiet();
    impl_->context->restart();
    impl_->context->run();
}

void Loop::poll() {
    impl_->context->restart();
    impl_->context->poll();
    if (impl_->mode == ClockMode::Manual) {
        impl_->fire_due();
        impl_->context->restart();
        impl_->context->poll();
    }
}

void Loop::advance(Duration by) {
    PLIMSOLL_ASSERT(impl_->mode == ClockMode::Manual);
    TimePoint const until = impl_->manual_now + by;
    poll();
    while (true) {
        auto const next = impl_->timers.next();
        if (!next || *next > until) {
            break;
        }
        impl_->manual_now = std::max(impl_->manual_now, *next);
        auto entry = impl_->timers.take_due(impl_->manual_now, impl_->timers.next_id());
        impl_->fire(*entry);
        impl_->context->restart();
        impl_->context->poll();
    }
    impl_->manual_now = until;
    poll();
}

void Loop::spawn(std::string name, Task<void> task) {
    ++impl_->tasks;
    impl_->hold();
    impl_->update_driver();
    run_detached(*impl_, std::move(name), std::move(task));
}

std::size_t Loop::running_tasks() const {
    return impl_->tasks;
}

std::size_t Loop::failed_tasks() const {
    return impl_->failed_tasks;
}

void Loop::run_blocking(
    std::move_only_function<void()> work, std::move_only_function<void()> done
) {
    if (!impl_->worker) {
        impl_->worker = std::make_unique<boost::asio::thread_pool>(1);
    }
    impl_->hold();
    impl_->update_driver();
    auto finish = [impl = impl_.get(), done = std::move(done)]() mutable {
        // Released first: `done` may throw, and then the loop must not wait for this job for ever.
        impl->release();
        done();
    };
    auto job = [guard = boost::asio::make_work_guard(*impl_->context),
                work = std::move(work),
                finish = std::move(finish)]() mutable {
        run_guarded(work);
        work = nullptr;  // what it captured dies before `done` runs, not beside it
        boost::asio::post(guard.get_executor(), std::move(finish));
    };
    boost::asio::post(*impl_->worker, std::move(job));
}

void Loop::post(std::move_only_function<void()> callback) {
    boost::asio::post(*impl_->context, std::move(callback));
}

void Loop::post_from_any_thread(std::move_only_function<void()> callback) {
    boost::asio::post(*impl_->context, std::move(callback));
}

void Timer::arm(TimePoint when, std::move_only_function<void()> callback) {
    cancel();
    auto& impl = loop_->impl();
    id_ = impl.timers.add(
        when, {.owner = this, .holds_loop = holds_loop_, .callback = std::move(callback)}
    );
    when_ = when;
    impl.update_driver();
}

void Timer::cancel() {
    if (id_ == 0) {
        return;
    }
    auto& impl = loop_->impl();
    impl.timers.remove({when_, std::exchange(id_, 0)});
    if (holds_loop_) {
        impl.let_go_when_quiet();
    }
}

}  // namespace plimsoll::net
