#pragma once
// Environment and flags laid over what the file says.

#include "config/reader.hpp"

#include <plimsoll/config/config.hpp>

namespace plimsoll::config {

// Sets each override's key in the tree; what cannot be placed is reported.
void apply_overrides(Table& top, Overrides const& overrides, Origin::Kind kind, Report& report);

}  // namespace plimsoll::config
