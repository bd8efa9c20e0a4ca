#pragma once
// Rules 4, 6 and 10: room is made for one target at a time. Its victims drain, and are unloaded
// together once every one of them is idle; until then all can be undone.

#include "core/demand.hpp"
#include "core/victims.hpp"

namespace plimsoll::core {

[[nodiscard]] Need need_of(Target const& target, Chosen const& chosen);

void start_commit(
    Turn& turn, Target& target, Need const& need, Choice const& choice, bool is_overdue
);
// Gives the victims back that were not told to unload yet.
void revoke_commit(Turn& turn, std::string const& why);
// Unloads, chooses again, or gives up, as things now stand. Afterwards the commit is gone or has to
// wait.
void advance_commit(Turn& turn);
// Brings the pool back under its budget: drains without regard to quanta, foreign rows first.
void relieve_budget(Turn& turn);

}  // namespace plimsoll::core
