#pragma once
// The steps of a specification, nested ones included.

#include "chain/spec/parse_model.hpp"

namespace plimsoll::chain {

inline constexpr std::size_t kMostSteps = 200;  // in all

// The list under `pointer`.
std::vector<Step> parse_steps(
    boost::json::array const& list, std::string const& pointer, std::vector<Problem>& problems
);

}  // namespace plimsoll::chain
