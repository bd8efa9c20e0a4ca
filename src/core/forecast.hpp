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

}  // namespace plimsoll::core
