#include "http/go_duration.hpp"

#include <plimsoll/http/members.hpp>

#include <charconv>
#include <limits>

namespace plimsoll::http {

namespace {

using Kind = RawValue::Kind;

constexpr double kTwoTo63 = 9223372036854775808.0;

// A JSON number as Go's float64.
Result<double> parse_number(std::string const& literal) {
    double number = 0;
    auto const* const end = literal.data() + literal.size();
    auto const parsed = std::from_chars(literal.data(), end, number);
    if (parsed.ec == std::errc::result_out_of_range) {
        // Go rounds what is too small to zero, and refuses what is too large.
        if (literal.find("e-") != std::string::npos || literal.find("E-") != std::string::npos) {
            return 0.0;
        }
        return fail(
            Errc::BadRequest,
            "json: cannot unmarshal number " + literal + " into Go value of type float64",
            ErrorSource::Client
        );
    }
    return number;
}

KeepAliveValue from_nanoseconds(double nanoseconds) {
    if (nanoseconds < 0) {
        return {KeepAliveValue::Kind::Forever, 0};
    }
    if (nanoseconds < 1) {
        return {KeepAliveValue::Kind::Zero, 0};
    }
    return {KeepAliveValue::Kind::For, nanoseconds / 1e9};
}

Result<KeepAliveValue> keep_alive_number(std::string const& literal) {
    auto const seconds = parse_number(literal);
    if (!seconds) {
        return fail(seconds.error());
    }
    if (*seconds < 0) {
        return KeepAliveValue{KeepAliveValue::Kind::Forever, 0};
    }
    auto const nanoseconds = *seconds * 1e9;
    // Beyond 292 years the upstream's integer overflows to "at once".
    return nanoseconds >= kTwoTo63 ? KeepAliveValue{KeepAliveValue::Kind::Zero, 0}
                                   : from_nanoseconds(nanoseconds);
}

}  // namespace

Result<KeepAliveValue> parse_keep_alive(RawValue const& value) {
    switch (value.kind) {
        case Kind::Null:
            return KeepAliveValue{KeepAliveValue::Kind::For, 300};
        case Kind::Number:
            return keep_alive_number(value.text);
        case Kind::String: {
            auto const nanoseconds = parse_go_duration(value.text);
            if (!nanoseconds) {
                return fail(nanoseconds.error());
            }
            return from_nanoseconds(static_cast<double>(*nanoseconds));
        }
        case Kind::Bool:
            return fail(Errc::BadRequest, "Unsupported type: 'bool'", ErrorSource::Client);
        case Kind::Array:
            return fail(
                Errc::BadRequest, "Unsupported type: '[]interface {}'", ErrorSource::Client
            );
        case Kind::Object:
            break;
    }
    return fail(
        Errc::BadRequest, "Unsupported type: 'map[string]interface {}'", ErrorSource::Client
    );
}

Result<std::int64_t> parse_integer_option(std::string_view name, RawValue const& value) {
    if (value.kind != Kind::Number) {
        return fail(
            Errc::BadRequest,
            "option \"" + std::string(name) + "\" must be of type integer",
            ErrorSource::Client
        );
    }
    auto const number = parse_number(value.text);
    if (!number) {
        return fail(number.error());
    }
    if (*number >= kTwoTo63) {
        return std::numeric_limits<std::int64_t>::max();
    }
    if (*number <= -kTwoTo63) {
        return std::numeric_limits<std::int64_t>::min();
    }
    return static_cast<std::int64_t>(*number);
}

}  // namespace plimsoll::http
