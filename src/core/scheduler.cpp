#include "core/admission.hpp"
#include "core/advance.hpp"
#include "core/announcements.hpp"
#include "core/bound.hpp"
#include "core/dispatch.hpp"
#include "core/forecast.hpp"
#include "core/held.hpp"
#include "core/keep_alive.hpp"
#include "core/loading.hpp"
#include "core/observation.hpp"
#include "core/order.hpp"
#include "core/pins.hpp"
#include "core/queue.hpp"
#include "core/room.hpp"
#include "core/snapshot.hpp"
#include "core/unloading.hpp"

#include <plimsoll/core/scheduler.hpp>

namespace plimsoll::core {

struct Scheduler::Impl {
    explicit Impl(SchedulerConfig config) : state(config) {}

    State state;
};

namespace {

// What each event changes by itself; what follows from the change is settle()'s.
struct Apply {
    Turn& turn;

    void operator()(TicketArrived const& event) const { admit(turn, event.ticket); }

    void operator()(TicketCancelled const& event) const { cancel_ticket(turn, event.ticket); }

    void operator()(TicketEnded const& event) const {
        end_ticket(turn, event.ticket, event.outcome);
    }

    void operator()(LoadSucceeded const& event) const { note_loaded(turn, event); }

    void operator()(LoadFailed const& event) const {
        note_load_failed(turn, event.instance, event.failure, event.text);
    }

    void operator()(UnloadFailed const& event) const {
        note_unload_failure(turn, event.instance, event.text);
    }

    void operator()(Observed const& event) const { observe(turn, event.rows, event.asked); }

    void operator()(UpstreamDown const& /*event*/) const {
        turn.state.is_up = false;
        turn.state.observe_asked.reset();
    }

    void operator()(UpstreamUp const& event) const {
        turn.state.is_up = true;
        if (event.restarted) {
            forget_all(turn);
        }
        request_observe(turn, turn.now, "the upstream is back");
    }

    void operator()(KeepAliveWished const& event) const {
        note_wish(turn, event.client, event.weights, event.keep_alive);
    }

    void operator()(UnloadRequested const& event) const { request_unload(turn, event.weights); }

    void operator()(PinSet const& event) const {
        set_pin(turn, event.demand, event.owner, event.until);
    }

    void operator()(PinCleared const& event) const { clear_pin(turn, event.weights); }

    void operator()(UseAnnounced const& event) const { announce(turn, event); }

    void operator()(UseWithdrawn const& event) const { withdraw(turn, event.announcement); }

    void operator()(CleanupRequested const& event) const { clean_up(turn, event.weights); }

    void operator()(ConfigChanged const& event) const {
        SchedulerConfig const& old = turn.state.config;
        bool const is_other_size = event.config.budget != old.budget ||
                                   event.config.max_loaded_models != old.max_loaded_models;
        turn.state.config = event.config;
        turn.state.ledger.set_budget(event.config.budget, event.config.cards);
        if (is_other_size) {
            turn.state.row_limit_until = TimePoint();
        }
        turn.state.must_recheck = true;
    }

    void operator()(Placed const& event) const { note_placed(turn, event); }

    void operator()(TimePassed const& /*event*/) const {}
};

// Applies the rules until nothing follows any more. Every rule that waits for a moment names it to
// Turn::wake.
void settle(Turn& turn) {
    turn.state.wake = kNever;
    refuse_late(turn);
    review_pins(turn);
    refuse_hopeless(turn);
    relieve_budget(turn);
    unload_drained(turn);
    watch_unloads(turn);
    dispatch_waiting(turn);
    abort_unwanted(turn);
    expire(turn);
    drive_loads(turn);
    // A decision that was undone has made instances ready again.
    refuse_hopeless(turn);
    dispatch_waiting(turn);
    watch_lists(turn);
}

// A ticket that found its instance ready changed nothing that another rule waits for.
bool is_settled_already(Event const& event, std::vector<Action> const& actions) {
    return std::holds_alternative<TicketArrived>(event) && actions.size() == 1 &&
           !std::holds_alternative<Notice>(actions.front());
}

}  // namespace

std::vector<Action> advance(State& state, Event const& event, TimePoint now) {
    if (!state.epoch) {
        state.epoch = now;
    }
    std::vector<Action> actions;
    Turn turn{state, now, actions};
    std::visit(Apply{turn}, event);
    if (!is_settled_already(event, actions) || state.wake <= now) {
        settle(turn);
    }
    return actions;
}

Scheduler::Scheduler(SchedulerConfig config) : impl_(std::make_unique<Impl>(config)) {}

Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

std::vector<Action> Scheduler::on(Event const& event, TimePoint now) {
    return advance(impl_->state, event, now);
}

std::optional<TimePoint> Scheduler::next_wakeup() const {
    return impl_->state.wake == kNever ? std::nullopt : std::optional(impl_->state.wake);
}

Snapshot Scheduler::snapshot(TimePoint now) const {
    return take_snapshot(impl_->state, now);
}

std::optional<Duration> Scheduler::bound(TimePoint now) const {
    return wait_bound(impl_->state, now);
}

Forecast Scheduler::forecast(
    TimePoint now, std::optional<Ticket> const& asked, ForecastLimits const& limits
) const {
    return core::forecast(impl_->state, now, asked, limits);
}

std::optional<InstanceState> Scheduler::state_of(InstanceId instance) const {
    auto const found = impl_->state.instances.find(instance);
    return found == impl_->state.instances.end() ? std::nullopt
                                                 : std::optional(found->second.state);
}

Duration Scheduler::answer_time(InstanceId instance) const {
    auto const found = impl_->state.instances.find(instance);
    return found == impl_->state.instances.end()
               ? Duration()
               : from_seconds(found->second.target->answer_seconds);
}

Bytes Scheduler::pinned_charge(std::string_view but_weights) const {
    Bytes sum;
    for (auto const& [weights, target] : impl_->state.targets) {
        if (target.pin && weights != but_weights) {
            sum += target.pin->demand.charge;
        }
    }
    return sum;
}

Bytes Scheduler::largest_charge(std::string_view weights) const {
    SchedulerConfig const& config = impl_->state.config;
    if (config.cards.empty()) {
        return config.budget - pinned_charge(weights);
    }
    auto const target = impl_->state.targets.find(weights);
    Held const pins = held_by_pins(
        impl_->state, target == impl_->state.targets.end() ? nullptr : &target->second
    );
    return largest_beside(config, pins);
}

bool Scheduler::has_instances() const {
    return !impl_->state.instances.empty();
}

SchedulerConfig const& Scheduler::config() const {
    return impl_->state.config;
}

Ledger const& Scheduler::ledger() const {
    return impl_->state.ledger;
}

Counters const& Scheduler::counters() const {
    return impl_->state.counters;
}

}  // namespace plimsoll::core
