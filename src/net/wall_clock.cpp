#include <plimsoll/net/wall_clock.hpp>

#include <spdlog/fmt/fmt.h>

#include <ctime>

namespace plimsoll::net {

WallTime wall_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::microseconds(now.tv_nsec / 1000);
}

std::string rfc3339(WallTime time) {
    auto const whole = std::chrono::floor<std::chrono::seconds>(time);
    std::time_t const seconds = static_cast<std::time_t>(whole.count());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::string fraction = fmt::format(".{:06}", (time - whole).count());
    while (!fraction.empty() && (fraction.back() == '0' || fraction.back() == '.')) {
        bool const is_point = fraction.back() == '.';
        fraction.pop_back();
        if (is_point) {
            break;
        }
    }
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z",
        parts.tm_year + 1900,
        parts.tm_mon + 1,
        parts.tm_mday,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec,
        fraction
    );
}

}  // namespace plimsoll::net
