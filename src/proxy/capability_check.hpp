#pragma once
// Requests that the upstream refuses before it loads anything, decided from what is known of the
// model, so that they cost no load and evict nobody. Only certain cases: an empty list of
// capabilities decides nothing. Pure.

#include "proxy/refusal.hpp"

#include <plimsoll/http/members.hpp>
#include <plimsoll/http/route.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <optional>
#include <string_view>

namespace plimsoll::proxy {

std::optional<ClientError> check_capabilities(
    http::Route const& route,
    http::BodyMembers const& members,
    std::string_view body,
    upstream::ModelInfo const& info,
    std::string_view as_asked
);

}  // namespace plimsoll::proxy
