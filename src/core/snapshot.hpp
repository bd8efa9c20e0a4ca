#pragma once
// The state as plain values for people and tests.

#include "core/state.hpp"

namespace plimsoll::core {

[[nodiscard]] Snapshot take_snapshot(State const& state, TimePoint now);

}  // namespace plimsoll::core
