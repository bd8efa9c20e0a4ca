#include <plimsoll/config/config.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::config {

namespace {

// Models on a host without a readable card lie in its memory, which they share with everything else
// there.
constexpr double kHostShare = 0.75;

Bytes unmeasured(Budget const& budget, Bytes host_memory, std::string& warning) {
    bool const is_percent = budget.kind == Budget::Kind::Percent;
    double const share = is_percent ? budget.percent / 100 : kHostShare;
    Bytes const bytes(static_cast<std::uint64_t>(static_cast<double>(host_memory.count()) * share));
    warning = fmt::format(
        "the GPU's memory cannot be read, so the budget is {} of the host's {}: {}; set \"budget\" "
        "in [[upstream]] (or "
        "--budget) to what models may take, for example \"22GiB\"",
        is_percent ? fmt::format("{}%", budget.percent) : "three quarters",
        format_bytes(host_memory),
        format_bytes(bytes)
    );
    return bytes;
}

Bytes without_card(Budget const& budget, Bytes reserve, Bytes host_memory, std::string& warning) {
    if (budget.kind != Budget::Kind::Absolute) {
        // The reserve is kept free of what there is, whatever it is.
        Bytes const most = host_memory - reserve;
        return std::min(unmeasured(budget, host_memory, warning), most);
    }
    if (!reserve.is_zero()) {
        warning = fmt::format(
            "the GPU's memory cannot be read, so the reserve of {} cannot be kept; only the "
            "budget of {} holds",
            format_bytes(reserve),
            format_bytes(budget.bytes)
        );
    }
    return budget.bytes;
}

// The upper bound that "budget" sets for one card of several, or for the only one.
Bytes cap_of(Budget const& budget, Bytes card, Bytes all) {
    switch (budget.kind) {
        case Budget::Kind::Absolute: {
            double const share =
                static_cast<double>(card.count()) / static_cast<double>(all.count());
            // Rounded down, so that the parts are not more than the whole.
            return card == all ? budget.bytes
                               : Bytes(static_cast<std::uint64_t>(
                                     static_cast<double>(budget.bytes.count()) * share
                                 ));
        }
        case Budget::Kind::Percent:
            return Bytes(
                static_cast<std::uint64_t>(static_cast<double>(card.count()) * budget.percent / 100)
            );
        default:
            return card - kFitMargin;
    }
}

std::string warning_for(Budget const& budget, Bytes reserve, Limits const& limits) {
    std::size_t const cards = limits.cards.size();
    Bytes const total = *limits.device_total;
    std::string_view const whose = cards == 1 ? "the GPU's" : "the GPUs'";
    // A byte for each card may have been lost in the division.
    bool const is_cut = limits.budget + Bytes(cards - 1) < budget.bytes;
    if (budget.kind == Budget::Kind::Absolute && is_cut) {
        return fmt::format(
            "the budget of {} is more than {} {} less the reserve of {}{}; {} is used",
            format_bytes(budget.bytes),
            whose,
            format_bytes(total),
            format_bytes(reserve),
            cards == 1 ? "" : " on each",
            format_bytes(limits.budget)
        );
    }
    bool const is_tight = std::ranges::any_of(limits.cards, [](core::Card const& card) {
        return card.budget + kFitMargin > card.total;
    });
    if (!is_tight) {
        return {};
    }
    return fmt::format(
        "a budget of {} leaves {} of {} {} free, and a model that is loaded with less "
        "than {} to spare{} falls to the CPU in part; set budget to at most {}, or lower the "
        "upstream's LLAMA_ARG_FIT_TARGET",
        format_bytes(limits.budget),
        format_bytes(total - limits.budget),
        whose,
        format_bytes(total),
        format_bytes(kFitMargin),
        cards == 1 ? "" : " on its card",
        format_bytes(total - Bytes(kFitMargin.count() * cards))
    );
}

}  // namespace

Limits resolve_budget(
    Budget const& budget,
    Bytes reserve,
    std::vector<Bytes> const& card_totals,
    Bytes host_memory,
    std::string& warning
) {
    warning.clear();
    if (card_totals.empty()) {
        return {without_card(budget, reserve, host_memory, warning), {}, std::nullopt};
    }
    Bytes total;
    for (Bytes const card : card_totals) {
        total += card;
    }
    Limits out{{}, {}, total};
    for (Bytes const card : card_totals) {
        // Cap and reserve are two bounds; the tighter one holds.
        Bytes const part = std::min(cap_of(budget, card, total), card - reserve);
        out.cards.push_back({part, card, Bytes()});
        out.budget += part;
    }
    warning = warning_for(budget, reserve, out);
    if (out.cards.size() == 1) {
        out.cards.clear();
    }
    return out;
}

}  // namespace plimsoll::config
