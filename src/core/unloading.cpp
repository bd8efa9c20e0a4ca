#include "core/unloading.hpp"

#include "core/announcements.hpp"
#include "core/keep_alive.hpp"
#include "core/words.hpp"

#include <plimsoll/base/result.hpp>

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr Duration kRetryFailed = std::chrono::seconds(1);
constexpr Duration kFirstRepeat = std::chrono::seconds(5);
constexpr Duration kLongestRetry = std::chrono::minutes(10);

void emit_unload(Turn& turn, Instance& instance, std::string reason) {
    ++instance.attempt;
    turn.emit(Unload{
        instance.id,
        instance.demand.model,
        instance.target->weights,
        instance.attempt,
        std::move(reason)
    });
}

void suspect(Turn& turn, Instance& instance) {
    State& state = turn.state;
    instance.blamed.clear();  // not the doing of those who wait
    set_state(instance, InstanceState::Suspect, turn.now);
    instance.retry_at = turn.now;
    instance.retry_pause = state.config.unload_timeout;
    ++state.counters.suspects;
    state.must_recheck = true;
    turn.notice(
        Notice::Level::Alert,
        name_with_charge(state, instance) + " is still listed " +
            format_duration(turn.now - instance.unload_sent) +
            " after its unload; its memory stays charged and the unload is repeated; restart the "
            "upstream if it stays"
    );
}

void retry(Turn& turn, Instance& instance) {
    if (turn.now < instance.retry_at) {
        turn.wake(instance.retry_at);
        return;
    }
    instance.retry_pause = std::min(kLongestRetry, 2 * instance.retry_pause);
    instance.retry_at = turn.now + instance.retry_pause;
    turn.wake(instance.retry_at);
    emit_unload(
        turn,
        instance,
        "unload of " + name_with_charge(turn.state, instance) + " again, attempt " +
            std::to_string(instance.attempt + 1) + ": still listed after " +
            format_duration(turn.now - instance.unload_sent)
    );
}

std::string_view cause_words(DrainCause cause) {
    switch (cause) {
        case DrainCause::OverBudget:
            return "the pool is over its budget";
        case DrainCause::Operator:
            return "asked for by an operator";
        case DrainCause::Broken:
            return "its last answers ended with lost connections";
        default:
            return "room is needed";
    }
}

}  // namespace

void send_unload(Turn& turn, Instance& instance, std::string reason) {
    PLIMSOLL_ASSERT(instance.leases == 0);
    set_state(instance, InstanceState::Unloading, turn.now);
    instance.unload_sent = turn.now;
    // The upstream may have lost it, or a request may have undone it.
    instance.retry_pause = std::max(kFirstRepeat, 2 * instance.demand.unload_time);
    instance.retry_at = turn.now + instance.retry_pause;
    instance.missing = 0;
    ++turn.state.counters.unloads;
    refresh(turn.state, *instance.target);
    turn.wake(turn.now + turn.state.config.unload_timeout);
    emit_unload(turn, instance, std::move(reason));
}

void note_unload_failure(Turn& turn, InstanceId id, std::string const& text) {
    Instance* const instance = find_instance(turn.state, id);
    if (instance == nullptr || instance->state != InstanceState::Unloading) {
        return;
    }
    instance->retry_at = std::min(instance->retry_at, turn.now + kRetryFailed);
    turn.notice(
        Notice::Level::Warning,
        "unload of " + name_with_charge(turn.state, *instance) + " failed" +
            (text.empty() ? "" : ": " + text) + "; trying again in " +
            format_duration(instance->retry_at - turn.now)
    );
}

void watch_unloads(Turn& turn) {
    if (!turn.state.is_up) {
        return;
    }
    for (auto& [id, instance] : turn.state.instances) {
        if (instance.state == InstanceState::Unloading) {
            TimePoint const limit = instance.unload_sent + turn.state.config.unload_timeout;
            if (turn.now >= limit) {
                suspect(turn, instance);
            }
            turn.wake(limit);
        }
        if (instance.state == InstanceState::Unloading ||
            instance.state == InstanceState::Suspect) {
            retry(turn, instance);
        }
    }
}

void unload_drained(Turn& turn) {
    State& state = turn.state;
    if (!state.is_up) {
        return;
    }
    for (auto& [id, instance] : state.instances) {
        if (instance.state == InstanceState::Draining && instance.cause != DrainCause::Room &&
            instance.leases == 0) {
            send_unload(
                turn,
                instance,
                "unload " + name_with_charge(state, instance) + ": " +
                    std::string(cause_words(instance.cause)) + ", " + ledger_words(state)
            );
        }
    }
}

void request_unload(Turn& turn, std::string const& weights) {
    Target* const target = find_target(turn.state, weights);
    if (target == nullptr) {
        return;
    }
    spend_announcements(*target);
    if (target->instance == nullptr) {
        return;
    }
    Instance& instance = *target->instance;
    drop_wishes(*target);
    if (instance.state == InstanceState::Ready || instance.state == InstanceState::Draining) {
        set_state(instance, InstanceState::Draining, turn.now);
        instance.cause = DrainCause::Operator;
        refresh(turn.state, *target);
    }
}

void clean_up(Turn& turn, std::string const& weights) {
    State& state = turn.state;
    for (auto& [id, instance] : state.instances) {
        bool const is_wanted = instance.target->waiting > 0 || instance.target->pin ||
                               !instance.target->announcements.empty();
        bool const is_meant = weights.empty() || instance.target->weights == weights;
        if (is_meant && instance.state == InstanceState::Ready && instance.leases == 0 &&
            !is_wanted && state.is_up) {
            drop_wishes(*instance.target);
            send_unload(
                turn,
                instance,
                "clean-up: unload " + name_with_charge(state, instance) + ", " +
                    use_words(instance, turn.now) + ", neither pinned nor wanted"
            );
        }
    }
}

}  // namespace plimsoll::core
