#pragma once
// Rules 3, 4, 15 and 16 for the load itself: sending it, its outcome, and giving it up.

#include "core/victims.hpp"

#include <plimsoll/core/event.hpp>

namespace plimsoll::core {

// There is room now for some demand that serves the target's leader, and nothing forbids the load.
[[nodiscard]] bool can_load(State const& state, Target const& target, TimePoint now);
// Counts it if what is about to be loaded breaks a budget: a second pair of eyes on what decided
// and booked it, which never has anything to count while these are right.
void count_violation(State& state, Bytes charge, PerCard cards);
// Books the charge and emits Load. The caller has made sure of a fresh list.
void send_load(Turn& turn, NextLoad const& next);
void note_loaded(Turn& turn, LoadSucceeded const& event);
void note_load_failed(Turn& turn, InstanceId id, LoadFailure failure, std::string const& text);
void abort_load(Turn& turn, std::string const& why);
// Aborts a load that no ticket, wish or pin wants any more (rule 16), and one ahead of an announced
// use when somebody waits for another (rule 19).
void abort_unwanted(Turn& turn);

}  // namespace plimsoll::core
