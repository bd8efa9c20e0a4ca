#pragma once
// On which cards of a pool with several the upstream will put a model.

#include <plimsoll/core/config.hpp>
#include <plimsoll/core/types.hpp>

#include <optional>

namespace plimsoll::core {

// The upstream's own rule (docs/scheduler.md, rule 5): it believes that a model has room where its
// estimate is at most 80 % of what is free. In whole fifths, as it calculates.
[[nodiscard]] bool is_estimate_met(Bytes estimate, Bytes free);

// What lies on each card already: at least, and at most.
struct CardUse {
    PerCard least, most;
};

// The most that may come to lie on each card. nullopt: on some card that would be more than its
// budget. Without cards: an empty PerCard.
//
// The upstream takes the card with the most free memory if its own `estimate` is at most 80 % of
// that, else all of them, by what is free on each. What is free is not known here to the byte, and
// other programs use the cards too: so whatever it may choose has to fit.
[[nodiscard]] std::optional<PerCard> place(
    SchedulerConfig const& config, Bytes charge, Bytes estimate, CardUse const& used
);

void add(PerCard& sum, PerCard const& more);
// What is charged to each card beyond its budget.
[[nodiscard]] PerCard excess(std::vector<Card> const& cards, PerCard const& charged);
// Whether some card is charged more than its budget.
[[nodiscard]] bool is_any_over(std::vector<Card> const& cards, PerCard const& charged);
// Whether some card that these parts lie on is.
[[nodiscard]] bool is_over_where(
    std::vector<Card> const& cards, PerCard const& charged, PerCard const& parts
);

}  // namespace plimsoll::core
