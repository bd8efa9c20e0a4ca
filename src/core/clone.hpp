#pragma once
// A copy of the whole state that shares nothing with it, for looking ahead.

#include "core/state.hpp"

#include <memory>

namespace plimsoll::core {

[[nodiscard]] std::unique_ptr<State> clone_of(State const& state);

}  // namespace plimsoll::core
