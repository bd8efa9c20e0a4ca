#pragma once
// The coroutines of the loop. A Task starts when it is awaited, runs on the thread of the loop, and
// gives its caller what it co_returns or throws. Destroying a Task that has not ended destroys what
// it holds, innermost first.
//
// Not boost::asio::awaitable: that one pays for executors, cancellation slots and completion tokens
// at every call, a third of what a small relayed request costs outside of the kernel, and none of
// them is used here. No `async_` prefix in names of functions that return a Task: they do not take
// a completion token.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace plimsoll::net {

template <class T>
class Task;

// What all promises of a chain of awaiting coroutines share. `root` is the outermost coroutine,
// which owns all others: destroying it ends the chain wherever it rests.
class PromiseBase {
  public:
    // Resumes whoever awaits.
    struct Final {
        static bool await_ready() noexcept { return false; }

        template <class Promise>
        static std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended
        ) noexcept {
            return ended.promise().awaiting_;
        }

        static void await_resume() noexcept {}
    };

    // Frames come from a pool of the thread (src/net/frame_pool.hpp).
    static void* operator new(std::size_t size);
    static void operator delete(void* frame, std::size_t size) noexcept;

    static std::suspend_always initial_suspend() noexcept { return {}; }

    static Final final_suspend() noexcept { return {}; }

    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    [[nodiscard]] std::coroutine_handle<> root() const { return root_; }

    void enter(std::coroutine_handle<> awaiting, std::coroutine_handle<> root) {
        awaiting_ = awaiting;
        root_ = root;
    }

    void rethrow() const {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

  private:
    std::coroutine_handle<> awaiting_;
    std::coroutine_handle<> root_;
    std::exception_ptr failure_;
};

template <class T>
class Promise : public PromiseBase {
  public:
    Task<T> get_return_object();

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }

    T take() {
        rethrow();
        return std::move(*value_);
    }

  private:
    std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
  public:
    Task<void> get_return_object();

    static void return_void() noexcept {}

    void take() const { rethrow(); }
};

template <class T>
class [[nodiscard]] Task {
  public:
    using promise_type = Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    class Awaiter {
      public:
        explicit Awaiter(Handle coroutine) : coroutine_(coroutine) {}

        static bool await_ready() noexcept { return false; }

        template <class Awaiting>
        Handle await_suspend(std::coroutine_handle<Awaiting> awaiting) noexcept {
            coroutine_.promise().enter(awaiting, awaiting.promise().root());
            return coroutine_;
        }

        T await_resume() { return coroutine_.promise().take(); }

      private:
        Handle coroutine_;
    };

    explicit Task(Handle coroutine) : coroutine_(coroutine) {}

    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}

    Task& operator=(Task&& other) noexcept {
        std::swap(coroutine_, other.coroutine_);
        return *this;
    }

    Task(Task const&) = delete;
    Task& operator=(Task const&) = delete;

    ~Task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    // Once only; the Task must outlive the expression, as a temporary of it does.
    Awaiter operator co_await() && { return Awaiter(coroutine_); }

  private:
    Handle coroutine_;
};

template <class T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(Task<T>::Handle::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(Task<void>::Handle::from_promise(*this));
}

}  // namespace plimsoll::net
