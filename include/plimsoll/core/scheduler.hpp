#pragma once
// Which models are in memory, and whose turn it is: a deterministic machine. Events and the time go
// in, actions come out; it owns no thread, timer, socket or randomness. One scheduler per pool. Not
// thread-safe; the loop owns it.
//
// The rules are numbered in docs/scheduler.md. Equal event lists give equal action lists.

#include <plimsoll/core/action.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/core/event.hpp>
#include <plimsoll/core/forecast.hpp>
#include <plimsoll/core/ledger.hpp>
#include <plimsoll/core/snapshot.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace plimsoll::core {

class Scheduler {
  public:
    explicit Scheduler(SchedulerConfig config);
    ~Scheduler();
    Scheduler(Scheduler&&) noexcept;
    Scheduler& operator=(Scheduler&&) noexcept;

    // `now` never goes back. Events about unknown ids are ignored (they raced with their own end).
    std::vector<Action> on(Event const& event, TimePoint now);

    // When on(TimePassed) should be called next, if nothing else happens before.
    [[nodiscard]] std::optional<TimePoint> next_wakeup() const;

    [[nodiscard]] Snapshot snapshot(TimePoint now) const;

    // Snapshot::bound alone.
    [[nodiscard]] std::optional<Duration> bound(TimePoint now) const;

    // Runs ahead on a copy; with `asked` as if that ticket (with an id that is not in use) came
    // now. Takes up to some milliseconds where many wait.
    [[nodiscard]] Forecast forecast(
        TimePoint now, std::optional<Ticket> const& asked, ForecastLimits const& limits
    ) const;

    // Cheap questions of the engine's polling loops. nullopt: gone (or never was).
    [[nodiscard]] std::optional<InstanceState> state_of(InstanceId instance) const;
    // How long an answer of this instance's model takes, on the average of the recent ones; zero:
    // not known.
    [[nodiscard]] Duration answer_time(InstanceId instance) const;
    // What is booked for pins, those of these weights left out.
    [[nodiscard]] Bytes pinned_charge(std::string_view but_weights) const;
    // What one instance of these weights may be charged at most beside the pins of others; with
    // cards up to where the upstream's choice among them would leave no room.
    [[nodiscard]] Bytes largest_charge(std::string_view weights) const;
    // Anything charged: the upstream's list must be read at least once a second.
    [[nodiscard]] bool has_instances() const;
    [[nodiscard]] SchedulerConfig const& config() const;
    [[nodiscard]] Ledger const& ledger() const;
    [[nodiscard]] Counters const& counters() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::core
