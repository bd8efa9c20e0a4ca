#include "core/dispatch.hpp"

#include "core/demand.hpp"
#include "core/keep_alive.hpp"
#include "core/observation.hpp"
#include "core/queue.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr unsigned kLostAnswersMeanBroken = 3;

// An instance that the last list lacked gets nothing until the next list: the upstream would load
// it by itself.
bool has_free_slot(State const& state, Instance const& instance) {
    return state.is_up && instance.state == InstanceState::Ready && instance.missing == 0 &&
           instance.leases < state.config.parallel && instance.demand.form != Form::Unknown;
}

// Rule 2: a client that thinks for a moment between two questions does not lose its model.
Duration linger_of(State const& state, Instance const& instance) {
    return std::min(state.config.max_linger, instance.demand.load_time / 4);
}

void lease(Turn& turn, Instance& instance, Waiter& waiter) {
    State& state = turn.state;
    Target& target = *instance.target;
    ++instance.leases;
    instance.lease_start_sum += to_seconds(turn.now - *state.epoch);
    waiter.instance = instance.id;
    waiter.leased_at = turn.now;
    note_return(target.usage, waiter.arrived, linger_of(state, instance));
    note_lease(turn, instance);
    Duration const waited = turn.now - waiter.arrived;
    state.longest_wait = std::max(state.longest_wait, waited);
    ++state.counters.dispatched;
    turn.emit(Dispatch{
        waiter.ticket.id,
        instance.id,
        instance.demand.form,
        instance.demand.settings,
        waited,
        waiter.position,
        instance.demand.model + " is ready, slot " + std::to_string(instance.leases) + " of " +
            std::to_string(state.config.parallel) + ", waited " + format_duration(waited)
    });
}

// Frees the slot. The instance may be gone: the upstream lost it, or was restarted, while the
// answer ran.
void end_lease(Turn& turn, Waiter const& waiter) {
    State& state = turn.state;
    Instance* const instance = find_instance(state, waiter.instance);
    Duration const took = turn.now - waiter.leased_at;
    state.pace.answer.note(took, turn.now);
    if (instance == nullptr) {
        return;
    }
    --instance->leases;
    instance->lease_start_sum -= to_seconds(waiter.leased_at - *state.epoch);
    instance->last_used = turn.now;
    Target& target = *instance->target;
    instance->active_until =
        turn.now + (is_return_likely(target.usage) ? linger_of(state, *instance) : Duration());
    if (instance->leases == 0 && target.waiting == 0) {
        note_quiet(target.usage, turn.now);
    }
    double const seconds = to_seconds(took);
    target.answer_seconds =
        target.answer_seconds == 0 ? seconds : 0.8 * target.answer_seconds + 0.2 * seconds;
    note_lease_end(turn, *instance, waiter.ticket);
}

}  // namespace

bool dispatch_at_once(Turn& turn, Target& target, Ticket const& ticket) {
    State& state = turn.state;
    Instance* const instance = target.instance;
    if (instance == nullptr || target.served_waiting > 0 || !has_free_slot(state, *instance) ||
        !serves(instance->demand, ticket.demand)) {
        return false;
    }
    Waiter& waiter = state.tickets[ticket.id];
    waiter.ticket = ticket;
    waiter.arrived = turn.now;
    waiter.target = &target;
    lease(turn, *instance, waiter);
    return true;
}

void dispatch_waiting(Turn& turn) {
    State& state = turn.state;
    for (auto& [id, instance] : state.instances) {
        while (instance.target->served_waiting > 0 && has_free_slot(state, instance)) {
            lease(turn, instance, take_turn(state, *instance.target));
        }
    }
}

void cancel_ticket(Turn& turn, TicketId id) {
    State& state = turn.state;
    auto const found = state.tickets.find(id);
    if (found == state.tickets.end()) {
        return;
    }
    ++state.counters.cancelled;
    if (found->second.want != nullptr) {
        unlink(state, found->second);
    } else {
        end_lease(turn, found->second);
    }
    state.tickets.erase(id);
}

void end_ticket(Turn& turn, TicketId id, TicketOutcome outcome) {
    State& state = turn.state;
    auto const found = state.tickets.find(id);
    if (found == state.tickets.end() || found->second.want != nullptr) {
        return;
    }
    Waiter const& waiter = found->second;
    end_lease(turn, waiter);
    if (outcome == TicketOutcome::OutOfMemory || outcome == TicketOutcome::ConnectionLost) {
        request_observe(
            turn,
            turn.now,
            "an answer of " + waiter.ticket.demand.model + " ended with " +
                (outcome == TicketOutcome::OutOfMemory ? "out of memory" : "a lost connection") +
                " after " + format_duration(turn.now - waiter.leased_at)
        );
    }
    if (Instance* const instance = find_instance(state, waiter.instance)) {
        instance->lost_answers =
            outcome == TicketOutcome::ConnectionLost ? instance->lost_answers + 1 : 0;
        if (instance->lost_answers >= kLostAnswersMeanBroken &&
            instance->state == InstanceState::Ready) {
            // A dead runner stays in the list with its memory; only an unload removes it.
            set_state(*instance, InstanceState::Draining, turn.now);
            instance->cause = DrainCause::Broken;
            refresh(state, *instance->target);
        }
    }
    state.tickets.erase(id);
}

}  // namespace plimsoll::core
