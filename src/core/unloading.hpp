#pragma once
// Rule 14: an unload is sent to an idle instance only, and is over when the list lacks the row.
// What does not go becomes suspect: charged, retried with back-off, while everything else goes on.

#include "core/turn.hpp"

namespace plimsoll::core {

void send_unload(Turn& turn, Instance& instance, std::string reason);
void note_unload_failure(Turn& turn, InstanceId id, std::string const& text);
// Retries, and suspects what has not gone in time.
void watch_unloads(Turn& turn);
// Unloads what drains for a cause of its own (operator, over budget, broken) and has become idle.
void unload_drained(Turn& turn);
// An operator's unload, and "unload whatever is idle".
void request_unload(Turn& turn, std::string const& weights);
void clean_up(Turn& turn, std::string const& weights);  // empty: all

}  // namespace plimsoll::core
