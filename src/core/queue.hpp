#pragma once
// The waiting room: tickets by target, in turn over clients, first come first served within a
// client (rule 8).

#include "core/turn.hpp"

namespace plimsoll::core {

// Rule 8: of so many slots one goes to the ticket that is due first, whoever's it is. Turns alone
// would let a client with many tickets, or a low class, wait several times as long as anybody has
// to.
inline constexpr std::uint64_t kTurnsToOldest = 3;

Waiter& enqueue(State& state, Target& target, Ticket const& ticket, TimePoint now);
// Takes a waiting ticket out of all lists but State::tickets.
void unlink(State& state, Waiter& waiter);
// Answers a waiting ticket with a refusal and forgets it.
void refuse(
    Turn& turn,
    Waiter& waiter,
    RefuseKind kind,
    std::optional<Duration> retry_after,
    std::string reason
);
// The next ticket that the target's instance serves (there is one); its client goes to the end of
// the turns.
Waiter& take_turn(State& state, Target& target);
// The waiting tickets of one want, oldest due first.
std::vector<TicketId> tickets_of(Want const& want);
// Refuses the tickets whose own deadline has passed.
void refuse_late(Turn& turn);

}  // namespace plimsoll::core
