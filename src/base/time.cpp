#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

namespace plimsoll {

namespace {

struct Unit {
    std::string_view name;
    double seconds;
};

// Longer names first, so that "ms" is not read as minutes.
constexpr std::array kUnits = {
    Unit{"ns", 1e-9},
    Unit{"us", 1e-6},
    Unit{"\xc2\xb5s", 1e-6},  // U+00B5 and U+03BC, both of which Go takes
    Unit{"\xce\xbcs", 1e-6},
    Unit{"ms", 1e-3},
    Unit{"s", 1},
    Unit{"m", 60},
    Unit{"h", 3600},
};

// What Duration holds, about 292 years; the next double above it would overflow.
constexpr double kMaxSeconds = 9.2e9;

std::string rounded(double value, int decimals) {
    std::array<char, 64> buffer{};
    auto const done = std::to_chars(
        buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals
    );
    std::string text(buffer.data(), done.ptr);
    if (text.contains('.')) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) {
            text.pop_back();
        }
    }
    return text;
}

std::string two_parts(
    std::int64_t big, char const* big_unit, std::int64_t small, char const* small_unit
) {
    std::string text = std::to_string(big) + big_unit;
    if (small != 0) {
        text += ' ' + std::to_string(small) + small_unit;
    }
    return text;
}

std::string format_long(double seconds) {
    if (seconds < 3599.5) {
        std::int64_t const whole = std::llround(seconds);
        return two_parts(whole / 60, " min", whole % 60, " s");
    }
    std::int64_t const minutes = std::llround(seconds / 60);
    if (minutes < 48 * 60) {
        return two_parts(minutes / 60, " h", minutes % 60, " min");
    }
    std::int64_t const hours = std::llround(seconds / 3600);
    return two_parts(hours / 24, " d", hours % 24, " h");
}

// Takes one "1.5h" off the front; nullopt: none there.
std::optional<double> take_part(std::string_view& text) {
    std::size_t const digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) {
        return std::nullopt;
    }
    double value = 0;
    char const* const end = text.data() + digits;
    auto const parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    for (Unit const& unit : kUnits) {
        if (text.starts_with(unit.name)) {
            text.remove_prefix(unit.name.size());
            return value * unit.seconds;
        }
    }
    return std::nullopt;
}

}  // namespace

Duration from_seconds(double seconds) {
    if (std::isnan(seconds)) {
        return Duration::zero();
    }
    if (seconds >= kMaxSeconds) {
        return Duration::max();
    }
    if (seconds <= -kMaxSeconds) {
        return Duration::min();
    }
    return Duration(std::llround(seconds * 1e9));
}

std::string format_duration(Duration d) {
    if (d == Duration::zero()) {
        return "0 s";
    }
    double const seconds = to_seconds(d);
    if (seconds < 0) {
        return "-" + format_duration(d == Duration::min() ? Duration::max() : -d);
    }
    if (seconds < 1e-6) {
        return rounded(seconds * 1e9, 0) + " ns";
    }
    if (seconds < 1e-3) {
        return rounded(seconds * 1e6, 0) + " us";
    }
    if (seconds < 0.9995) {
        return rounded(seconds * 1e3, seconds < 0.01 ? 1 : 0) + " ms";
    }
    if (seconds < 599.5) {
        return rounded(seconds, seconds < 9.995 ? 2 : (seconds < 99.95 ? 1 : 0)) + " s";
    }
    return format_long(seconds);
}

std::optional<Duration> parse_duration(std::string_view text) {
    text = trim(text);
    if (text.empty()) {
        return std::nullopt;
    }
    double seconds = 0;
    if (text.find_first_not_of("0123456789.") == std::string_view::npos) {
        auto const parsed =
            std::from_chars(text.begin(), text.end(), seconds, std::chars_format::fixed);
        if (parsed.ec != std::errc() || parsed.ptr != text.end()) {
            return std::nullopt;
        }
    } else {
        while (!text.empty()) {
            std::optional<double> const part = take_part(text);
            if (!part) {
                return std::nullopt;
            }
            seconds += *part;
        }
    }
    if (seconds >= kMaxSeconds) {
        return std::nullopt;
    }
    return from_seconds(seconds);
}

}  // namespace plimsoll
