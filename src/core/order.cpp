#include "core/order.hpp"

#include "core/admission.hpp"
#include "core/announcements.hpp"
#include "core/demand.hpp"
#include "core/failures.hpp"
#include "core/loading.hpp"
#include "core/observation.hpp"
#include "core/room.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <span>
#include <tuple>

namespace plimsoll::core {

namespace {

// Scores within a tenth of each other, and moments within a tenth of a second, are equal: then the
// client with the smaller debt goes first.
constexpr double kEqualScores = 1.1;
constexpr Duration kSameMoment = std::chrono::milliseconds(100);

struct Entry {
    Target* target = nullptr;
    Chosen chosen;
    TimePoint due = kNever;
};

// nullopt: nothing can be done for it now.
std::optional<Entry> entry_for(Turn& turn, Target& target) {
    State const& state = turn.state;
    Bytes const limit = state.config.budget - held_by_pins(state, &target).charge;
    auto const chosen = choose_demand(target, limit, turn.now);
    if (!chosen) {
        return std::nullopt;
    }
    if (auto const bar = barred(target, *chosen->demand, turn.now)) {
        turn.wake(turn.now + bar->retry_after.value_or(Duration()));
        return std::nullopt;
    }
    return Entry{&target, *chosen, due_of(state, target)};
}

// sum(wait_i + L) / (L + u) over the tickets that the load would serve; joins count.
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

// The room that the earliest overdue target will have in the end (rule 11).
struct Reservation {
    Need need;
    std::vector<InstanceId> members;
};

bool fits_beside(State const& state, Need const& need, Reservation const& held, TimePoint now) {
    if (held.need.target == need.target) {
        return false;
    }
    // As if the load were there already when the overdue one is looked at.
    Need both = held.need;
    both.charge += need.charge;
    both.rows += need.rows;
    both.upstream_estimate += both.upstream_estimate.is_zero() ? Bytes() : need.charge;
    return fits_without(state, both, held.members, now);
}

// What no target can have now unless it is overdue: a cheap test before the search for victims.
struct Occupied {
    Bytes charge;
    std::size_t rows = 0;
};

Occupied occupied(Turn& turn) {
    Occupied sum;
    for (auto const& [id, instance] : turn.state.instances) {
        bool const is_idle = instance.state == InstanceState::Ready &&
                             !is_active(instance, turn.now) &&
                             instance.target->served_waiting == 0 && !instance.target->pin;
        if (is_leaving(instance) || is_idle) {
            continue;
        }
        if (instance.leases == 0) {
            turn.wake(instance.active_until);
        }
        sum.charge += turn.state.ledger.charge_of(id);
        ++sum.rows;
    }
    return sum;
}

struct Ranked {
    double score = 0;
    Entry const* entry = nullptr;
    double debt = 0;  // known where it decides
};

class Order {
  public:
    explicit Order(Turn& turn) : turn_(turn), state_(turn.state) {}

    void decide();
    // While victims drain for an overdue target: what fits beside it.
    void decide_beside(Commit const& commit);

  private:
    void collect();
    bool serve_overdue();
    void serve_best();
    void sort_by_debt(std::span<Ranked> equals) const;
    bool try_start(Entry const& entry);
    void hold_for(Need const& need);
    [[nodiscard]] Entry const* first_overdue() const;

