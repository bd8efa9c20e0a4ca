#pragma once
// Running ahead on a copy of the state, in front of an upstream that does everything in the
// expected time.

#include "core/state.hpp"

#include <plimsoll/core/forecast.hpp>

namespace plimsoll::core {

// `asked`: a ticket that is not there, and arrives now in the copy.
[[nodiscard]] Forecast forecast(
    State const& state,
    TimePoint now,
    std::optional<Ticket> const& asked,
    ForecastLimits const& limits
);

// Seconds that all who wait now will wait from now on, together, if this target is loaded next.
[[nodiscard]] double total_wait_if_next(State const& state, TimePoint now, Target const& target);

}  // namespace plimsoll::core
