#include "core/placement.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

// Of a card, what other programs may use of it.
constexpr std::uint64_t kOthersPart = 16;
// Of a charge, on each card: layers are not divided, and every card needs a copy of some buffers.
constexpr double kSpreadMargin = 1.0 / 16;

struct Free {
    Bytes least, most;
};

std::vector<Free> free_of(SchedulerConfig const& config, CardUse const& used) {
    std::vector<Free> free;
    for (std::size_t i = 0; i < config.cards.size(); ++i) {
        Bytes const total = config.cards[i].total;
        Bytes const others(total.count() / kOthersPart);
        free.push_back({total - others - used.most[i], total - used.least[i]});
    }
    return free;
}

// The largest part of a model that is spread which may come to this card.
Bytes part_of(Bytes charge, std::vector<Free> const& free, std::size_t card) {
    Bytes sum = free[card].most;
    for (std::size_t i = 0; i < free.size(); ++i) {
        sum += i == card ? Bytes() : free[i].least;
    }
    if (sum.is_zero()) {
        return charge;
    }
    double const share =
        static_cast<double>(free[card].most.count()) / static_cast<double>(sum.count());
    return std::min(charge, charge.scaled(share + kSpreadMargin));
}

// The upstream's own arithmetic: whole fifths.
bool is_estimate_met(Bytes estimate, Bytes free) {
    return estimate <= Bytes(free.count() / 5 * 4);
}

}  // namespace

std::optional<PerCard> place(
    SchedulerConfig const& config, Bytes charge, Bytes estimate, CardUse const& used
) {
    if (config.cards.empty()) {
        return PerCard{};
    }
    auto const free = free_of(config, used);
    Bytes const freest = std::ranges::max_element(free, {}, &Free::least)->least;
    bool const may_spread = !is_estimate_met(estimate, freest);
    PerCard out(free.size());
    for (std::size_t i = 0; i < free.size(); ++i) {
        if (free[i].most >= freest && is_estimate_met(estimate, free[i].most)) {
            out[i] = charge;
        } else if (may_spread) {
            out[i] = part_of(charge, free, i);
        }
        if (!out[i].is_zero() && used.most[i] + out[i] > config.cards[i].budget) {
            return std::nullopt;
        }
    }
    return out;
}

void add(PerCard& sum, PerCard const& more) {
    sum.resize(std::max(sum.size(), more.size()));
    for (std::size_t i = 0; i < more.size(); ++i) {
        sum[i] += more[i];
    }
}

}  // namespace plimsoll::core
