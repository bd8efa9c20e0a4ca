#include "net/loop_impl.hpp"
#include "net/suspend.hpp"

#include <plimsoll/net/wait.hpp>

#include <algorithm>
#include <utility>

namespace plimsoll::net {

Canceller::~Canceller() {
    for (auto& entry : callbacks_) {
        entry.owner->canceller_ = nullptr;
    }
}

void Canceller::cancel() {
    cancelled_ = true;
    // One at a time from the front: a callback may undo the registrations of others.
    while (!callbacks_.empty()) {
        auto callback = std::move(callbacks_.front().callback);
        callbacks_.front().owner->canceller_ = nullptr;
        callbacks_.pop_front();
        callback();
    }
}

Canceller::Registration::Registration(
    Canceller& canceller, std::move_only_function<void()> callback
) {
    if (canceller.cancelled_) {
        callback();
        return;
    }
    canceller_ = &canceller;
    canceller.callbacks_.push_front({.owner = this, .callback = std::move(callback)});
    where_ = canceller.callbacks_.begin();
}

Canceller::Registration::Registration(Registration&& other) noexcept {
    take_over(other);
}

Canceller::Registration& Canceller::Registration::operator=(Registration&& other) noexcept {
    if (this != &other) {
        reset();
        take_over(other);
    }
    return *this;
}

void Canceller::Registration::take_over(Registration& other) {
    canceller_ = std::exchange(other.canceller_, nullptr);
    if (canceller_ != nullptr) {
        where_ = other.where_;
        where_->owner = this;
    }
}

void Canceller::Registration::reset() {
    if (canceller_ == nullptr) {
        return;
    }
    auto& callbacks = std::exchange(canceller_, nullptr)->callbacks_;
    // What the callback owns may come back to this list when it dies.
    auto const dropped = std::move(where_->callback);
    callbacks.erase(where_);
}

Flag::~Flag() {
    if (waiter_ != 0) {
        loop_->impl().unpark(waiter_);
    }
}

void Flag::set() {
    set_ = true;
    wake();
}

// By way of the loop: the waiter must not run inside of whoever sets the flag.
void Flag::wake() {
    if (waiter_ != 0) {
        loop_->post(loop_->impl().unpark(std::exchange(waiter_, 0)));
    }
}

Task<void> Flag::wait() {
    if (!set_) {
        PLIMSOLL_ASSERT(waiter_ == 0);
        auto start = [this](Resume<> resume) { waiter_ = loop_->impl().park(std::move(resume)); };
        co_await suspend<>(start);
    }
}

Task<Result<void>> Flag::wait(std::optional<TimePoint> until, Canceller* canceller) {
    if (set_) {
        co_return Result<void>();
    }
    if (canceller != nullptr && canceller->is_cancelled()) {
        co_return fail(Errc::Cancelled, "cancelled");
    }
    std::optional<Error> why;
    auto give_up = [this, &why](Errc code, char const* text) {
        if (waiter_ != 0) {
            why.emplace(code, text);
            wake();
        }
    };
    Timer timer(*loop_);
    if (until) {
        timer.arm(*until, [&give_up] { give_up(Errc::Timeout, "nothing happened in time"); });
    }
    Canceller::Registration registration;
    if (canceller != nullptr) {
        registration = Canceller::Registration(*canceller, [&give_up] {
            give_up(Errc::Cancelled, "cancelled");
        });
    }
    co_await wait();
    if (why) {
        co_return fail(std::move(*why));
    }
    co_return Result<void>();
}

Task<Result<void>> sleep_until(Loop& loop, TimePoint when, Canceller* canceller) {
    Flag never(loop);
    auto const woken = co_await never.wait(when, canceller);
    if (!woken && woken.error().code == Errc::Cancelled) {
        co_return woken;
    }
    co_return Result<void>();
}

Duration Backoff::next() {
    auto const doublings = std::min(attempt_, 40U);
    ++attempt_;
    // A quarter of what Duration holds, so that neither doubling nor jitter overflows.
    Duration::rep const last = std::min(last_.count(), Duration::max().count() / 4);
    Duration::rep base = first_.count();
    for (unsigned i = 0; i < doublings && base < last; ++i) {
        base *= 2;
    }
    base = std::min(base, last);
    // xorshift64*: reproducible, and good enough to keep retries of several callers apart.
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    auto const unit = static_cast<double>((state_ * 0x2545F4914F6CDD1DULL) >> 11) /
                      static_cast<double>(1ULL << 53);  // [0, 1)
    return Duration(static_cast<Duration::rep>(static_cast<double>(base) * (0.8 + 0.4 * unit)));
}

}  // namespace plimsoll::net
