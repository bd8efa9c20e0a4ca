#include "core/state.hpp"

#include "core/demand.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr std::size_t kManyTargets = 4096;

bool is_unused(State const& state, Target const& target) {
    return target.waiting == 0 && target.instance == nullptr && !target.pin &&
           target.keys.empty() && target.announcements.empty() &&
           (!state.commit || state.commit->target != &target) &&
           (!state.next_load || state.next_load->target != &target);
}

}  // namespace

Target& target_for(State& state, std::string const& weights, std::string const& model) {
    auto const found = state.targets.find(weights);
    if (found != state.targets.end()) {
        return found->second;
    }
    sweep_targets(state);
    Target& made = state.targets[weights];
    made.weights = weights;
    made.model = model;
    return made;
}

Target* find_target(State& state, std::string const& weights) {
    auto const found = state.targets.find(weights);
    return found == state.targets.end() ? nullptr : &found->second;
}

Instance* find_instance(State& state, InstanceId id) {
    auto const found = state.instances.find(id);
    return found == state.instances.end() ? nullptr : &found->second;
}

void set_state(Instance& instance, InstanceState to, TimePoint now) {
    instance.state = to;
    instance.since = now;
}

void forget_instance(State& state, Instance& instance, TimePoint now) {
    Target& target = *instance.target;
    if (instance.state == InstanceState::Unloading) {
        charge_blamed(state, instance, now);
    }
    if (!instance.keeps_wishes) {
        target.stay = Stay();
    }
    target.instance = nullptr;
    target.left_at = now;
    state.ledger.release(instance.id);
    state.instances.erase(instance.id);
    refresh(state, target);
}

void refresh(State& state, Target& target) {
    Instance const* const instance = target.instance;
    bool const is_usable = instance != nullptr && (instance->state == InstanceState::Ready ||
                                                   instance->state == InstanceState::Loading);
    target.served_waiting = 0;
    for (Want& want : target.wants) {
        bool const was_served = want.is_served;
        want.is_served = is_usable && serves(instance->demand, want.demand);
        // What a ready instance would have served may not fit any more without it.
        state.must_recheck = state.must_recheck || (was_served && !want.is_served);
        target.served_waiting += want.is_served ? want.due.size() : 0;
    }
    bool const is_needy =
        target.waiting > target.served_waiting || (target.pin && instance == nullptr);
    if (is_needy == target.is_needy) {
        return;
    }
    target.is_needy = is_needy;
    if (is_needy) {
        state.needy.push_back(&target);
    } else {
        std::erase(state.needy, &target);
    }
}

void sweep_targets(State& state) {
    if (state.targets.size() < kManyTargets) {
        return;
    }
    std::erase_if(state.targets, [&](auto const& entry) { return is_unused(state, entry.second); });
}

bool is_active(Instance const& instance, TimePoint now) {
    return instance.leases > 0 || now < instance.active_until;
}

bool is_leaving(Instance const& instance) {
    switch (instance.state) {
        case InstanceState::Unloading:
        case InstanceState::Aborting:
            return true;
        case InstanceState::Draining:
            return instance.cause != DrainCause::Room;
        case InstanceState::Ready:
            return instance.is_echo;
        default:
            return false;
    }
}

std::size_t row_limit(State const& state, TimePoint now) {
    std::size_t const learned = now < state.row_limit_until ? state.row_limit_seen : SIZE_MAX;
    return std::max<std::size_t>(1, std::min(state.config.max_loaded_models, learned));
}

bool is_held_by_pin(Target const& target) {
    return target.pin && !target.pin->until;
}

}  // namespace plimsoll::core
