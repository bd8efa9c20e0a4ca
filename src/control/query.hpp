#pragma once
// The query of a control request: strictly checked like its body, so that "?folow=0" is an error
// that names the right one instead of a stream without end. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/http/head.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::control {

using Query = std::map<std::string, std::string, std::less<>>;

// Names and values with their escapes decoded. Errors: BadRequest for a name that is not known or
// stands twice, and for a broken escape.
Result<Query> read_query(
    http::RequestHead const& head, std::span<std::string_view const> known_names
);

// nullopt: absent. Errors: BadRequest.
Result<std::optional<std::uint64_t>> number_parameter(
    Query const& query, std::string_view name, std::uint64_t least, std::uint64_t most
);
// "1" and "true", "0" and "false".
Result<bool> flag_parameter(Query const& query, std::string_view name, bool otherwise);

}  // namespace plimsoll::control
