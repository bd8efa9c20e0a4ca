#pragma once
// Rule 9: which of the targets that need a load is better served first.

#include "core/demand.hpp"
#include "core/turn.hpp"

#include <optional>
#include <vector>

namespace plimsoll::core {

// A target that could be loaded next.
struct Entry {
    Target* target = nullptr;
    Chosen chosen;
    TimePoint due = kNever;  // when it becomes overdue
};

// nullopt: nothing can be loaded for it now, for lack of room beside the pins or because of a bar.
[[nodiscard]] std::optional<Entry> entry_for(Turn& turn, Target& target);

using Ranking = std::vector<Entry const*>;  // best first

// By score, sum(wait + L) / (L + u); of those within a tenth of each other by swap debt.
[[nodiscard]] Ranking by_score(State const& state, Ranking entries, TimePoint now);
// Those that became overdue first, in the same tenth of a second: by swap debt, then score.
[[nodiscard]] Ranking first_overdue(
    State const& state, std::vector<Entry> const& entries, TimePoint now
);

}  // namespace plimsoll::core
