#include "core/pins.hpp"

#include "core/admission.hpp"
#include "core/demand.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr Duration kForeignWindow = std::chrono::minutes(5);
constexpr std::size_t kForeignEvictions = 2;

void remove_pin(State& state, Target& target) {
    target.pin.reset();
    std::erase(state.pinned, &target);
    refresh(state, target);
}

bool do_pins_fit(State const& state) {
    return !is_over_budget(state.config, held_by_pins(state, nullptr));
}

}  // namespace

void set_pin(
    Turn& turn, Demand const& demand, std::string const& owner, std::optional<TimePoint> until
) {
    State& state = turn.state;
    Target& target = target_for(state, demand.weights, demand.model);
    if (until && *until <= turn.now) {
        return;
    }
    if (auto const verdict = hopeless(state, target, demand, turn.now)) {
        turn.notice(
            Notice::Level::Warning,
            "pin of " + demand.model + " by " + owner + " refused: " + verdict->reason
        );
        return;
    }
    if (demand.form == Form::Bare) {
        target.seen_bare = demand;
    }
    if (!target.pin) {
        state.pinned.push_back(&target);
    }
    target.pin = Pin{demand, owner, turn.now, until, ++state.last_pin};
    state.must_recheck = true;
    refresh(state, target);
}

void clear_pin(Turn& turn, std::string const& weights) {
    Target* const target = find_target(turn.state, weights);
    if (target != nullptr && target->pin) {
        remove_pin(turn.state, *target);
    }
}

void drop_pin(Turn& turn, Target& target, std::string const& why) {
    turn.notice(
        Notice::Level::Alert,
        "pin of " + target.pin->demand.model + " by " + target.pin->owner + " (" +
            format_bytes(target.pin->demand.charge) + ") dropped: " + why
    );
    remove_pin(turn.state, target);
}

bool drop_newest_pin(Turn& turn, std::string const& why) {
    Target* newest = nullptr;
    for (Target* const target : turn.state.pinned) {
        if (newest == nullptr || target->pin->sequence > newest->pin->sequence) {
            newest = target;
        }
    }
    if (newest != nullptr) {
        drop_pin(turn, *newest, why);
    }
    return newest != nullptr;
}

void review_pins(Turn& turn) {
    State& state = turn.state;
    auto const is_over = [&](Target const* each) {
        return each->pin->until.value_or(kNever) <= turn.now;
    };
    for (auto over = std::ranges::find_if(state.pinned, is_over); over != state.pinned.end();
         over = std::ranges::find_if(state.pinned, is_over)) {
        remove_pin(state, **over);
    }
    for (Target const* const target : state.pinned) {
        turn.wake(target->pin->until.value_or(kNever));
    }
    while (state.must_recheck && !do_pins_fit(state)) {
        drop_newest_pin(
            turn, "the pins need more than the budget of " + format_bytes(state.config.budget)
        );
    }
}

void note_foreign_eviction(Turn& turn, Instance const& instance) {
    State& state = turn.state;
    ++state.counters.foreign_evictions;
    Target& target = *instance.target;
    std::erase_if(target.foreign_evictions, [&](TimePoint at) {
        return turn.now - at > kForeignWindow;
    });
    target.foreign_evictions.push_back(turn.now);
    if (target.foreign_evictions.size() >= kForeignEvictions) {
        target.conceded_until = turn.now + kForeignWindow;
        turn.notice(
            Notice::Level::Alert,
            instance.demand.model + " was loaded past Plimsoll and evicted " +
                std::to_string(target.foreign_evictions.size()) + " times in " +
                format_duration(kForeignWindow) + "; if it comes back, its " +
                format_bytes(state.ledger.charge_of(instance.id)) +
                " are left to it for that long; find the client that talks to the upstream directly"
        );
    }
}

}  // namespace plimsoll::core
