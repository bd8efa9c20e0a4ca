#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/text.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <utility>

namespace plimsoll {

namespace {

struct Unit {
    std::string_view name;
    double factor;
};

constexpr double kKibi = 1024.0;
constexpr double kKilo = 1000.0;

// Bare letters are powers of 1024: that is how `ollama ps`, nvidia-smi and model pages use them.
constexpr std::array kUnits = {
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"bytes", 1},
    Unit{"k", kKibi},
    Unit{"kib", kKibi},
    Unit{"kb", kKilo},
    Unit{"m", kKibi* kKibi},
    Unit{"mib", kKibi* kKibi},
    Unit{"mb", kKilo* kKilo},
    Unit{"g", kKibi* kKibi* kKibi},
    Unit{"gib", kKibi* kKibi* kKibi},
    Unit{"gb", kKilo* kKilo* kKilo},
    Unit{"t", kKibi* kKibi* kKibi* kKibi},
    Unit{"tib", kKibi* kKibi* kKibi* kKibi},
    Unit{"tb", kKilo* kKilo* kKilo* kKilo},
};

std::string one_decimal(double value) {
    std::array<char, 32> buffer{};
    auto const done = std::to_chars(
        buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, 1
    );
    std::string text(buffer.data(), done.ptr);
    if (text.ends_with(".0")) {
        text.resize(text.size() - 2);
    }
    return text;
}

}  // namespace

Bytes Bytes::scaled(double factor) const {
    PLIMSOLL_ASSERT(factor >= 0);
    long double const product = std::ceil(static_cast<long double>(count_) * factor);
    if (product >= static_cast<long double>(kMax)) {
        return Bytes(kMax);
    }
    return Bytes(static_cast<std::uint64_t>(product));
}

std::optional<Bytes> parse_bytes(std::string_view text) {
    text = trim(text);
    std::size_t const digits = text.find_first_not_of("0123456789.");
    std::string_view const number = text.substr(0, digits);
    std::string_view const unit =
        digits == std::string_view::npos ? std::string_view() : trim(text.substr(digits));
    // Whole bytes keep all their digits, which a double would not above 2^53.
    if (std::optional<std::uint64_t> const whole = parse_u64(number); whole && unit.empty()) {
        return *whole > (1ULL << 63) ? std::nullopt : std::optional(Bytes(*whole));
    }
    double value = 0;
    auto const parsed =
        std::from_chars(number.begin(), number.end(), value, std::chars_format::fixed);
    if (parsed.ec != std::errc() || parsed.ptr != number.end() || number.back() == '.') {
        return std::nullopt;
    }
    for (Unit const& candidate : kUnits) {
        if (iequals(candidate.name, unit)) {
            double const bytes = std::ceil(value * candidate.factor);
            if (bytes > 0x1p63) {
                return std::nullopt;
            }
            return Bytes(static_cast<std::uint64_t>(bytes));
        }
    }
    return std::nullopt;
}

std::string format_bytes(Bytes bytes) {
    constexpr std::array<std::string_view, 5> kNames = {" bytes", " KiB", " MiB", " GiB", " TiB"};
    if (bytes.count() == 1) {
        return "1 byte";
    }
    double value = static_cast<double>(bytes.count());
    std::size_t unit = 0;
    // 1023.95 would be printed as "1024.0": such a value belongs to the next unit already.
    while (value >= 1023.95 && unit + 1 < kNames.size()) {
        value /= kKibi;
        ++unit;
    }
    return one_decimal(value).append(kNames[unit]);
}

std::string format_mib(Bytes bytes) {
    std::uint64_t const whole = bytes.count() >> 20;
    bool const has_rest = (bytes.count() & ((1ULL << 20) - 1)) != 0;
    return std::to_string(whole + (has_rest ? 1 : 0)) + " MiB";
}

}  // namespace plimsoll
