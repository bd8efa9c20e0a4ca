#include "core/usage.hpp"

#include <cmath>
#include <numbers>

namespace plimsoll::core {

namespace {

constexpr double kMinute = 60;  // seconds
constexpr double kHours = 4 * 3600.0;
constexpr double kLatest = 0.2;  // weight of the latest return
constexpr double kLikely = 0.2;

double faded(double count, double half_life, Duration age) {
    return count * std::exp2(-to_seconds(age) / half_life);
}

}  // namespace

void note_request(Usage& usage, TimePoint now) {
    Duration const age = now - usage.as_of;
    usage.in_minutes = faded(usage.in_minutes, kMinute, age) + 1;
    usage.in_hours = faded(usage.in_hours, kHours, age) + 1;
    usage.as_of = now;
}

// A steady rate r gives a count of r x half-life / ln 2.
double requests_per_second(Usage const& usage, TimePoint now) {
    Duration const age = now - usage.as_of;
    return std::numbers::ln2 * (faded(usage.in_minutes, kMinute, age) / kMinute +
                                faded(usage.in_hours, kHours, age) / kHours);
}

void note_quiet(Usage& usage, TimePoint now) {
    usage.quiet_since = now;
}

void note_return(Usage& usage, TimePoint arrived, Duration linger) {
    if (!usage.quiet_since) {
        return;
    }
    bool const is_return = arrived - *usage.quiet_since <= linger;
    usage.returns += kLatest * ((is_return ? 1 : 0) - usage.returns);
    usage.quiet_since.reset();
}

bool is_return_likely(Usage const& usage) {
    return usage.returns >= kLikely;
}

}  // namespace plimsoll::core
