#pragma once
// What the upstream's own list says, and how far it is believed (rules 4, 5 and 14). Own knowledge
// comes first: a list may lag, omit a row once, show ghosts or wrong sizes.

#include "core/turn.hpp"

#include <plimsoll/core/event.hpp>

#include <string>
#include <vector>

namespace plimsoll::core {

// Emits Observe unless a list that was asked for at or after `since` is on its way.
void request_observe(Turn& turn, TimePoint since, std::string reason);
void observe(Turn& turn, std::vector<Row> const& rows, TimePoint asked);
// The charge follows the larger of prediction and the last two measurements.
void note_measured(Turn& turn, Instance& instance, Bytes size, Bytes size_vram);
// Where the driver shows an instance to lie.
void note_placed(Turn& turn, Placed const& event);
// Asks again where a second list has to confirm the first, or none came.
void watch_lists(Turn& turn);
// A restart: all that was loaded is gone.
void forget_all(Turn& turn);

}  // namespace plimsoll::core
