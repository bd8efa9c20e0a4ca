#include "sim/wall_clock.hpp"

#include <spdlog/fmt/fmt.h>

#include <ctime>

namespace plimsoll::sim {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kForeverSeconds =
    9'223'372'036;  // the largest count of nanoseconds in 64 bits

std::tm utc(std::int64_t seconds) {
    auto const time = static_cast<std::time_t>(seconds);
    std::tm out{};
    gmtime_r(&time, &out);
    return out;
}

}  // namespace

WallClock::WallClock(TimePoint now) : begin_(now) {
    std::timespec read{};
    std::timespec_get(&read, TIME_UTC);
    origin_ = {read.tv_sec, read.tv_nsec};
}

WallClock::Stamp WallClock::stamp(TimePoint at) const {
    auto const passed = (at - begin_).count();
    Stamp out{origin_.seconds + passed / kSecond, origin_.nanoseconds + passed % kSecond};
    if (out.nanoseconds >= kSecond) {
        ++out.seconds;
        out.nanoseconds -= kSecond;
    } else if (out.nanoseconds < 0) {
        --out.seconds;
        out.nanoseconds += kSecond;
    }
    return out;
}

std::string WallClock::text(Stamp stamp) {
    auto const tm = utc(stamp.seconds);
    auto out = fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        tm.tm_year + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    );
    auto fraction = fmt::format(".{:09}", stamp.nanoseconds);
    while (fraction.back() == '0') {
        fraction.pop_back();
    }
    return out + (fraction == "." ? "" : fraction) + "Z";
}

std::string WallClock::rfc3339(TimePoint at) const {
    return text(stamp(at));
}

std::string WallClock::rfc3339_forever(TimePoint now) const {
    auto at = stamp(now);
    at.seconds += kForeverSeconds;
    return text(at);
}

std::int64_t WallClock::unix_seconds(TimePoint at) const {
    return stamp(at).seconds;
}

}  // namespace plimsoll::sim
