#pragma once
// The one way in which our coroutines come to rest: the rest of the coroutine is handed out as a
// function object.

#include <plimsoll/net/task.hpp>

#include <coroutine>
#include <tuple>
#include <utility>

namespace plimsoll::net {

// Where a coroutine rests. It stands in that coroutine's frame.
template <class... Values>
struct Rest {
    std::coroutine_handle<> coroutine;
    std::coroutine_handle<> root;
    std::tuple<Values...> values;
};

// Continues a suspended coroutine with these values, at once and on the caller's stack. Dropping it
// uncalled destroys the coroutine and all that await it.
template <class... Values>
class Resume {
  public:
    Resume() = default;

    explicit Resume(Rest<Values...>& rest) : rest_(&rest) {}

    Resume(Resume&& other) noexcept : rest_(std::exchange(other.rest_, nullptr)) {}

    Resume& operator=(Resume&& other) noexcept {
        std::swap(rest_, other.rest_);
        return *this;
    }

    Resume(Resume const&) = delete;
    Resume& operator=(Resume const&) = delete;

    ~Resume() {
        if (rest_ != nullptr) {
            rest_->root.destroy();
        }
    }

    // Once only.
    void operator()(Values... values) {
        auto* const rest = std::exchange(rest_, nullptr);
        rest->values = std::tuple<Values...>(std::move(values)...);
        rest->coroutine.resume();
    }

  private:
    Rest<Values...>* rest_ = nullptr;
};

template <class Start, class... Values>
class Suspension {
  public:
    explicit Suspension(Start start) : start_(std::move(start)) {}

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        rest_.coroutine = coroutine;
        rest_.root = coroutine.promise().root();
        start_(Resume<Values...>(rest_));
    }

    auto await_resume() {
        if constexpr (sizeof...(Values) == 1) {
            return std::get<0>(std::move(rest_.values));
        }
    }

  private:
    Start start_;
    Rest<Values...> rest_;
};

// Suspends, then calls `start` with the Resume. `start` must neither resume nor drop it before it
// returns.
template <class... Values, class Start>
auto suspend(Start start) {
    static_assert(sizeof...(Values) <= 1);
    return Suspension<Start, Values...>(std::move(start));
}

}  // namespace plimsoll::net
