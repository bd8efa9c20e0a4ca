#include "core/room.hpp"

#include "core/admission.hpp"
#include "core/announcements.hpp"
#include "core/demand.hpp"
#include "core/held.hpp"
#include "core/loading.hpp"
#include "core/pins.hpp"
#include "core/unloading.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <tuple>

namespace plimsoll::core {

namespace {

void give_back(Turn& turn, Instance& instance) {
    set_state(instance, InstanceState::Ready, turn.now);
    instance.cause = DrainCause::None;
    refresh(turn.state, *instance.target);
}

void drain(Turn& turn, Instance& instance, DrainCause cause) {
    set_state(instance, InstanceState::Draining, turn.now);
    instance.cause = cause;
    refresh(turn.state, *instance.target);
}

std::string eviction_words(Turn const& turn, Instance const& victim, Target const& target) {
    State const& state = turn.state;
    std::string text = name_with_charge(state, victim);
    if (victim.target == &target) {
        Demand const* const wanted = leading_demand(target);
        return "reload " + text + " (" + form_words(victim.demand) + ") as " +
               (wanted != nullptr ? form_words(*wanted) : "wanted") + " for " +
               count_of(target.waiting, "ticket");
    }
    return "evict " + text + ": " + use_words(victim, turn.now) +
           (victim.is_foreign ? ", loaded by somebody else" : ", cheapest to bring back") +
           "; makes room for " + target.model;
}

void evict(Turn& turn, Instance& victim, Target& target) {
    State& state = turn.state;
    if (victim.target == &target) {
        victim.keeps_wishes = true;
        ++state.counters.reloads;
    } else {
        ++state.counters.evictions;
    }
    if (victim.target->pin && victim.target != &target) {
        drop_pin(turn, *victim.target, "yields to " + target.model + ", which is overdue");
    }
    if (victim.is_foreign) {
        note_foreign_eviction(turn, victim);
    }
    blame(victim, target);
    send_unload(turn, victim, eviction_words(turn, victim, target));
}

// Every member is idle: chooses once more among what can go now, gives the others back, and
// unloads.
void unload_members(Turn& turn, Choice const& choice) {
    State& state = turn.state;
    Commit& commit = *state.commit;
    for (InstanceId const id : commit.members) {
        Instance* const member = find_instance(state, id);
        bool const is_ours = member != nullptr && member->state == InstanceState::Draining &&
                             member->cause == DrainCause::Room;
        if (is_ours && std::ranges::find(choice.members, member) == choice.members.end()) {
            give_back(turn, *member);
        }
    }
    commit.members.clear();
    commit.is_unloading = true;
    for (Instance* const member : choice.members) {
        commit.members.push_back(member->id);
        evict(turn, *member, *commit.target);
    }
}

bool is_anything_leaving(State const& state) {
    return std::ranges::any_of(state.instances, [](auto const& entry) {
        return is_leaving(entry.second);
    });
}

// The members will not do any more: takes a larger set, or waits no longer.
void choose_again(Turn& turn, Need const& need) {
    State& state = turn.state;
    Commit& commit = *state.commit;
    Choice const wider =
        choose_victims(state, need, commit.is_overdue ? Taking::Overdue : Taking::Idle, turn.now);
    if (!wider.is_sufficient) {
        turn.wake(wider.again);
        revoke_commit(turn, "its victims do not suffice any more");
        return;
    }
    Target& target = *commit.target;
    bool const is_overdue = commit.is_overdue;
    revoke_commit(turn, "other victims are taken");
    start_commit(turn, target, need, wider, is_overdue);
}

}  // namespace

Need need_of(Target const& target, Chosen const& chosen) {
    return Need{&target, chosen.charge, chosen.demand->upstream_estimate};
}

void start_commit(
    Turn& turn, Target& target, Need const& need, Choice const& choice, bool is_overdue
) {
    State& state = turn.state;
    state.commit = Commit{&target, turn.now, is_overdue, false, {}};
    bool are_all_idle = true;
    for (Instance* const member : choice.members) {
        state.commit->members.push_back(member->id);
        are_all_idle = are_all_idle && member->leases == 0;
    }
    if (are_all_idle) {
        unload_members(turn, choice);
        return;
    }
    for (Instance* const member : choice.members) {
        drain(turn, *member, DrainCause::Room);
    }
    turn.notice(
        Notice::Level::Info,
        "draining " + count_of(choice.members.size(), "model") + " for " + target.model +
            ", which needs " + format_bytes(need.charge) + " and has waited past its patience; " +
            ledger_words(state)
    );
}

void revoke_commit(Turn& turn, std::string const& why) {
    State& state = turn.state;
    if (!state.commit) {
        return;
    }
    Commit const commit = *std::exchange(state.commit, std::nullopt);
    for (InstanceId const id : commit.members) {
        Instance* const member = find_instance(state, id);
        if (member != nullptr && member->state == InstanceState::Draining &&
            member->cause == DrainCause::Room) {
            give_back(turn, *member);
            turn.notice(
                Notice::Level::Info,
                member->demand.model + " is kept after " + format_duration(turn.now - commit.at) +
                    " of draining for " + commit.target->model + ": " + why
            );
        }
    }
}

void advance_commit(Turn& turn) {
    State& state = turn.state;
    if (!state.commit) {
        return;
    }
    Target& target = *state.commit->target;
    auto const chosen = choose_demand(target, state.config, held_by_pins(state, &target), turn.now);
    if (!is_load_wanted(state, target) || !chosen) {
        revoke_commit(turn, "nobody wants " + target.model + " any more");
        return;
    }
    Need const need = need_of(target, *chosen);
    if (state.commit->is_unloading) {
        bool const fits = can_load(state, target, turn.now);
        if (!fits && !is_anything_leaving(state)) {
            revoke_commit(turn, "the room that was made does not suffice");
        }
        return;
    }
    if (!state.is_up) {
        return;
    }
    Choice const now_possible = choose_victims(state, need, Taking::Drained, turn.now);
    if (now_possible.is_sufficient) {
        unload_members(turn, now_possible);
    } else if (!fits_without(state, need, state.commit->members, turn.now)) {
        choose_again(turn, need);
    }
}

namespace {

// What stays once all that is leaving is gone.
Held staying_of(State const& state) {
    Held staying(state.config);
    for (auto const& [id, instance] : state.instances) {
        if (!is_leaving(instance)) {
            staying.add(state, instance);
        }
    }
    return staying;
}

// Losing an instance that lies on other cards than those over their budget brings nothing.
bool would_help(State const& state, Held const& staying, Instance const& instance) {
    return staying.charge > state.config.budget ||
           is_over_where(
               state.config.cards, staying.cards.most, state.ledger.cards_of(instance.id)
           );
}

// The order in which a pool over its budget loses instances: foreign and idle ones first, then the
// least valuable.
std::vector<Instance*> relief_order(State& state, Held const& staying, TimePoint now) {
    std::vector<Instance*> order;
    for (auto& [id, instance] : state.instances) {
        bool const is_conceded = instance.is_foreign && now < instance.target->conceded_until;
        bool const is_candidate =
            instance.state == InstanceState::Ready ||
            (instance.state == InstanceState::Draining && instance.cause == DrainCause::Room);
        if (is_candidate && !is_conceded && !instance.target->pin && !instance.is_echo &&
            would_help(state, staying, instance)) {
            order.push_back(&instance);
        }
    }
    auto const rank = [&](Instance const* each) {
        return std::tuple(
            !each->is_foreign, each->leases > 0, value_of(state, *each, now), each->id
        );
    };
    std::ranges::sort(order, {}, rank);
    return order;
}

void stop_relief(Turn& turn) {
    for (auto& [id, instance] : turn.state.instances) {
        if (instance.state == InstanceState::Draining && instance.cause == DrainCause::OverBudget) {
            give_back(turn, instance);
        }
    }
}

}  // namespace

void relieve_budget(Turn& turn) {
    State& state = turn.state;
    if (!state.ledger.is_over_budget()) {
        stop_relief(turn);
        return;
    }
    for (Held staying = staying_of(state); is_over_budget(state.config, staying);
         staying = staying_of(state)) {
        auto const order = relief_order(state, staying, turn.now);
        if (order.empty()) {
            if (drop_newest_pin(turn, "the pool is over its budget: " + ledger_words(state))) {
                continue;
            }
            abort_load(turn, "the pool is over its budget: " + ledger_words(state));
            return;
        }
        Instance& victim = *order.front();
        turn.notice(
            victim.is_foreign ? Notice::Level::Alert : Notice::Level::Warning,
            "the pool is over its budget (" + ledger_words(state) + "): " +
                name_with_charge(state, victim) + " has to go, " + use_words(victim, turn.now)
        );
        if (victim.is_foreign) {
            note_foreign_eviction(turn, victim);
        }
        drain(turn, victim, DrainCause::OverBudget);
    }
}

}  // namespace plimsoll::core
