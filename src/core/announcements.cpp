#include "core/announcements.hpp"

#include "core/demand.hpp"
#include "core/loading.hpp"
#include "core/ranking.hpp"
#include "core/room.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

// An announced use is worth a request within the time until it comes, or within this.
constexpr double kSoonest = 60;  // seconds
// Of the first so many announced targets one may be loaded; looking at more would only cost time.
constexpr std::size_t kLookedAt = 8;

Announcement* find_announcement(State& state, AnnouncementId id, Target*& owner) {
    for (Target* const target : state.announced) {
        auto const found = std::ranges::find(target->announcements, id, &Announcement::id);
        if (found != target->announcements.end()) {
            owner = target;
            return &*found;
        }
    }
    return nullptr;
}

std::vector<Target*> soonest_first(State const& state) {
    std::vector<Target*> targets;
    for (Target* const target : state.announced) {
        if (may_prefetch(state, *target)) {
            targets.push_back(target);
        }
    }
    auto const rank = [](Target const* each) {
        return std::tie(leading_announcement(*each)->expected, each->weights);
    };
    std::ranges::sort(targets, {}, rank);
    targets.resize(std::min(targets.size(), kLookedAt));
    return targets;
}

double value_of_all(State const& state, Choice const& choice, TimePoint now) {
    double sum = 0;
    for (Instance const* const member : choice.members) {
        sum += value_of(state, *member, now);
    }
    return sum;
}

// True: its load is decided, or room is made for it.
bool try_prefetch(Turn& turn, Target& target) {
    State& state = turn.state;
    auto const entry = entry_for(turn, target);
    if (!entry) {
        return false;
    }
    if (can_load(state, target, turn.now)) {
        state.next_load = NextLoad{&target, turn.now, false};
        return true;
    }
    Chosen const& chosen = entry->chosen;
    Need const need = need_of(target, chosen);
    Choice const choice = choose_victims(state, need, Taking::Unannounced, turn.now);
    turn.wake(choice.again);
    double const value = value_if_loaded(target, *chosen.demand, chosen.charge, turn.now);
    if (!choice.is_sufficient || value_of_all(state, choice, turn.now) >= value) {
        return false;
    }
    start_commit(turn, target, need, choice, false);
    return true;
}

}  // namespace

void announce(Turn& turn, UseAnnounced const& event) {
    State& state = turn.state;
    Target* owner = nullptr;
    Announcement* const known = find_announcement(state, event.announcement, owner);
    if (known != nullptr && owner->weights == event.demand.weights) {
        known->demand = event.demand;
        known->expected = event.expected;
        return;
    }
    if (known != nullptr) {
        withdraw(turn, event.announcement);
    }
    Target& target = target_for(state, event.demand.weights, event.demand.model);
    if (target.announcements.empty()) {
        state.announced.push_back(&target);
    }
    target.announcements.push_back(
        Announcement{event.announcement, event.demand, event.expected, false}
    );
}

void withdraw(Turn& turn, AnnouncementId id) {
    Target* target = nullptr;
    if (find_announcement(turn.state, id, target) == nullptr) {
        return;
    }
    std::erase_if(target->announcements, [&](Announcement const& each) { return each.id == id; });
    if (target->announcements.empty()) {
        std::erase(turn.state.announced, target);
    }
}

void spend_announcements(Target& target, Demand const& loaded) {
    for (Announcement& each : target.announcements) {
        each.is_spent = each.is_spent || serves(loaded, each.demand);
    }
}

void spend_announcements(Target& target) {
    for (Announcement& each : target.announcements) {
        each.is_spent = true;
    }
}

Announcement const* leading_announcement(Target const& target) {
    Announcement const* first = nullptr;
    for (Announcement const& each : target.announcements) {
        if (!each.is_spent && (first == nullptr || each.expected < first->expected)) {
            first = &each;
        }
    }
    return first;
}

bool may_prefetch(State const& state, Target const& target) {
    return state.needy.empty() && target.instance == nullptr &&
           leading_announcement(target) != nullptr;
}

bool is_load_wanted(State const& state, Target const& target) {
    return target.is_needy || may_prefetch(state, target);
}

double announced_uses(Target const& target, TimePoint now) {
    double uses = 0;
    for (Announcement const& each : target.announcements) {
        uses += 1 / std::max(kSoonest, to_seconds(each.expected - now));
    }
    return uses;
}

void prefetch(Turn& turn) {
    for (Target* const target : soonest_first(turn.state)) {
        if (try_prefetch(turn, *target)) {
            return;
        }
    }
}

}  // namespace plimsoll::core
