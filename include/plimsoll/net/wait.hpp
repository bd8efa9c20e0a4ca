#pragma once
// Waiting inside coroutines: cancellation, events and sleeping. All on the loop thread.

#include <plimsoll/net/loop.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>

namespace plimsoll::net {

// One per request. Whoever learns that the client is gone (or that we shut down hard) calls
// cancel(); every wait that was given the canceller then ends with Errc::Cancelled. Cheaper and
// simpler than Asio's cancellation slots, and it works through any number of awaits.
class Canceller {
  public:
    Canceller() = default;
    // Registrations that are left are forgotten, uncalled.
    ~Canceller();
    Canceller(Canceller const&) = delete;
    Canceller& operator=(Canceller const&) = delete;

    [[nodiscard]] bool is_cancelled() const { return cancelled_; }

    // Runs the registered callbacks, newest first, each at most once.
    void cancel();

    // Undone by its destructor. Registering with a cancelled canceller calls back at once.
    class Registration {
      public:
        Registration() = default;
        Registration(Canceller& canceller, std::move_only_function<void()> callback);

        ~Registration() { reset(); }

        Registration(Registration&& other) noexcept;
        Registration& operator=(Registration&& other) noexcept;
        void reset();

      private:
        friend class Canceller;

        struct Entry {
            Registration* owner;
            std::move_only_function<void()> callback;
        };

        void take_over(Registration& other);

        Canceller* canceller_ = nullptr;
        std::list<Entry>::iterator where_{};
    };

  private:
    bool cancelled_ = false;
    std::list<Registration::Entry> callbacks_;
};

// A gate that one coroutine waits at. set() before wait() is not lost. Reusable after reset().
class Flag {
  public:
    explicit Flag(Loop& loop) : loop_(&loop) {}

    ~Flag();
    Flag(Flag const&) = delete;
    Flag& operator=(Flag const&) = delete;

    void set();

    void reset() { set_ = false; }

    [[nodiscard]] bool is_set() const { return set_; }

    // Returns when set. One waiter at a time.
    Task<void> wait();
    // Errors: Timeout (nothing else happened until `until`), Cancelled.
    Task<Result<void>> wait(std::optional<TimePoint> until, Canceller* canceller);

  private:
    void wake();

    Loop* loop_;
    bool set_ = false;
    std::uint64_t waiter_ = 0;  // the coroutine parked with the loop; 0: none
};

// Cancelled if the canceller fires first.
Task<Result<void>> sleep_until(Loop& loop, TimePoint when, Canceller* canceller = nullptr);

// Back-off of retries and health checks: first, doubled up to last, with jitter of +-20 % from a
// seed of its own.
class Backoff {
  public:
    Backoff(Duration first, Duration last, std::uint64_t seed)
        : first_(first), last_(last), state_(seed | 1) {}

    Duration next();

    void reset() { attempt_ = 0; }

    [[nodiscard]] unsigned attempt() const { return attempt_; }

  private:
    Duration first_, last_;
    std::uint64_t state_;
    unsigned attempt_ = 0;
};

}  // namespace plimsoll::net
