#include "core/loading.hpp"

#include "core/announcements.hpp"
#include "core/demand.hpp"
#include "core/failures.hpp"
#include "core/held.hpp"
#include "core/observation.hpp"
#include "core/room.hpp"
#include "core/words.hpp"

#include <plimsoll/base/result.hpp>

namespace plimsoll::core {

namespace {

std::optional<Chosen> loadable(State const& state, Target const& target, TimePoint now) {
    auto const chosen = choose_demand(target, state.config, held_by_all(state), now);
    if (!chosen || barred(target, *chosen->demand, now) ||
        !fits_now(state, need_of(target, *chosen), now)) {
        return std::nullopt;
    }
    return chosen;
}

// Whom the load is for.
std::string beneficiary_words(Target const& target, TimePoint now) {
    if (target.waiting > 0) {
        return count_of(target.waiting, "ticket");
    }
    if (target.pin) {
        return "its pin";
    }
    Announcement const* const announced = leading_announcement(target);
    Duration const ahead = announced != nullptr ? announced->expected - now : Duration{};
    return "a use announced for " + format_duration(std::max(Duration{}, ahead)) + " from now";
}

std::string load_words(Turn const& turn, NextLoad const& next, Demand const& demand) {
    Target const& target = *next.target;
    std::string text = "load " + demand.model + " (" + form_words(demand) + ", " +
                       format_bytes(demand.charge) + ") for " + beneficiary_words(target, turn.now);
    if (Want const* const leader = leading_want(target)) {
        Waiter const& first = turn.state.tickets.at(leader->due.begin()->second);
        text += ", the first waited " + format_duration(turn.now - first.arrived);
    }
    return text + "; " + ledger_words(turn.state) + (next.why.empty() ? "" : "; " + next.why);
}

void free_loader(Turn& turn, InstanceId id) {
    if (turn.state.loader == id) {
        turn.state.loader.reset();
        turn.state.loader_free_since = turn.now;
    }
}

// Nothing of these is left in the upstream; after the others the list has to prove it.
bool was_never_started(LoadFailure failure) {
    return failure == LoadFailure::NotFound || failure == LoadFailure::Busy;
}

}  // namespace

bool can_load(State const& state, Target const& target, TimePoint now) {
    return loadable(state, target, now).has_value();
}

// Counted from the instances alone, so that a wrong ledger would show.
void count_violation(State& state, Bytes charge, PerCard cards) {
    Bytes sum = charge;
    for (auto const& [id, instance] : state.instances) {
        sum += state.ledger.charge_of(id);
        add(cards, state.ledger.cards_of(id));
    }
    if (sum > state.config.budget || is_any_over(state.config.cards, cards)) {
        ++state.counters.violations;
    }
}

void send_load(Turn& turn, NextLoad const& next) {
    State& state = turn.state;
    Target& target = *next.target;
    auto const chosen = loadable(state, target, turn.now);
    InstanceId const id{++state.last_instance};
    if (!chosen) {
        return;
    }
    auto const cards = place(
        state.config, chosen->charge, chosen->demand->upstream_estimate, held_by_all(state).cards
    );
    if (!cards || !state.ledger.reserve(id, chosen->charge, *cards)) {
        return;
    }
    Demand demand = *chosen->demand;
    demand.charge = chosen->charge;
    count_violation(state, demand.charge, *cards);
    std::string reason = load_words(turn, next, demand);
    Instance& instance = state.instances[id];
    instance.id = id;
    instance.target = &target;
    instance.demand = demand;
    instance.has_no_quantum = next.has_no_quantum;
    instance.last_used = turn.now;
    blame(instance, target);
    set_state(instance, InstanceState::Loading, turn.now);
    target.instance = &instance;
    state.loader = id;
    ++state.counters.loads;
    state.favoured.reset();
    if (target.waiting == 0 && !target.pin) {
        spend_announcements(target, demand);
    }
    refresh(state, target);
    turn.emit(Load{id, std::move(demand), std::move(reason)});
}

namespace {

bool is_same_load(Demand const& a, Demand const& b) {
    return a.has_own_ctx == b.has_own_ctx && is_same_key(a, b.form, b.settings);
}

}  // namespace

void note_loaded(Turn& turn, LoadSucceeded const& event) {
    State& state = turn.state;
    Instance* const instance = find_instance(state, event.instance);
    free_loader(turn, event.instance);
    bool const is_expected =
        instance != nullptr && !instance->failure &&
        (instance->state == InstanceState::Loading || instance->state == InstanceState::Aborting);
    if (!is_expected) {
        return;
    }
    Target& target = *instance->target;
    TimePoint const since = instance->since;
    charge_blamed(state, *instance, turn.now);
    set_state(*instance, InstanceState::Ready, turn.now);
    instance->loaded_at = turn.now;
    instance->last_used = turn.now;
    instance->load_took = event.took;
    Duration const took = turn.now - since;
    state.pace.load_excess.note(took - instance->demand.load_time, turn.now);
    state.busy_backoff = Duration();
    note_load_success(target, instance->demand);
    bool const was_seen = target.seen_bare && is_same_load(*target.seen_bare, instance->demand);
    if (event.num_ctx != 0 && instance->demand.form == Form::Bare) {
        instance->demand.settings.num_ctx = event.num_ctx;
    }
    if (event.charge) {
        instance->demand.charge = *event.charge;
        state.ledger.impose(instance->id, *event.charge);
    }
    if (was_seen) {
        // Else it would be loaded again and again for tickets that need the context once believed.
        target.seen_bare->settings.num_ctx = instance->demand.settings.num_ctx;
        target.seen_bare->charge = instance->demand.charge;
    }
    if (!event.size.is_zero() || !event.size_vram.is_zero()) {
        instance->is_proven = true;
        note_measured(turn, *instance, event.size, event.size_vram);
    }
    refresh(state, target);
}

void note_load_failed(Turn& turn, InstanceId id, LoadFailure failure, std::string const& text) {
    State& state = turn.state;
    Instance* const instance = find_instance(state, id);
    free_loader(turn, id);
    bool const is_expected =
        instance != nullptr && !instance->failure &&
        (instance->state == InstanceState::Loading || instance->state == InstanceState::Aborting);
    if (!is_expected) {
        return;
    }
    Target& target = *instance->target;
    Demand const demand = instance->demand;
    bool const was_ours = instance->state == InstanceState::Aborting;
    charge_blamed(state, *instance, turn.now);
    if (was_never_started(failure)) {
        forget_instance(state, *instance, turn.now);
    } else {
        set_state(*instance, InstanceState::Aborting, turn.now);
        instance->failure = failure;
        instance->leaves_slowly = true;
        refresh(state, target);
    }
    if (was_ours || failure == LoadFailure::Aborted) {
        return;  // whoever wants it since starts anew
    }
    ++state.counters.load_failures;
    note_load_failure(turn, target, demand, failure, text);
}

void abort_load(Turn& turn, std::string const& why) {
    State& state = turn.state;
    Instance* const instance = state.loader ? find_instance(state, *state.loader) : nullptr;
    if (instance == nullptr || instance->state != InstanceState::Loading) {
        return;
    }
    std::string reason = "give up loading " + name_with_charge(state, *instance) + " after " +
                         format_duration(turn.now - instance->since) + ": " + why;
    charge_blamed(state, *instance, turn.now);
    set_state(*instance, InstanceState::Aborting, turn.now);
    ++state.counters.loads_aborted;
    refresh(state, *instance->target);
    turn.emit(AbortLoad{instance->id, std::move(reason)});
}

void abort_unwanted(Turn& turn) {
    State& state = turn.state;
    if (!state.loader) {
        return;
    }
    Target const& target = *state.instances.at(*state.loader).target;
    if (target.waiting > 0 || target.pin || !target.stay.wishes.empty()) {
        return;
    }
    if (target.announcements.empty()) {
        abort_load(turn, "no ticket, wish or pin wants it any more");
    } else if (!state.needy.empty()) {
        abort_load(
            turn, "it was ahead of its use, and " + state.needy.front()->model + " is wanted now"
        );
    }
}

}  // namespace plimsoll::core
