#pragma once
// What past use says of the future: how often a target is asked for, and whether its clients come
// back at once.

#include <plimsoll/base/time.hpp>

#include <optional>

namespace plimsoll::core {

struct Usage {
    // Requests, each weighted by half for every minute, and for every four hours, since it came.
    double in_minutes = 0, in_hours = 0;
    TimePoint as_of{};
    // Of the moments at which the last answer ended: the share after which a request came within
    // the linger, weighted to the latest. A new target has the benefit of the doubt.
    double returns = 1;
    std::optional<TimePoint> quiet_since;
};

void note_request(Usage& usage, TimePoint now);
// Expected, from both spans.
[[nodiscard]] double requests_per_second(Usage const& usage, TimePoint now);

// The last answer ended and nobody waits.
void note_quiet(Usage& usage, TimePoint now);
// The next request that got a slot had arrived then.
void note_return(Usage& usage, TimePoint arrived, Duration linger);
// Rule 2: lingering for those who never come back at once costs the others.
[[nodiscard]] bool is_return_likely(Usage const& usage);

}  // namespace plimsoll::core
