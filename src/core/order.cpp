#include "core/order.hpp"

#include "core/announcements.hpp"
#include "core/loading.hpp"
#include "core/lookahead.hpp"
#include "core/observation.hpp"
#include "core/ranking.hpp"
#include "core/room.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

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
    void start(Preferred const& preferred);
    void hold_for(Need const& need);
    [[nodiscard]] bool is_startable(Entry const& entry);

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

// True: decided. Else the earliest overdue target holds its room and the others may use the rest.
bool Order::serve_overdue() {
    for (Entry const& entry : entries_) {
        turn_.wake(entry.due);
    }
    Ranking const overdue = first_overdue(state_, entries_, turn_.now);
    if (overdue.empty()) {
        return false;
    }
    auto const [first, why] = prefer(state_, overdue, turn_.now);
    Need const need = need_of(*first->target, first->chosen);
    if (can_load(state_, *first->target, turn_.now)) {
        state_.next_load = NextLoad{first->target, turn_.now, false, false, why};
        return true;
    }
    Choice const choice = choose_victims(state_, need, Taking::Overdue, turn_.now);
    if (choice.is_sufficient) {
        start_commit(turn_, *first->target, need, choice, true);
        state_.commit->why = why;
        return true;
    }
    turn_.wake(choice.again);
    hold_for(need);
    return false;
}

void Order::serve_best() {
    Ranking fitting;
    fitting.reserve(entries_.size());
    Occupied const taken = occupied(turn_);
    bool const is_row_left = taken.rows < row_limit(state_, turn_.now);
    for (Entry const& entry : entries_) {
        if (is_row_left && taken.charge + entry.chosen.charge <= state_.config.budget) {
            fitting.push_back(&entry);
        }
    }
    Ranking options;
    for (Entry const* const entry : by_score(state_, std::move(fitting), turn_.now)) {
        if (is_startable(*entry)) {
            options.push_back(entry);
        }
        // Beside an overdue target, and where too many wait to look ahead, the first one goes.
        bool const is_choice = !held_ && state_.waiting <= kFewWaiting;
        if (!options.empty() && (!is_choice || options.size() == kOptions)) {
            break;
        }
    }
    if (!options.empty()) {
        start(prefer(state_, options, turn_.now));
    }
}

bool Order::is_startable(Entry const& entry) {
    Need const need = need_of(*entry.target, entry.chosen);
    if (held_ && !fits_beside(state_, need, *held_, turn_.now)) {
        return false;
    }
    if (can_load(state_, *entry.target, turn_.now)) {
        return true;
    }
    if (held_) {
        return false;
    }
    Choice const choice = choose_victims(state_, need, Taking::Idle, turn_.now);
    turn_.wake(choice.again);
    return choice.is_sufficient;
}

void Order::start(Preferred const& preferred) {
    Entry const& entry = *preferred.entry;
    if (can_load(state_, *entry.target, turn_.now)) {
        state_.next_load =
            NextLoad{entry.target, turn_.now, held_.has_value(), false, preferred.why};
        return;
    }
    Need const need = need_of(*entry.target, entry.chosen);
    Choice const choice = choose_victims(state_, need, Taking::Idle, turn_.now);
    start_commit(turn_, *entry.target, need, choice, false);
    state_.commit->why = preferred.why;
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
    if (!is_load_wanted(state, target) || !can_load(state, target, now)) {
        state.next_load.reset();
    }
}

void adopt_commit(Turn& turn) {
    State& state = turn.state;
    if (state.commit && state.commit->is_unloading &&
        can_load(state, *state.commit->target, turn.now)) {
        TimePoint const since = std::max(state.commit->at, state.loader_free_since);
        state.next_load = NextLoad{state.commit->target, since, false, true, state.commit->why};
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

// Whoever came while the list was on its way counts too.
void decide_again(Turn& turn) {
    State& state = turn.state;
    if (!state.next_load->is_settled && !state.commit && !state.needy.empty()) {
        state.next_load.reset();
        decide_next(turn);
    }
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
        decide_again(turn);
        if (auto const next = std::exchange(state.next_load, std::nullopt)) {
            send_load(turn, *next);
        }
        return;
    }
    request_observe(
        turn,
        state.next_load->since,
        "before loading " + state.next_load->target->model + "; " + ledger_words(state)
    );
}

}  // namespace plimsoll::core