    Turn& turn_;
    State& state_;
    std::vector<Entry> entries_;
    std::optional<Reservation> held_;
};

void Order::collect() {
    for (Target* const target : state_.needy) {
        if (auto entry = entry_for(turn_, *target)) {
            entries_.push_back(std::move(*entry));
        }
    }
}

void Order::hold_for(Need const& need) {
    held_ = Reservation{need, {}};
    for (Instance const* const member :
         choose_victims(state_, need, Taking::Anyone, turn_.now).members) {
        held_->members.push_back(member->id);
    }
}

// Of those that came in the same moment the one goes first whose clients have caused fewer swaps,
// then the one that serves more of the waiting.
Entry const* Order::first_overdue() const {
    TimePoint earliest = turn_.now + Duration{1};
    for (Entry const& entry : entries_) {
        earliest = std::min(earliest, entry.due);
    }
    using Rank = std::tuple<double, double, std::string_view>;
    Entry const* first = nullptr;
    Rank best;
    for (Entry const& entry : entries_) {
        if (entry.due > turn_.now || entry.due - earliest > kSameMoment) {
            continue;
        }
        Rank const rank{
            debt_of(state_, *entry.target, turn_.now),
            -score_of(state_, *entry.target, *entry.chosen.demand, turn_.now),
            entry.target->weights
        };
        if (first == nullptr || rank < best) {
            first = &entry;
            best = rank;
        }
    }
    return first;
}

// True: decided. Else the earliest overdue target holds its room and the others may use the rest.
bool Order::serve_overdue() {
    for (Entry const& entry : entries_) {
        turn_.wake(entry.due);
    }
    Entry const* const first = first_overdue();
    if (first == nullptr) {
        return false;
    }
    Need const need = need_of(*first->target, first->chosen);
    if (can_load(state_, *first->target, turn_.now)) {
        state_.next_load = NextLoad{first->target, turn_.now, false};
        return true;
    }
    Choice const choice = choose_victims(state_, need, Taking::Overdue, turn_.now);
    if (choice.is_sufficient) {
        start_commit(turn_, *first->target, need, choice, true);
        return true;
    }
    turn_.wake(choice.again);
    hold_for(need);
    return false;
}

bool Order::try_start(Entry const& entry) {
    Need const need = need_of(*entry.target, entry.chosen);
    if (held_ && !fits_beside(state_, need, *held_, turn_.now)) {
        return false;
    }
    if (can_load(state_, *entry.target, turn_.now)) {
        state_.next_load = NextLoad{entry.target, turn_.now, held_.has_value()};
        return true;
    }
    if (held_) {
        return false;
    }
    Choice const choice = choose_victims(state_, need, Taking::Idle, turn_.now);
    turn_.wake(choice.again);
    if (choice.is_sufficient) {
        start_commit(turn_, *entry.target, need, choice, false);
    }
    return choice.is_sufficient;
}

void Order::serve_best() {
    std::vector<Ranked> ranked;
    ranked.reserve(entries_.size());
    Occupied const taken = occupied(turn_);
    bool const is_row_left = taken.rows < row_limit(state_, turn_.now);
    for (Entry const& entry : entries_) {
        if (is_row_left && taken.charge + entry.chosen.charge <= state_.config.budget) {
            ranked.push_back(
                {score_of(state_, *entry.target, *entry.chosen.demand, turn_.now), &entry}
            );
        }
    }
    std::ranges::sort(ranked, [](Ranked const& a, Ranked const& b) {
        return a.score != b.score ? a.score > b.score
                                  : a.entry->target->weights < b.entry->target->weights;
    });
    for (auto first = ranked.begin(); first != ranked.end();) {
        auto const last = std::find_if(first, ranked.end(), [&](Ranked const& each) {
            return each.score < first->score / kEqualScores;
        });
        sort_by_debt({first, last});
        for (; first != last; ++first) {
            if (try_start(*first->entry)) {
                return;
            }
        }
    }
}

void Order::sort_by_debt(std::span<Ranked> equals) const {
    if (equals.size() < 2) {
        return;
    }
    for (Ranked& each : equals) {
        each.debt = debt_of(state_, *each.entry->target, turn_.now);
    }
    auto const rank = [](Ranked const& each) {
        return std::tuple(each.debt, -each.score, std::string_view(each.entry->target->weights));
    };
    std::ranges::sort(equals, {}, rank);
}

void Order::decide() {
    collect();
    if (!entries_.empty() && !serve_overdue()) {
        serve_best();
    }
}

void Order::decide_beside(Commit const& commit) {
    collect();
    for (Entry const& entry : entries_) {
        if (entry.target == commit.target) {
            held_ = Reservation{need_of(*entry.target, entry.chosen), commit.members};
        }
    }
    if (held_) {
        serve_best();
    }
}

bool may_load(Turn const& turn) {
    State const& state = turn.state;
    turn.wake(state.busy_until);
    return state.is_up && !state.loader && !state.ledger.is_over_budget() &&
           turn.now >= state.busy_until;
}

// A load decided earlier stays decided while it is possible; else a newer one would put off the
// list each time.
void review_next(State& state, TimePoint now) {
    if (!state.next_load) {
        return;
    }
    Target const& target = *state.next_load->target;
    bool const is_wanted = target.is_needy || may_prefetch(state, target);
    if (!is_wanted || !can_load(state, target, now)) {
        state.next_load.reset();
    }
}

void adopt_commit(Turn& turn) {
    State& state = turn.state;
    if (state.commit && state.commit->is_unloading &&
        can_load(state, *state.commit->target, turn.now)) {
        TimePoint const since = std::max(state.commit->at, state.loader_free_since);
        state.next_load = NextLoad{state.commit->target, since, false};
        state.commit.reset();
    }
}

void decide_next(Turn& turn) {
    State& state = turn.state;
    if (state.commit) {
        if (!state.commit->is_unloading && !state.needy.empty()) {
            Order(turn).decide_beside(*state.commit);
        }
        return;
    }
    if (state.needy.empty()) {
        prefetch(turn);
    } else {
        Order(turn).decide();
    }
    adopt_commit(turn);
}

}  // namespace

void drive_loads(Turn& turn) {
    State& state = turn.state;
    advance_commit(turn);
    if (!may_load(turn)) {
        state.next_load.reset();
        return;
    }
    review_next(state, turn.now);
    adopt_commit(turn);
    if (!state.next_load) {
        decide_next(turn);
    }
    if (!state.next_load) {
        return;
    }
    if (turn.observed && *turn.observed >= state.next_load->since) {
        NextLoad const next = *std::exchange(state.next_load, std::nullopt);
        send_load(turn, next);
        return;
    }
    request_observe(
        turn,
        state.next_load->since,
        "before loading " + state.next_load->target->model + "; " + ledger_words(state)
    );
}

}  // namespace plimsoll::core
