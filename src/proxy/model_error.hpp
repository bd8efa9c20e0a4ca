#pragma once
// The sentences about a model's name, which differ from route to route (unknown, empty
// and ill-formed names). Pure.

#include "proxy/refusal.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/http/route.hpp>

#include <string_view>

namespace plimsoll::proxy {

ClientError missing_model(http::Operation operation);
ClientError unknown_model(http::Operation operation, std::string_view as_asked);

// The parsed name, or the route's sentence about it.
Checked<ModelName> check_model_name(http::Operation operation, std::string_view as_asked);

}  // namespace plimsoll::proxy
