#pragma once
// The only use of the calendar: times that are shown in the upstream's own format. Decisions never
// see it. Pure but for wall_now().

#include <chrono>
#include <cstdint>
#include <string>

namespace plimsoll::net {

using WallTime = std::chrono::microseconds;  // since 1970, UTC; nanoseconds end in 2262

WallTime wall_now();
// "2026-11-23T14:57:08.95406515Z", trailing zeros of the fraction left out as Go does.
std::string rfc3339(WallTime time);

}  // namespace plimsoll::net
