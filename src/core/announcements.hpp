#pragma once
// Rule 19: what is announced (the coming steps of chains) is loaded ahead of its use where that
// costs nobody anything, and kept rather than what nobody announced.

#include "core/turn.hpp"

#include <plimsoll/core/event.hpp>

namespace plimsoll::core {

void announce(Turn& turn, UseAnnounced const& event);
void withdraw(Turn& turn, AnnouncementId id);
// The target's announcements have had their load.
void spend_announcements(Target& target, Demand const& loaded);
void spend_announcements(Target& target);

// The first announced use that had no load yet; null: none.
[[nodiscard]] Announcement const* leading_announcement(Target const& target);
// Nobody waits for a load, and this one would be ahead of an announced use.
[[nodiscard]] bool may_prefetch(State const& state, Target const& target);
// A decision to load it still stands: somebody waits for it, or it may be loaded ahead.
[[nodiscard]] bool is_load_wanted(State const& state, Target const& target);
// The announced uses, as requests a second.
[[nodiscard]] double announced_uses(Target const& target, TimePoint now);
// Starts the load, or the eviction before it, of the announced use that comes first and has room.
void prefetch(Turn& turn);

}  // namespace plimsoll::core
