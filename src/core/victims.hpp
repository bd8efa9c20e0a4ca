#pragma once
// Rules 4 to 6: is there room for a load, and if not, which instances are the cheapest sufficient
// set to lose.

#include "core/turn.hpp"

namespace plimsoll::core {

struct Need {
    Target const* target = nullptr;  // its own instance always has to go first (rule 3)
    Bytes charge;
    Bytes upstream_estimate;
    std::size_t rows = 1;
};

enum class Taking : std::uint8_t {
    Idle,         // idle, inactive, unwanted ones: for a target that is not overdue
    Unannounced,  // of those ours that nobody announced: for an announced use (rule 19)
    Overdue,      // those, and busy ones whose quantum is over
    Anyone,       // whatever their quantum: what an overdue target will take in the end (rule 11)
    Drained,  // idle ones and those that have drained for this decision: what can be unloaded now
};

struct Choice {
    std::vector<Instance*> members;
    bool is_sufficient = false;
    TimePoint again = kNever;  // when one more instance becomes eligible
};

// Room now, with everything charged that is charged.
[[nodiscard]] bool fits_now(State const& state, Need const& need, TimePoint now);
// Room once what is leaving and these members are gone.
[[nodiscard]] bool fits_without(
    State const& state, Need const& need, std::vector<InstanceId> const& members, TimePoint now
);
[[nodiscard]] Choice choose_victims(State& state, Need const& need, Taking taking, TimePoint now);
// Rule 10: how long a busy instance may run since its load before it is drained for this demand.
[[nodiscard]] Duration quantum_of(State const& state, Demand const& wanted, Demand const& victim);
// What it costs to lose it: expected requests a second, those that wait or are announced
// included, x load time /
// size in GiB; foreign rows cost nothing.
[[nodiscard]] double value_of(State const& state, Instance const& instance, TimePoint now);
// The same for what is not loaded, with the charge that it would have.
[[nodiscard]] double value_if_loaded(
    Target const& target, Demand const& demand, Bytes charge, TimePoint now
);
// How long an answer takes: as this target's lately did, else as the demand says, else `unknown`.
[[nodiscard]] Duration expected_answer(
    Target const& target, Demand const& demand, Duration unknown
);
// Seconds until its answers will probably have ended.
[[nodiscard]] double drain_seconds(State const& state, Instance const& instance, TimePoint now);

}  // namespace plimsoll::core
