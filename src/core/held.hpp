#pragma once
// What others hold of a pool, and whether there is room beside them.

#include "core/placement.hpp"
#include "core/state.hpp"

namespace plimsoll::core {

struct Held {
    explicit Held(SchedulerConfig const& config)
        : cards{PerCard(config.cards.size()), PerCard(config.cards.size())} {}

    void add(State const& state, Instance const& instance);

    Bytes charge;
    CardUse cards;
    std::size_t rows = 0;
};

[[nodiscard]] bool is_over_budget(SchedulerConfig const& config, Held const& held);
// Everything that is charged.
[[nodiscard]] Held held_by_all(State const& state);
// Whether the budgets, of the sum and of each card, have room beside the others.
[[nodiscard]] bool is_within_budget(
    SchedulerConfig const& config, Held const& others, Bytes charge, Bytes estimate
);

// The largest charge for which that holds with every smaller one, to a 256th of the budget; the
// estimate is taken to be as large. Needs cards.
[[nodiscard]] Bytes largest_beside(SchedulerConfig const& config, Held const& others);

}  // namespace plimsoll::core
