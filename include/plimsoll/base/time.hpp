#pragma once
// Time as the program's logic sees it: a steady count of nanoseconds that is always handed in.
// CoreClock has no now(), so the scheduler cannot read a clock even by mistake; net::Loop is the
// one place that reads the real one.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll {

using Duration = std::chrono::nanoseconds;

struct CoreClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<CoreClock>;
    static constexpr bool is_steady = true;
};

using TimePoint = CoreClock::time_point;

constexpr double to_seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}

// Clamped to what Duration can hold; NaN becomes zero.
Duration from_seconds(double seconds);

// "2.34 s", "212 s", "35 ms", "1 h 5 min": for log lines, reasons and tables.
std::string format_duration(Duration d);

// "30s", "5m", "1h30m", "250ms", "1.5h" (Go's syntax, without a sign), or a bare number of seconds.
// nullopt: not a duration.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace plimsoll
