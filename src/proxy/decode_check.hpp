#pragma once
// What the upstream says of a body that it cannot decode, word for word (its decoder is Go's
// encoding/json), so that a body which would fail there costs no load here. Pure.

#include "proxy/refusal.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/http/members.hpp>
#include <plimsoll/http/route.hpp>

#include <optional>
#include <string_view>

namespace plimsoll::proxy {

// The upstream's name of the body's type, for http::find_members.
std::string_view go_type_of(http::Operation operation);

// Turns the member finder's error into the route's sentence.
ClientError decode_error(http::Route const& route, Error const& error);

// Members of a wrong type, and members that the /v1 routes demand. nullopt: nothing wrong that we
// can be sure of.
std::optional<ClientError> check_member_types(
    http::Route const& route, http::BodyMembers const& members, std::string_view body
);

}  // namespace plimsoll::proxy
