#include "core/ranking.hpp"

#include "core/admission.hpp"
#include "core/failures.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>

namespace plimsoll::core {

namespace {

constexpr double kEqualScores = 1.1;
constexpr Duration kSameMoment = std::chrono::milliseconds(100);

struct Ranked {
    Entry const* entry = nullptr;
    double score = 0;
    double debt = 0;  // known where it decides
};

// Over the tickets that the load would serve; joins count.
double score_of(State const& state, Target const& target, Demand const& demand, TimePoint now) {
    double const now_us = static_cast<double>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - *state.epoch).count()
    );
    double waits = 0;
    double count = 0;
    for (Want const& want : target.wants) {
        if (!want.is_served) {
            auto const n = static_cast<double>(want.due.size());
            count += n;
            waits += (n * now_us - static_cast<double>(want.arrived_sum_us)) / 1e6;
        }
    }
    if (target.pin && target.instance == nullptr) {
        count += 1;
        waits += to_seconds(now - target.pin->since);
    }
    double const load = to_seconds(demand.load_time);
    return (waits + count * load) / std::max(0.001, load + to_seconds(demand.unload_time));
}

std::vector<Ranked> scored(State const& state, Ranking const& entries, TimePoint now) {
    std::vector<Ranked> ranked;
    ranked.reserve(entries.size());
    for (Entry const* const entry : entries) {
        ranked.push_back({entry, score_of(state, *entry->target, *entry->chosen.demand, now)});
    }
    return ranked;
}

void sort_by_debt(State const& state, std::span<Ranked> equals, TimePoint now) {
    if (equals.size() < 2) {
        return;
    }
    for (Ranked& each : equals) {
        each.debt = debt_of(state, *each.entry->target, now);
    }
    std::ranges::sort(equals, {}, [](Ranked const& each) {
        return std::tuple(each.debt, -each.score, std::string_view(each.entry->target->weights));
    });
}

Ranking entries_of(std::vector<Ranked> const& ranked) {
    Ranking entries;
    entries.reserve(ranked.size());
    for (Ranked const& each : ranked) {
        entries.push_back(each.entry);
    }
    return entries;
}

}  // namespace

std::optional<Entry> entry_for(Turn& turn, Target& target) {
    State const& state = turn.state;
    auto const chosen = choose_demand(target, state.config, held_by_pins(state, &target), turn.now);
    if (!chosen) {
        return std::nullopt;
    }
    if (auto const bar = barred(target, *chosen->demand, turn.now)) {
        turn.wake(turn.now + bar->retry_after.value_or(Duration()));
        return std::nullopt;
    }
    return Entry{&target, *chosen, due_of(state, target)};
}

Ranking by_score(State const& state, Ranking entries, TimePoint now) {
    auto ranked = scored(state, entries, now);
    std::ranges::sort(ranked, {}, [](Ranked const& each) {
        return std::tuple(-each.score, std::string_view(each.entry->target->weights));
    });
    for (auto first = ranked.begin(); first != ranked.end();) {
        auto const last = std::find_if(first, ranked.end(), [&](Ranked const& each) {
            return each.score < first->score / kEqualScores;
        });
        sort_by_debt(state, {first, last}, now);
        first = last;
    }
    return entries_of(ranked);
}

Ranking first_overdue(State const& state, std::vector<Entry> const& entries, TimePoint now) {
    TimePoint earliest = kNever;
    for (Entry const& entry : entries) {
        earliest = std::min(earliest, entry.due);
    }
    Ranking first;
    for (Entry const& entry : entries) {
        if (entry.due <= now && entry.due - earliest <= kSameMoment) {
            first.push_back(&entry);
        }
    }
    if (first.size() < 2) {
        return first;
    }
    auto ranked = scored(state, first, now);
    sort_by_debt(state, ranked, now);
    return entries_of(ranked);
}

}  // namespace plimsoll::core
