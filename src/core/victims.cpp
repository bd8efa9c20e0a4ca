#include "core/victims.hpp"

#include "core/announcements.hpp"
#include "core/demand.hpp"
#include "core/held.hpp"

#include <plimsoll/core/forecast.hpp>

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

namespace plimsoll::core {

namespace {

constexpr std::size_t kEnumerated = 10;  // up to so many candidates all sets are tried

// `rest` is what would be in memory beside the new one.
bool is_room(State const& state, Need const& need, Held const& rest, std::size_t limit) {
    Bytes const device = state.config.device_total.value_or(state.config.budget);
    // Charges, not the listed sizes: those leave out what the driver counts (caches of windowed
    // models, the process's own context), and the upstream asks the driver what is free.
    Bytes const believed_free = device - rest.charge;
    // With nothing loaded the upstream loads without looking (rule 5).
    std::size_t const rows = rest.rows + need.rows;
    bool const is_believed = rows < 2 || is_estimate_met(need.upstream_estimate, believed_free);
    return rows <= limit && is_believed &&
           is_within_budget(state.config, rest, need.charge, need.upstream_estimate);
}

struct Candidate {
    Instance* instance = nullptr;
    double drain = 0;
    double value = 0;
    bool is_forced = false;
};

bool is_idle(Instance const& instance, TimePoint now) {
    return !is_active(instance, now) && instance.target->served_waiting == 0;
}

// When the instance may be taken; kNever: not by waiting for a moment.
TimePoint eligible_at(
    State const& state, Instance const& instance, Demand const& wanted, Taking taking, TimePoint now
) {
    if (instance.state == InstanceState::Draining) {  // for the present decision
        return taking != Taking::Drained || instance.leases == 0 ? now : kNever;
    }
    if (instance.state != InstanceState::Ready) {
        return kNever;
    }
    if (is_idle(instance, now) || taking == Taking::Anyone) {
        return now;
    }
    if (taking == Taking::Overdue) {
        TimePoint const end = instance.loaded_at + quantum_of(state, wanted, instance.demand);
        return instance.has_no_quantum ? now : std::max(now, end);
    }
    // Its last lease may have ended a moment ago (rule 2).
    bool const is_lingering = instance.leases == 0 && instance.target->served_waiting == 0;
    return is_lingering ? instance.active_until : kNever;
}

// Pins, and foreign rows that we have given up on, are no candidates; short pins yield to the
// overdue (rule 7).
bool is_protected(Instance const& instance, Need const& need, Taking taking, TimePoint now) {
    Target const& target = *instance.target;
    if (&target == need.target) {
        return false;
    }
    bool const is_for_overdue = taking != Taking::Idle && taking != Taking::Unannounced;
    bool const is_pinned = target.pin && !(target.pin->until && is_for_overdue);
    // What others loaded is theirs until somebody waits.
    bool const is_for_nobody_yet =
        taking == Taking::Unannounced && (instance.is_foreign || !target.announcements.empty());
    return is_pinned || is_for_nobody_yet || (instance.is_foreign && now < target.conceded_until);
}

using Cost = std::tuple<double, double, std::size_t>;

struct Search {
    State const& state;
    Need const& need;
    std::vector<Candidate> const& candidates;
    Held const& fixed;  // what stays in any case
    std::size_t limit;

    [[nodiscard]] bool suffices(std::vector<bool> const& taken) const {
        Held rest = fixed;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            if (!taken[i]) {
                rest.add(state, *candidates[i].instance);
            }
        }
        return is_room(state, need, rest, limit);
    }

    [[nodiscard]] std::vector<bool> enumerate() const;
    [[nodiscard]] std::vector<bool> drop_superfluous() const;
};

std::vector<bool> Search::enumerate() const {
    std::size_t const n = candidates.size();
    std::vector<bool> best(n, true);
    Cost best_cost{1e300, 0, 0};
    for (std::size_t mask = 0; mask < (std::size_t{1} << n); ++mask) {
        Cost cost{0, 0, 0};
        std::vector<bool> taken(n);
        bool is_valid = true;
        for (std::size_t i = 0; i < n; ++i) {
            taken[i] = ((mask >> i) & 1U) != 0;
            is_valid = is_valid && (taken[i] || !candidates[i].is_forced);
            if (taken[i]) {
                // Drains run side by side, so the longest counts.
                std::get<0>(cost) = std::max(std::get<0>(cost), candidates[i].drain);
                std::get<1>(cost) += candidates[i].value;
                ++std::get<2>(cost);
            }
        }
        if (is_valid && cost < best_cost && suffices(taken)) {
            best_cost = cost;
            best = taken;
        }
    }
    return best;
}

std::vector<bool> Search::drop_superfluous() const {
    // Starts with everybody and lets the most valuable go on living while the rest suffices.
    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, std::greater(), [&](std::size_t i) {
        return std::tuple(candidates[i].drain, candidates[i].value, i);
    });
    std::vector<bool> taken(candidates.size(), true);
    for (std::size_t const i : order) {
        if (candidates[i].is_forced) {
            continue;
        }
        taken[i] = false;
        taken[i] = !suffices(taken);
    }
    return taken;
}

}  // namespace

