#pragma once
// One event through all rules: Scheduler::on without the Scheduler, so that a copy of the state can
// be run ahead.

#include "core/state.hpp"

#include <plimsoll/core/event.hpp>

#include <vector>

namespace plimsoll::core {

std::vector<Action> advance(State& state, Event const& event, TimePoint now);

}  // namespace plimsoll::core
