#pragma once
// Rules 9 to 11: which target is loaded next. Overdue ones by their deadline, else the one with the
// most waiting per second of load; the earliest overdue one holds the room that it needs.

#include "core/turn.hpp"

namespace plimsoll::core {

// Decides, makes room, asks for a fresh list, and sends the load when that list is there.
void drive_loads(Turn& turn);

}  // namespace plimsoll::core
