#pragma once
// JSON that others wrote: models, servers, the state file. Pure.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::chain {

// Fences of Markdown around it are taken off. nullopt: it is none, or nested too deeply.
std::optional<boost::json::value> parse_given(std::string_view text);

// Members of objects that others wrote. A view into the object; empty where it is absent or no
// text.
std::string_view text_member(boost::json::object const& object, std::string_view key);
// 0 where it is absent, no number, or (a count) below 0.
double number_member(boost::json::object const& object, std::string_view key);
std::uint64_t count_member(boost::json::object const& object, std::string_view key);

}  // namespace plimsoll::chain
