#pragma once
// Rule 7: pinned models are loaded if absent and are no victims; pins that cannot hold are dropped
// with a sentence.

#include "core/turn.hpp"

namespace plimsoll::core {

void set_pin(
    Turn& turn, Demand const& demand, std::string const& owner, std::optional<TimePoint> until
);
void clear_pin(Turn& turn, std::string const& weights);
void drop_pin(Turn& turn, Target& target, std::string const& why);
// False: there is none.
bool drop_newest_pin(Turn& turn, std::string const& why);
// Drops pins whose time is over, and those that a smaller budget cannot hold.
void review_pins(Turn& turn);

// Rule 18: a foreign model that comes back each time is not fought for ever.
void note_foreign_eviction(Turn& turn, Instance const& instance);

}  // namespace plimsoll::core