bool fits_now(State const& state, Need const& need, TimePoint now) {
    if (need.target->instance != nullptr) {
        return false;
    }
    return is_room(state, need, held_by_all(state), row_limit(state, now));
}

bool fits_without(
    State const& state, Need const& need, std::vector<InstanceId> const& members, TimePoint now
) {
    Held rest(state.config);
    for (auto const& [id, instance] : state.instances) {
        bool const goes = is_leaving(instance) || std::ranges::find(members, id) != members.end();
        if (!goes) {
            if (instance.target == need.target) {
                return false;
            }
            rest.add(state, instance);
        }
    }
    return is_room(state, need, rest, row_limit(state, now));
}

Choice choose_victims(State& state, Need const& need, Taking taking, TimePoint now) {
    Choice choice;
    Demand const* const wanted = leading_demand(*need.target);
    if (wanted == nullptr) {
        return choice;
    }
    std::vector<Candidate> candidates;
    Held fixed(state.config);
    for (auto& [id, instance] : state.instances) {
        if (is_leaving(instance)) {
            continue;
        }
        TimePoint const at = is_protected(instance, need, taking, now)
                                 ? kNever
                                 : eligible_at(state, instance, *wanted, taking, now);
        bool const is_forced = instance.target == need.target;
        if (at <= now) {
            candidates.push_back(
                {&instance,
                 drain_seconds(state, instance, now),
                 value_of(state, instance, now),
                 is_forced}
            );
            continue;
        }
        choice.again = std::min(choice.again, at);
        if (is_forced) {
            candidates.clear();
            return Choice{{}, false, at};
        }
        fixed.add(state, instance);
    }
    Search const search{state, need, candidates, fixed, row_limit(state, now)};
    if (!search.suffices(std::vector<bool>(candidates.size(), true))) {
        return choice;
    }
    choice.is_sufficient = true;
    auto const taken =
        candidates.size() <= kEnumerated ? search.enumerate() : search.drop_superfluous();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (taken[i]) {
            choice.members.push_back(candidates[i].instance);
        }
    }
    return choice;
}

Duration quantum_of(State const& state, Demand const& wanted, Demand const& victim) {
    Duration const load = std::max(wanted.load_time, victim.load_time);
    return from_seconds(state.config.quantum_factor * to_seconds(load + wanted.unload_time));
}

double value_of(State const& state, Instance const& instance, TimePoint now) {
    if (instance.is_foreign) {
        return 0;
    }
    return value_if_loaded(
        *instance.target, instance.demand, state.ledger.charge_of(instance.id), now
    );
}

double value_if_loaded(Target const& target, Demand const& demand, Bytes charge, TimePoint now) {
    double const gib =
        static_cast<double>(charge.count()) / static_cast<double>(gibibytes(1).count());
    double const load = std::max(0.1, to_seconds(demand.load_time));
    // Who waits for it counts as the requests of a minute to come.
    double const uses = requests_per_second(target.usage, now) +
                        static_cast<double>(target.waiting) / 60 + announced_uses(target, now);
    return uses * load / std::max(0.01, gib);
}

Duration expected_answer(Target const& target, Demand const& demand, Duration unknown) {
    if (target.answer_seconds > 0) {
        return from_seconds(target.answer_seconds);
    }
    return demand.answer_time > Duration() ? demand.answer_time : unknown;
}

double drain_seconds(State const& state, Instance const& instance, TimePoint now) {
    if (instance.leases == 0) {
        return 0;
    }
    double const mean_age =
        to_seconds(now - *state.epoch) - instance.lease_start_sum / instance.leases;
    // At least a little: an overdue target prefers idle ones.
    double const answer =
        to_seconds(expected_answer(*instance.target, instance.demand, kUnknownAnswer));
    return std::max(0.05, answer - mean_age);
}

}  // namespace plimsoll::core
