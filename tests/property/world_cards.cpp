// A world with several cards: where the upstream puts what it loads, and what the driver shows.

#include "property/world.hpp"

#include <algorithm>

namespace plimsoll::test {

using namespace core;

namespace {

Bytes part(Bytes bytes, Bytes of, Bytes sum) {
    double const share = static_cast<double>(of.count()) / static_cast<double>(sum.count());
    return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * share));
}

Bytes sum_of(PerCard const& cards) {
    Bytes sum;
    for (Bytes const each : cards) {
        sum += each;
    }
    return sum;
}

}  // namespace

void World::draw_cards() {
    for (Card const& card : scheduler_config_.cards) {
        largest_card_budgets_.push_back(card.budget);
        // Within what is allowed for beyond what was seen.
        others_on_cards_.push_back(
            card.others + part(card.total, Bytes(card_rng_.below(1000)), Bytes(64'000))
        );
    }
}

void World::set_budget(Bytes budget) {
    auto& cards = scheduler_config_.cards;
    scheduler_config_.budget = budget;
    if (!cards.empty()) {
        scheduler_config_.budget = Bytes();
    }
    for (std::size_t i = 0; i < cards.size(); ++i) {
        Bytes const share = part(budget, cards[i].total, *scheduler_config_.device_total);
        cards[i].budget = std::min(share, cards[i].total);
        scheduler_config_.budget += cards[i].budget;
        largest_card_budgets_[i] = std::max(largest_card_budgets_[i], cards[i].budget);
    }
    largest_budget_ = std::max(largest_budget_, scheduler_config_.budget);
}

// Ollama's rule: the freest card, if four fifths of what is free there are enough, else all by what
// is free; whole layers go to each.
PerCard World::lies_on(Bytes bytes, Bytes estimate) {
    auto const& cards = scheduler_config_.cards;
    if (cards.empty()) {
        return {};
    }
    // What a crashed runner has left is free and looks taken, so nobody could foresee the choice.
    had_card_trouble_ =
        had_card_trouble_ || std::ranges::any_of(upstream_.runners(), &Runner::is_dead);
    PerCard used = upstream_.physical_by_card();
    used.resize(cards.size());
    PerCard free(cards.size()), out(cards.size());
    for (std::size_t i = 0; i < cards.size(); ++i) {
        free[i] = cards[i].total - used[i] - others_on_cards_[i];
    }
    auto const freest = std::ranges::max_element(free);
    if (estimate.count() <= freest->count() / 5 * 4) {
        out[static_cast<std::size_t>(freest - free.begin())] = bytes;
        return out;
    }
    Bytes const layer(bytes.count() / 40);
    Bytes left = bytes;
    Bytes const sum = sum_of(free);
    for (std::size_t i = 0; i < cards.size(); ++i) {
        bool const is_last = i + 1 == cards.size();
        out[i] = is_last ? left
                         : std::min(
                               left,
                               part(bytes, free[i], std::max(sum, Bytes(1))) +
                                   Bytes(card_rng_.below(layer.count() + 1))
                           );
        left -= out[i];
    }
    return out;
}

// Now and then something else overlapped, so that nothing was learned.
void World::show_cards(InstanceId instance, Bytes charge) {
    Runner const* const runner = upstream_.of_instance(instance);
    if (runner == nullptr || runner->cards.empty() || runner->is_dead || card_rng_.chance(0.2)) {
        return;
    }
    Placed placed{instance, {}};
    for (Bytes const each : runner->cards) {
        placed.most.push_back(
            Bytes(part(std::max(charge, runner->bytes), each, runner->bytes).count() + 1)
        );
    }
    send(placed);
}

// Of what is not placed a later look at the driver shows the most that it can be.
void World::show_others() {
    if (scheduler_config_.cards.empty() || card_rng_.chance(0.9)) {
        return;
    }
    for (InstanceView const& view : scheduler_.snapshot(now_).instances) {
        if (!view.is_placed && view.state == InstanceState::Ready) {
            show_cards(view.id, view.charge);
        }
    }
}

void World::check_cards() {
    PerCard const used = upstream_.physical_by_card();
    bool const is_foreseeable = !had_trouble_ && !had_card_trouble_;
    for (std::size_t i = 0; i < used.size() && is_foreseeable; ++i) {
        if (used[i] > largest_card_budgets_[i]) {
            throw InvariantBroken("physical memory exceeds the budget of a card");
        }
    }
}

}  // namespace plimsoll::test
