#include "core/held.hpp"

namespace plimsoll::core {

namespace {

// Of a charge, what is truly there at least: the rest is margin.
constexpr double kLeastTrue = 0.75;

// What is leaving may be gone already, and of what the driver has not shown nobody knows where it
// lies.
bool is_surely_there(State const& state, Instance const& instance) {
    return state.ledger.is_placed(instance.id) && !is_leaving(instance);
}

}  // namespace

void Held::add(State const& state, Instance const& instance) {
    charge += state.ledger.charge_of(instance.id);
    PerCard parts = state.ledger.cards_of(instance.id);
    core::add(cards.most, parts);
    if (is_surely_there(state, instance)) {
        for (Bytes& part : parts) {
            part = part.scaled(kLeastTrue);
        }
        core::add(cards.least, parts);
    }
    ++rows;
}

bool is_over_budget(SchedulerConfig const& config, Held const& held) {
    return held.charge > config.budget || is_any_over(config.cards, held.cards.most);
}

Held held_by_all(State const& state) {
    Held held(state.config);
    for (auto const& [id, instance] : state.instances) {
        held.add(state, instance);
    }
    return held;
}

bool is_within_budget(
    SchedulerConfig const& config, Held const& others, Bytes charge, Bytes estimate
) {
    return others.charge + charge <= config.budget &&
           place(config, charge, estimate, others.cards).has_value();
}

Bytes largest_beside(SchedulerConfig const& config, Held const& others) {
    constexpr std::uint64_t kSteps = 256;
    Bytes const step(config.budget.count() / kSteps);
    auto const fits = [&](Bytes charge) {
        return is_within_budget(config, others, charge, charge);
    };
    Bytes largest;
    for (auto left = kSteps; left > 0 && fits(largest + step); --left) {
        largest += step;
    }
    return largest;
}

}  // namespace plimsoll::core
