#pragma once
// Rule 12: what can never be served, or not in time, is refused at once with its arithmetic.

#include "core/held.hpp"
#include "core/turn.hpp"

namespace plimsoll::core {

struct Verdict {
    RefuseKind kind = RefuseKind::DoesNotFit;
    std::optional<Duration> retry_after;
    std::string reason;
};

void admit(Turn& turn, Ticket const& ticket);
// Why a target cannot be loaded with this demand as things stand; nullopt: it can, now or later.
[[nodiscard]] std::optional<Verdict> hopeless(
    State const& state, Target const& target, Demand const& demand, TimePoint now
);
// Answers the waiting tickets that have become hopeless (a pin, a smaller budget, a suspect, a
// bar).
void refuse_hopeless(Turn& turn);

// What pins without an end hold apart from this target.
[[nodiscard]] Held held_by_pins(State const& state, Target const* except);
// When a refused client may well try again.
[[nodiscard]] Duration retry_estimate(State const& state, TimePoint now);

}  // namespace plimsoll::core
