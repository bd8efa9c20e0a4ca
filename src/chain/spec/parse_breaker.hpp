#pragma once
// {"when": {...}, "then": {...}}

#include "chain/spec/parse_model.hpp"

namespace plimsoll::chain {

Breaker parse_breaker(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
);

}  // namespace plimsoll::chain
