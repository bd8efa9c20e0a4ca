#include "core/bound.hpp"

#include "core/demand.hpp"
#include "core/queue.hpp"

#include <algorithm>
#include <cmath>

namespace plimsoll::core {

namespace {

// An aborted load that is not gone after this is no ordinary delay.
constexpr Duration kAbortGoesWithin = std::chrono::seconds(5);
// Between a decision and the list that it waits for, and from one list to its confirmation.
constexpr int kListsInATurn = 4;
constexpr Duration kBetweenLists = std::chrono::milliseconds(250);
constexpr double kLongest = 1e9;  // seconds; more than anybody waits, and no overflow

bool is_odd(Instance const& instance, TimePoint now) {
    return instance.is_foreign || instance.state == InstanceState::Suspect ||
           (instance.state == InstanceState::Aborting && now - instance.since > kAbortGoesWithin);
}

bool is_disturbed(State const& state, TimePoint now) {
    bool const is_any_odd = std::ranges::any_of(state.instances, [&](auto const& entry) {
        return is_odd(entry.second, now);
    });
    bool const is_any_barred = std::ranges::any_of(state.needy, [&](Target const* target) {
        return std::ranges::any_of(target->keys, [&](KeyRecord const& key) {
            return now < key.barred_until;
        });
    });
    return !state.is_up || is_any_odd || is_any_barred || state.ledger.is_over_budget() ||
           now < state.busy_until;
}

// The slowest of everything that is loaded or waited for: whoever is next may have to wait for any
// of it.
struct Slowest {
    Duration load{}, unload{}, answer{}, lists{};

    void include(Demand const& demand) {
        load = std::max(load, demand.load_time);
        unload = std::max(unload, demand.unload_time);
    }
};

Slowest slowest_of(State const& state, TimePoint now) {
    Slowest out;
    for (auto const& [id, instance] : state.instances) {
        out.include(instance.demand);
        if (instance.state == InstanceState::Loading) {
            out.load = std::max(out.load, now - instance.since);
        }
    }
    for (auto const& [weights, target] : state.targets) {
        for (Want const& want : target.wants) {
            out.include(want.demand);
        }
        if (target.pin) {
            out.include(target.pin->demand);
        }
    }
    out.load += state.pace.load_excess.get(now);
    out.unload += state.pace.unload_excess.get(now);
    out.answer = state.pace.answer.get(now);
    for (auto const& [id, ticket] : state.tickets) {
        if (ticket.want == nullptr) {
            out.answer = std::max(out.answer, now - ticket.leased_at);
        }
    }
    out.lists = kListsInATurn * (state.pace.list.get(now) + kBetweenLists);
    return out;
}

Duration quantum_at_most(State const& state, Slowest const& slowest) {
    double const factor = state.config.quantum_factor;
    return from_seconds(factor * to_seconds(slowest.load + slowest.unload));
}

// From the moment at which a target is the next until it is loaded: the quantum of what is in its
// way, the answers that run then, the unloads, a load that was begun beside it meanwhile, its own.
Duration turn_at_most(State const& state, Slowest const& slowest) {
    auto const rows = static_cast<Duration::rep>(std::max<std::size_t>(1, state.instances.size()));
    return quantum_at_most(state, slowest) + slowest.answer + rows * slowest.unload +
           2 * slowest.load + slowest.lists;
}

double slots_of(State const& state) {
    return static_cast<double>(std::max<std::size_t>(1, state.config.parallel));
}

// How often a want has to be loaded until all its tickets had a slot: others may take its room when
// its quantum is over, and every kTurnsToOldest-th slot only is the oldest ticket's for sure.
double loads_needed(State const& state, Want const& want, Slowest const& slowest) {
    double const slots = static_cast<double>(want.due.size() * kTurnsToOldest) / slots_of(state);
    double const quantum = state.config.quantum_factor * to_seconds(want.demand.load_time);
    double const answers =
        slowest.answer > Duration() ? quantum / to_seconds(slowest.answer) : slots;
    return std::ceil(slots / std::max(1.0, std::floor(answers)));
}

}  // namespace

std::optional<Duration> wait_bound(State const& state, TimePoint now) {
    if (is_disturbed(state, now)) {
        return std::nullopt;
    }
    Slowest const slowest = slowest_of(state, now);
    double turns = 1;  // what was begun just before somebody became overdue
    std::size_t most_waiting = 0;
    Duration patience = state.config.patience[static_cast<std::size_t>(Priority::Normal)];
    for (auto const& [weights, target] : state.targets) {
        for (Want const& want : target.wants) {
            turns += loads_needed(state, want, slowest);
            patience = std::max(patience, want.due.rbegin()->first - now);
        }
        turns += target.pin && target.instance == nullptr ? 1.0 : 0.0;
        most_waiting = std::max(most_waiting, target.waiting);
    }
    double const own_slots =
        std::ceil(static_cast<double>(most_waiting * kTurnsToOldest) / slots_of(state));
    double const seconds = to_seconds(patience) + turns * to_seconds(turn_at_most(state, slowest)) +
                           own_slots * to_seconds(slowest.answer);
    return from_seconds(std::min(seconds, kLongest));
}

}  // namespace plimsoll::core
