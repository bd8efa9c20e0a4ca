#pragma once
// Preload and unload requests: an inference request without a prompt is a wish about what is
// loaded, and is answered by us in the upstream's own words. Pure.

#include <plimsoll/http/members.hpp>
#include <plimsoll/http/route.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::proxy {

enum class Wish : std::uint8_t { None, Load, Unload };

Wish wish_of(http::Operation operation, http::BodyMembers const& members, bool keep_alive_is_zero);

// The body of the answer. `created_at` is RFC 3339 with nanoseconds.
std::string wish_answer(
    http::Operation operation, Wish wish, std::string_view model, std::string_view created_at
);

}  // namespace plimsoll::proxy
