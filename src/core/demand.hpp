#pragma once
// Rules 1 and 3: which instance serves which request, and with which settings a target is loaded.

#include "core/held.hpp"
#include "core/state.hpp"

namespace plimsoll::core {

// Whether an instance that was loaded for one demand answers another without a reload inside the
// upstream.
[[nodiscard]] bool serves(Demand const& loaded, Demand const& wanted);
[[nodiscard]] bool is_same_key(Demand const& a, Form form, RunnerSettings const& settings);

// What the ledger must hold for it: the demand's charge, or the raised one of rule 15.
[[nodiscard]] Bytes charge_for(Target const& target, Demand const& demand, TimePoint now);

// The want that decides: the unserved one that is overdue first. Null: none (a pin may still want
// the target).
[[nodiscard]] Want const* leading_want(Target const& target);
// When the target becomes overdue (rule 9).
[[nodiscard]] TimePoint due_of(State const& state, Target const& target);
// What has to be loaded to satisfy the leading want, the pin or the first announced use.
[[nodiscard]] Demand const* leading_demand(Target const& target);

// The demand to load: it serves the leader, fits beside the others, and has the largest context
// among the target's waiters. nullopt: not even the leader fits. The pointer lives as long as the
// want, pin or announcement that it points into.
struct Chosen {
    Demand const* demand = nullptr;
    Bytes charge;  // to book
};

[[nodiscard]] std::optional<Chosen> choose_demand(
    Target const& target, SchedulerConfig const& config, Held const& others, TimePoint now
);

}  // namespace plimsoll::core
