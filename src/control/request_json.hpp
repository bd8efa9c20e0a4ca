#pragma once
// The JSON object of a control request: strictly checked, so that a misspelt member is an error
// that names the nearest right one instead of being ignored. Pure, but for reading the body.

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/types.hpp>
#include <plimsoll/net/server.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::control {

// Errors: BadRequest with the sentence for the client. An empty body is an empty object.
Result<boost::json::object> parse_object(
    std::string_view body, std::span<std::string_view const> known_members
);

net::Task<Result<boost::json::object>> read_object(
    net::Exchange& exchange, std::span<std::string_view const> known_members
);

// 4096, and 4096.0 and 4e3, which are whole numbers as well. nullopt: no whole number, or one
// beyond 2^53, where a double stands for several.
std::optional<std::int64_t> whole_number(boost::json::value const& value);

// Members. nullopt: absent or null. Errors: BadRequest.
Result<std::optional<std::string>> string_member(
    boost::json::object const& object, std::string_view name
);
Result<std::optional<bool>> bool_member(boost::json::object const& object, std::string_view name);
Result<std::optional<std::int64_t>> integer_member(
    boost::json::object const& object, std::string_view name
);
// Seconds as a number, or text as "5m". Negative: for ever.
Result<std::optional<core::KeepAlive>> keep_alive_member(
    boost::json::object const& object, std::string_view name
);

}  // namespace plimsoll::control
