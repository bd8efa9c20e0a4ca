#include "core/snapshot.hpp"

#include "core/bound.hpp"
#include "core/keep_alive.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

InstanceView view_of(State const& state, Instance const& instance, TimePoint now) {
    InstanceView view;
    view.id = instance.id;
    view.weights = instance.target->weights;
    view.model = instance.demand.model;
    view.state = instance.state;
    view.form = instance.demand.form;
    view.settings = instance.demand.settings;
    view.charge = state.ledger.charge_of(instance.id);
    view.cards = state.ledger.cards_of(instance.id);
    view.is_placed = state.ledger.is_placed(instance.id);
    view.predicted = instance.demand.charge;
    view.measured = instance.measured;
    view.upstream_estimate = instance.demand.upstream_estimate;
    view.size_vram = instance.size_vram;
    view.leases = instance.leases;
    view.pinned = instance.target->pin.has_value();
    view.foreign = instance.is_foreign;
    view.active = is_active(instance, now);
    view.since = instance.since;
    view.loaded_at = instance.loaded_at;
    view.last_used = instance.last_used;
    view.load_took = instance.load_took;
    view.expires = expiry_of(state, instance);
    view.waiting = instance.target->waiting;
    return view;
}

std::string why_it_waits(State const& state, Waiter const& waiter, TimePoint now) {
    if (!state.is_up) {
        return "the upstream is down";
    }
    Target const& target = *waiter.target;
    Instance const* const instance = target.instance;
    if (waiter.want->is_served && instance->state == InstanceState::Loading) {
        return instance->demand.model + " is loading (" + format_duration(now - instance->since) +
               " so far)";
    }
    if (waiter.want->is_served) {
        return "all " + count_of(state.config.parallel, "slot") + " of " + instance->demand.model +
               " are in use";
    }
    if (state.commit && state.commit->target == &target) {
        return "room is being made: " + count_of(state.commit->members.size(), "model") +
               (state.commit->is_unloading ? " unloading" : " draining");
    }
    if (instance != nullptr) {
        return instance->demand.model + " has to be unloaded first (" +
               form_words(instance->demand) + ", " + use_words(*instance, now) + ")";
    }
    return "waiting for room: " + ledger_words(state);
}

std::vector<WaitingView> waiting_views(State const& state, TimePoint now) {
    std::vector<Waiter const*> waiters;
    for (auto const& [id, waiter] : state.tickets) {
        if (waiter.want != nullptr) {
            waiters.push_back(&waiter);
        }
    }
    std::ranges::sort(waiters, {}, [](Waiter const* each) {
        return std::tuple(each->arrived, each->ticket.id);
    });
    std::unordered_map<Target const*, std::size_t> positions;
    std::vector<WaitingView> views;
    for (Waiter const* const waiter : waiters) {
        WaitingView& view = views.emplace_back();
        view.id = waiter->ticket.id;
        view.model = waiter->ticket.demand.model;
        view.weights = waiter->target->weights;
        view.client = waiter->ticket.client;
        view.priority = waiter->ticket.priority;
        view.waited = now - waiter->arrived;
        view.overdue = waiter->due <= now;
        view.swap_debt = from_seconds(state.debts.of(waiter->ticket.client, now));
        view.position = ++positions[waiter->target];
        view.why = why_it_waits(state, *waiter, now);
    }
    return views;
}

}  // namespace

Snapshot take_snapshot(State const& state, TimePoint now) {
    Snapshot snapshot;
    snapshot.budget = state.ledger.budget();
    snapshot.charged = state.ledger.charged();
    snapshot.charged_by_card = state.ledger.charged_by_card();
    snapshot.peak = state.ledger.peak();
    snapshot.upstream_up = state.is_up;
    snapshot.over_budget = state.ledger.is_over_budget();
    for (auto const& [id, instance] : state.instances) {
        snapshot.instances.push_back(view_of(state, instance, now));
    }
    snapshot.waiting = waiting_views(state, now);
    for (auto const& [weights, target] : state.targets) {
        if (target.pin) {
            Pin const& pin = *target.pin;
            snapshot.pins.push_back(
                PinView{weights, pin.demand.model, pin.owner, pin.until, pin.demand.charge}
            );
        }
    }
    snapshot.counters = state.counters;
    snapshot.longest_wait = state.longest_wait;
    for (WaitingView const& view : snapshot.waiting) {
        snapshot.longest_wait = std::max(snapshot.longest_wait, view.waited);
    }
    snapshot.bound = wait_bound(state, now);
    return snapshot;
}

}  // namespace plimsoll::core
