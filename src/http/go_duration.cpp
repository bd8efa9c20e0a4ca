#include "http/go_duration.hpp"

#include "http/chars.hpp"
#include "http/utf8.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace plimsoll::http {

namespace {

constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;

struct Unit {
    std::string_view name;
    std::uint64_t nanoseconds;
};

constexpr std::array<Unit, 8> kUnits{{
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // U+00B5
    {"\xCE\xBCs", 1'000},  // U+03BC
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

// Go's own quoting in package time: bytes beyond printable ASCII as \xHH.
std::string quote(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (char const c : text) {
        auto const value = static_cast<unsigned char>(c);
        if (value < 0x20 || value >= 0x80) {
            out += "\\x";
            out += kHex[value >> 4];
            out += kHex[value & 15];
            continue;
        }
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out += '"';
}

struct Fraction {
    std::uint64_t value = 0;
    double scale = 1;
};

// Digits that no longer fit are dropped, as Go does.
Fraction take_fraction(std::string_view& rest) {
    Fraction out;
    bool is_full = false;
    while (!rest.empty() && is(rest.front(), kDigit)) {
        auto const digit = static_cast<std::uint64_t>(rest.front() - '0');
        rest.remove_prefix(1);
        is_full = is_full || out.value > (kLimit - 1) / 10 || out.value * 10 + digit > kLimit;
        if (!is_full) {
            out.value = out.value * 10 + digit;
            out.scale *= 10;
        }
    }
    return out;
}

// nullopt: larger than 2^63.
std::optional<std::uint64_t> take_integer(std::string_view& rest) {
    std::uint64_t value = 0;
    while (!rest.empty() && is(rest.front(), kDigit)) {
        auto const digit = static_cast<std::uint64_t>(rest.front() - '0');
        if (value > kLimit / 10 || value * 10 + digit > kLimit) {
            return std::nullopt;
        }
        value = value * 10 + digit;
        rest.remove_prefix(1);
    }
    return value;
}

class DurationParser {
  public:
    explicit DurationParser(std::string_view text) : all_(text), rest_(text) {}

    Result<std::int64_t> parse();

  private:
    // One number with its unit.
    Result<std::uint64_t> take_part();

    [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
        return fail(
            Errc::BadRequest, "time: " + std::string(what) + ' ' + quote(all_), ErrorSource::Client
        );
    }

    std::string_view all_, rest_;
};

Result<std::uint64_t> DurationParser::take_part() {
    if (rest_.front() != '.' && !is(rest_.front(), kDigit)) {
        return wrong("invalid duration");
    }
    auto const before = rest_.size();
    auto const whole = take_integer(rest_);
    if (!whole) {
        return wrong("invalid duration");
    }
    std::size_t digits = before - rest_.size();
    Fraction fraction;
    if (rest_.starts_with('.')) {
        rest_.remove_prefix(1);
        auto const point = rest_.size();
        fraction = take_fraction(rest_);
        digits += point - rest_.size();
    }
    if (digits == 0) {
        return wrong("invalid duration");
    }
    auto const name = rest_.substr(0, std::min(rest_.find_first_of(".0123456789"), rest_.size()));
    if (name.empty()) {
        return wrong("missing unit in duration");
    }
    auto const* const unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == kUnits.end()) {
        return wrong("unknown unit " + quote(name) + " in duration");
    }
    rest_.remove_prefix(name.size());
    if (*whole > kLimit / unit->nanoseconds) {
        return wrong("invalid duration");
    }
    auto sum = *whole * unit->nanoseconds;
    if (fraction.value > 0) {
        auto const part = static_cast<double>(unit->nanoseconds) / fraction.scale;
        sum += static_cast<std::uint64_t>(static_cast<double>(fraction.value) * part);
    }
    return sum > kLimit ? Result<std::uint64_t>(wrong("invalid duration")) : sum;
}

Result<std::int64_t> DurationParser::parse() {
    bool const is_negative = rest_.starts_with('-');
    if (is_negative || rest_.starts_with('+')) {
        rest_.remove_prefix(1);
    }
    if (rest_ == "0") {
        return 0;
    }
    if (rest_.empty()) {
        return wrong("invalid duration");
    }
    std::uint64_t sum = 0;
    while (!rest_.empty()) {
        auto const part = take_part();
        if (!part) {
            return fail(part.error());
        }
        sum += *part;
        if (sum > kLimit) {
            return wrong("invalid duration");
        }
    }
    if (is_negative) {
        return static_cast<std::int64_t>(~sum + 1);
    }
    return sum == kLimit ? Result<std::int64_t>(wrong("invalid duration"))
                         : static_cast<std::int64_t>(sum);
}

}  // namespace

Result<std::int64_t> parse_go_duration(std::string_view text) {
    return DurationParser(text).parse();
}

}  // namespace plimsoll::http
