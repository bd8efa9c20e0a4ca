#pragma once
// Rule 8: slots of ready instances go to clients in turn; and what becomes of a lease (rules 16,
// 20).

#include "core/turn.hpp"

namespace plimsoll::core {

// The short way: the instance is ready, has a slot and nobody waits for it. True: the ticket has
// its lease.
bool dispatch_at_once(Turn& turn, Target& target, Ticket const& ticket);
// Fills the free slots of all ready instances.
void dispatch_waiting(Turn& turn);

void cancel_ticket(Turn& turn, TicketId id);
void end_ticket(Turn& turn, TicketId id, TicketOutcome outcome);

}  // namespace plimsoll::core
