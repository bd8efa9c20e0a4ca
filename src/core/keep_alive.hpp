#pragma once
// Rule 17: keep_alive is ours. One wish per client; the instance stays until the latest of them,
// and the timer stands still while anybody uses it or waits for it.

#include "core/turn.hpp"

namespace plimsoll::core {

void note_lease(Turn& turn, Instance& instance);
void note_lease_end(Turn& turn, Instance& instance, Ticket const& ticket);
void note_wish(
    Turn& turn, std::string const& client, std::string const& weights, KeepAlive keep_alive
);
// Ends every client's wish.
void drop_wishes(Target& target);
// Starts or stops the timer of an instance, by whether anybody uses it or waits for it.
void run_timer(Instance& instance, TimePoint now);
// When the idle instance would go; nullopt: never, or the timer stands.
[[nodiscard]] std::optional<TimePoint> expiry_of(State const& state, Instance const& instance);
// Unloads what has expired.
void expire(Turn& turn);

}  // namespace plimsoll::core
