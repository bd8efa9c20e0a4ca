#pragma once
// Whether what a specification refers to is there.

#include <plimsoll/chain/spec.hpp>

namespace plimsoll::chain {

// Names of steps are unique; texts refer to steps that come before, and to {item}, {index} and
// {round} only where there are such; breakers to steps of the outermost list.
void check_names(Spec const& spec, std::vector<Problem>& problems);

}  // namespace plimsoll::chain
