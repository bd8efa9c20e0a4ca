#include "control/request_json.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace plimsoll::control {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMaxBody = 64 * 1024;

std::unexpected<Error> bad(std::string text) {
    return fail(Errc::BadRequest, std::move(text), ErrorSource::Client);
}

json::value const* find(json::object const& object, std::string_view name) {
    auto const* value = object.if_contains(name);
    return value != nullptr && value->is_null() ? nullptr : value;
}

}  // namespace

Result<json::object> parse_object(
    std::string_view body, std::span<std::string_view const> known_members
) {
    if (body.empty()) {
        return json::object{};
    }
    boost::system::error_code broken;
    auto value = json::parse(body, broken);
    if (broken) {
        return bad(fmt::format("the body is not JSON: {}", broken.message()));
    }
    if (!value.is_object()) {
        return bad("the body must be a JSON object");
    }
    for (auto const& [name, ignored] : value.as_object()) {
        if (std::ranges::find(known_members, std::string_view(name)) != known_members.end()) {
            continue;
        }
        auto const guess = nearest(name, known_members);
        auto const hint = guess ? fmt::format("did you mean \"{}\"?", *guess)
                                : fmt::format("known are: {}", fmt::join(known_members, ", "));
        return bad(fmt::format("unknown member \"{}\"; {}", printable(name, 80), hint));
    }
    return std::move(value.as_object());
}

net::Task<Result<json::object>> read_object(
    net::Exchange& exchange, std::span<std::string_view const> known_members
) {
    net::Body body;
    auto const read = co_await exchange.read_body(body, kMaxBody);
    if (!read) {
        co_return fail(read.error());
    }
    co_return parse_object(body.view(), known_members);
}

std::optional<std::int64_t> whole_number(json::value const& value) {
    if (value.is_int64()) {
        return value.get_int64();
    }
    constexpr double kExact = 9007199254740992.0;
    auto const* real = value.if_double();
    bool const is_whole =
        real != nullptr && std::abs(*real) <= kExact && std::trunc(*real) == *real;
    return is_whole ? std::optional(static_cast<std::int64_t>(*real)) : std::nullopt;
}

Result<std::optional<std::string>> string_member(
    json::object const& object, std::string_view name
) {
    auto const* value = find(object, name);
    if (value == nullptr) {
        return std::optional<std::string>();
    }
    if (!value->is_string()) {
        return bad(fmt::format("\"{}\" must be a string", name));
    }
    return std::optional(std::string(value->as_string()));
}

Result<std::optional<bool>> bool_member(json::object const& object, std::string_view name) {
    auto const* value = find(object, name);
    if (value == nullptr) {
        return std::optional<bool>();
    }
    if (!value->is_bool()) {
        return bad(fmt::format("\"{}\" must be true or false", name));
    }
    return std::optional(value->as_bool());
}

Result<std::optional<std::int64_t>> integer_member(
    json::object const& object, std::string_view name
) {
    auto const* value = find(object, name);
    if (value == nullptr) {
        return std::optional<std::int64_t>();
    }
    if (auto const whole = whole_number(*value)) {
        return whole;
    }
    return bad(fmt::format("\"{}\" must be a whole number", name));
}

Result<std::optional<core::KeepAlive>> keep_alive_member(
    json::object const& object, std::string_view name
) {
    using Kind = core::KeepAlive::Kind;
    auto const* value = find(object, name);
    if (value == nullptr) {
        return std::optional<core::KeepAlive>();
    }
    if (value->is_number()) {
        auto const seconds = value->to_number<double>();
        if (seconds < 0) {
            return std::optional(core::KeepAlive{Kind::Forever, {}});
        }
        return std::optional(
            seconds > 0 ? core::KeepAlive{Kind::For, from_seconds(seconds)}
                        : core::KeepAlive{Kind::Zero, {}}
        );
    }
    if (value->is_string()) {
        std::string_view const text = value->as_string();
        bool const is_negative = text.starts_with('-') && parse_duration(text.substr(1));
        if (text == "forever" || is_negative) {
            return std::optional(core::KeepAlive{Kind::Forever, {}});
        }
        if (auto const duration = parse_duration(text)) {
            return std::optional(
                *duration > Duration{} ? core::KeepAlive{Kind::For, *duration}
                                       : core::KeepAlive{Kind::Zero, {}}
            );
        }
    }
    return bad(
        fmt::format("\"{}\" must be a duration: seconds, \"5m\", \"1h30m\" or \"forever\"", name)
    );
}

}  // namespace plimsoll::control
