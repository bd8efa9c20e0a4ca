#include "core/placement.hpp"

#include <algorithm>
#include <functional>

namespace plimsoll::core {

namespace {

// Of a card, what other programs may use beyond what they used when that was last seen.
constexpr std::uint64_t kOthersPart = 64;
// Of a charge, on each card: layers are not divided, and every card needs a copy of some buffers.
constexpr double kSpreadMargin = 1.0 / 40;

struct Free {
    Bytes least, most;
};

std::vector<Free> free_of(SchedulerConfig const& config, CardUse const& used) {
    std::vector<Free> free;
    auto least = used.least.begin();
    auto most = used.most.begin();
    for (Card const& card : config.cards) {
        Bytes const free_of_others = card.total - card.others;
        Bytes const more(card.total.count() / kOthersPart);
        free.push_back({free_of_others - more - *most++, free_of_others - *least++});
    }
    return free;
}

// The largest part of a model that is spread which may come to this card.
Bytes part_of(Bytes charge, std::vector<Free> const& free, Free const& card) {
    Bytes sum = card.most - card.least;
    for (Free const& each : free) {
        sum += each.least;
    }
    if (sum.is_zero()) {
        return charge;
    }
    double const share = static_cast<double>(card.most.count()) / static_cast<double>(sum.count());
    return std::min(charge, charge.scaled(share + kSpreadMargin));
}

}  // namespace

bool is_estimate_met(Bytes estimate, Bytes free) {
    return estimate <= Bytes(free.count() / 5 * 4);
}

std::optional<PerCard> place(
    SchedulerConfig const& config, Bytes charge, Bytes estimate, CardUse const& used
) {
    if (config.cards.empty()) {
        return PerCard{};
    }
    auto const free = free_of(config, used);
    Bytes const freest = std::ranges::max_element(free, {}, &Free::least)->least;
    bool const may_spread = !is_estimate_met(estimate, freest);
    PerCard out;
    for (Free const& card : free) {
        if (card.most >= freest && is_estimate_met(estimate, card.most)) {
            out.push_back(charge);
        } else {
            out.push_back(may_spread ? part_of(charge, free, card) : Bytes());
        }
    }
    // Cards that are over their budget already are no reason where nothing would be added.
    PerCard over = used.most;
    add(over, out);
    return is_over_where(config.cards, over, out) ? std::nullopt : std::optional(std::move(out));
}

void add(PerCard& sum, PerCard const& more) {
    sum.resize(std::max(sum.size(), more.size()));
    auto total = sum.begin();
    for (Bytes const part : more) {
        *total++ += part;
    }
}

PerCard excess(std::vector<Card> const& cards, PerCard const& charged) {
    PerCard over(cards.size());
    std::ranges::transform(charged, cards, over.begin(), std::minus(), {}, &Card::budget);
    return over;
}

bool is_any_over(std::vector<Card> const& cards, PerCard const& charged) {
    return std::ranges::any_of(excess(cards, charged), [](Bytes over) { return !over.is_zero(); });
}

bool is_over_where(std::vector<Card> const& cards, PerCard const& charged, PerCard const& parts) {
    return !std::ranges::equal(
        excess(cards, charged), parts, std::logical_or(), &Bytes::is_zero, &Bytes::is_zero
    );
}

}  // namespace plimsoll::core
