#include "net/http_date.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstddef>

namespace plimsoll::net {

std::string format_http_date(std::time_t when) {
    // Not strftime: its names follow the locale.
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    std::tm utc{};
    ::gmtime_r(&when, &utc);
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        kDays.at(static_cast<std::size_t>(utc.tm_wday)),
        utc.tm_mday,
        kMonths.at(static_cast<std::size_t>(utc.tm_mon)),
        utc.tm_year + 1900,
        utc.tm_hour,
        utc.tm_min,
        utc.tm_sec
    );
}

std::string_view DateField::line() {
    // The wall clock, for people; no decision hangs on it. The coarse clock is a plain read of
    // memory.
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != formatted_at_) {
        formatted_at_ = now.tv_sec;
        line_ = "Date: " + format_http_date(now.tv_sec) + "\r\n";
    }
    return line_;
}

}  // namespace plimsoll::net
