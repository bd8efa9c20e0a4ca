#pragma once
// Rule 13: an upper bound of any wait, as things stand.

#include "core/state.hpp"

namespace plimsoll::core {

[[nodiscard]] std::optional<Duration> wait_bound(State const& state, TimePoint now);

}  // namespace plimsoll::core
