#include "core/bound.hpp"

#include "core/demand.hpp"
#include "core/victims.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

// Nothing can be promised while these last.
bool is_disturbed(State const& state, TimePoint now) {
    bool const is_any_odd = std::ranges::any_of(state.instances, [](auto const& entry) {
        Instance const& instance = entry.second;
        return instance.is_foreign || instance.state == InstanceState::Suspect ||
               instance.state == InstanceState::Aborting;
    });
    bool const is_any_barred = std::ranges::any_of(state.needy, [&](Target const* target) {
        return std::ranges::any_of(target->keys, [&](KeyRecord const& key) {
            return now < key.barred_until;
        });
    });
    return !state.is_up || is_any_odd || is_any_barred || state.ledger.is_over_budget() ||
           now < state.busy_until;
}

// The tickets of one target, once it is overdue: quantum of the slowest victim, the longest answer,
// unloads, load.
Duration turn_length(State const& state, Demand const& wanted) {
    Duration quantum{};
    for (auto const& [id, instance] : state.instances) {
        quantum = std::max(quantum, quantum_of(state, wanted, instance.demand));
    }
    auto const victims = static_cast<Duration::rep>(state.instances.size());
    return quantum + state.longest_answer + victims * wanted.unload_time + wanted.load_time;
}

}  // namespace

std::optional<Duration> wait_bound(State const& state, TimePoint now) {
    if (is_disturbed(state, now)) {
        return std::nullopt;
    }
    Duration bound{};
    if (state.loader) {
        Instance const& loading = state.instances.at(*state.loader);
        bound += std::max(Duration{}, loading.since + loading.demand.load_time - now);
    }
    Duration patience = state.config.patience[static_cast<std::size_t>(Priority::Normal)];
    for (Target const* const target : state.needy) {
        if (Demand const* const demand = leading_demand(*target)) {
            bound += turn_length(state, *demand);
            patience = std::max(patience, due_of(state, *target) - now);
        }
    }
    return bound + patience;
}

}  // namespace plimsoll::core
