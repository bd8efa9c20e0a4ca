#pragma once
// Rule 13: the longest that anybody may have to wait, computed and exported.

#include "core/state.hpp"

namespace plimsoll::core {

// Of any ticket, from its arrival to its slot: the largest bound that was exported while it waited
// is not exceeded, if none of those was empty. It rests on what is known: expected times, and how
// far the last hours went beyond them (Pace). Empty while nothing can be promised: the upstream is
// down or busy, a suspect, a foreign row, a barred key or a pool over its budget.
[[nodiscard]] std::optional<Duration> wait_bound(State const& state, TimePoint now);

}  // namespace plimsoll::core
