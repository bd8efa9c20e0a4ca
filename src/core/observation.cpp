#include "core/observation.hpp"

#include "core/failures.hpp"
#include "core/keep_alive.hpp"
#include "core/unloading.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::core {

namespace {

constexpr Duration kListTimeout = std::chrono::seconds(2);
// A list may show a state that is some seconds old, so that a young instance is not in it yet.
constexpr Duration kListLag = std::chrono::seconds(6);
constexpr Duration kConfirmAfter = std::chrono::milliseconds(1);
constexpr Duration kRowLimitFor = std::chrono::hours(1);
constexpr std::uint64_t kPlacedTolerance = 64;  // of a card
constexpr Duration kDoubtFor = std::chrono::hours(1);

Demand demand_of(Row const& row, Target const& target) {
    Demand demand;
    if (!target.wants.empty()) {
        demand = target.wants.front().demand;  // for the expected times
    }
    demand.weights = row.weights;
    demand.model = row.model;
    demand.form = row.known_form.value_or(Form::Unknown);
    demand.settings = row.known_settings.value_or(RunnerSettings{row.num_ctx, 0, {}});
    demand.charge = row.predicted;
    demand.upstream_estimate = Bytes();
    return demand;
}

// A list asked for then may show what this target had in memory before.
bool may_show_predecessor(Target const& target, TimePoint asked) {
    return target.left_at && asked - *target.left_at <= kListLag;
}

// Lists of this upstream lag, or leave rows out: from now on the absence of a young row is no
// proof, since two lists in a row may be older than its load.
void doubt_lists(Turn& turn, std::string const& what) {
    State& state = turn.state;
    bool const is_news = turn.now >= state.lists_doubted_until;
    state.lists_doubted_until = turn.now + kDoubtFor;
    if (is_news) {
        turn.notice(
            Notice::Level::Warning,
            "the upstream's list " + what + ": for " + format_duration(kDoubtFor) +
                " none proves that a model is gone that was loaded less than " +
                format_duration(kListLag) + " before"
        );
    }
}

void announce_adopted(Turn& turn, Instance const& instance) {
    turn.notice(
        instance.is_foreign ? Notice::Level::Warning : Notice::Level::Info,
        (instance.is_foreign ? "found a row that Plimsoll did not load: " : "took over ") +
            name_with_charge(turn.state, instance) + "; " + ledger_words(turn.state)
    );
}

void adopt(Turn& turn, Row const& row, TimePoint asked) {
    State& state = turn.state;
    Target& target = target_for(state, row.weights, row.model);
    InstanceId const id{++state.last_instance};
    Instance& instance = state.instances[id];
    instance.id = id;
    instance.target = &target;
    instance.demand = demand_of(row, target);
    instance.is_foreign = !row.known_form;
    instance.is_echo = instance.is_foreign && may_show_predecessor(target, asked);
    instance.is_proven = true;
    instance.loaded_at = turn.now;
    instance.last_used = turn.now;
    set_state(instance, InstanceState::Ready, turn.now);
    target.instance = &instance;
    state.ledger.impose(id, row.predicted);
    note_measured(turn, instance, row.size, row.size_vram);
    state.ledger.place(id, row.cards, false);
    refresh(state, target);
    if (!instance.is_echo) {
        announce_adopted(turn, instance);
    }
}

// The row of a load that was given up, or that failed as far as we were told.
void note_late_row(Turn& turn, Instance& instance) {
    if (!instance.failure) {
        return;  // still to be answered
    }
    State& state = turn.state;
    if (*instance.failure != LoadFailure::Aborted) {
        send_unload(
            turn,
            instance,
            "unload " + name_with_charge(state, instance) + ": listed although its load failed"
        );
        return;
    }
    instance.failure.reset();
    instance.loaded_at = turn.now;
    instance.last_used = turn.now;
    set_state(instance, InstanceState::Ready, turn.now);
    if (instance.target->waiting == 0 && !instance.target->pin) {
        drop_wishes(*instance.target);
    }
    refresh(state, *instance.target);
}

void note_row(Turn& turn, Instance& instance, Row const& row, TimePoint asked) {
    bool const is_evidence = asked >= instance.unload_sent;
    if (instance.missing != 0 && !instance.failure && is_evidence) {
        doubt_lists(turn, "shows " + row.model + ", which one before lacked");
    }
    switch (instance.state) {
        case InstanceState::Loading:
            return;  // a list that lags shows its predecessor
        case InstanceState::Aborting:
            instance.missing = 0;
            note_late_row(turn, instance);
            return;
        case InstanceState::Ready:
        case InstanceState::Draining:
            instance.missing = 0;
            instance.is_proven =
                instance.is_proven || !may_show_predecessor(*instance.target, asked);
            if (std::exchange(instance.is_echo, false)) {
                announce_adopted(turn, instance);
            }
            note_measured(turn, instance, row.size, row.size_vram);
            return;
        case InstanceState::Unloading:
        case InstanceState::Suspect:
            instance.missing = is_evidence ? 0 : instance.missing;
            return;
    }
}

// Whether its absence from a list asked for then says anything.
bool is_absence_evidence(Turn const& turn, Instance const& instance, TimePoint asked) {
    bool const is_old = asked - instance.loaded_at > kListLag;
    bool const is_doubted = turn.now < turn.state.lists_doubted_until;
    switch (instance.state) {
        case InstanceState::Ready:
        case InstanceState::Draining:
            return is_old || instance.is_echo;
        case InstanceState::Unloading:
        case InstanceState::Suspect:
            return asked >= instance.unload_sent && (is_old || (instance.is_proven && !is_doubted));
        default:  // a load says nothing before it has failed
            return instance.failure && asked >= instance.since;
    }
}

// When the next list that lacks the row counts. One list may omit a row, so one more has to confirm
// it; and a runner that dies after a failed load is in no list for a while, so there the first of
// those two comes a grace later.
TimePoint next_evidence_at(State const& state, Instance const& instance) {
    bool const waits_for_grace = instance.leaves_slowly && instance.missing == 1;
    return instance.missing_last +
           (waits_for_grace ? state.config.aborted_load_grace : kConfirmAfter);
}

bool is_confirmed_gone(Instance const& instance) {
    return instance.missing >= (instance.leaves_slowly ? 3U : 2U);
}

// It left without our doing: the upstream evicted it, its runner died, or somebody unloaded it.
void note_vanished(Turn& turn, Instance const& instance) {
    State& state = turn.state;
    bool const was_evicted = state.loader && !instance.is_foreign &&
                             find_instance(state, *state.loader)->since <= instance.missing_since;
    if (was_evicted) {  // the load is an instance, too
        state.row_limit_seen = state.instances.size() - 1;
        state.row_limit_until = turn.now + kRowLimitFor;
        state.must_recheck = true;
    }
    turn.notice(
        Notice::Level::Warning,
        name_with_charge(state, instance) + " left the upstream's list by itself, " +
            use_words(instance, turn.now) +
            (was_evicted ? "; a load of ours was in flight, so the upstream is held to hold " +
                               count_of(state.row_limit_seen, "model") + " at most for an hour"
                         : "")
    );
}

void note_missing(Turn& turn, Instance& instance, TimePoint asked) {
    State& state = turn.state;
    if (!is_absence_evidence(turn, instance, asked)) {
        bool const is_there =
            instance.state == InstanceState::Ready || instance.state == InstanceState::Draining;
        if (is_there && asked >= instance.loaded_at) {
            doubt_lists(turn, "lacks " + instance.demand.model + ", which has just been loaded");
        }
        return;
    }
    if (instance.missing == 0) {
        instance.missing_since = asked;
    } else if (asked < next_evidence_at(state, instance)) {
        return;
    }
    ++instance.missing;
    instance.missing_last = asked;
    if (!is_confirmed_gone(instance)) {
        return;
    }
    bool const was_there =
        instance.state == InstanceState::Ready || instance.state == InstanceState::Draining;
    if (instance.state == InstanceState::Unloading) {
        Duration const took = turn.now - instance.unload_sent;
        state.pace.unload_excess.note(took - instance.demand.unload_time, turn.now);
    }
    if (was_there && instance.is_echo) {
        doubt_lists(turn, "showed " + instance.demand.model + ", which had left");
    } else if (was_there) {
        note_vanished(turn, instance);
    }
    forget_instance(state, instance, turn.now);
}

}  // namespace

void request_observe(Turn& turn, TimePoint since, std::string reason) {
    State& state = turn.state;
    bool const is_coming = state.observe_asked && *state.observe_asked >= since &&
                           turn.now - *state.observe_asked < kListTimeout;
    if (!state.is_up || is_coming) {
        return;
    }
    state.observe_asked = turn.now;
    turn.emit(Observe{std::move(reason)});
}

void observe(Turn& turn, std::vector<Row> const& rows, TimePoint asked) {
    State& state = turn.state;
    if (asked < state.last_asked) {
        return;  // overtaken by a newer list
    }
    state.last_asked = asked;
    state.pace.list.note(turn.now - asked, turn.now);
    turn.observed = asked;
    if (state.observe_asked && asked >= *state.observe_asked) {
        state.observe_asked.reset();
    }
    std::vector<InstanceId> listed;
    for (Row const& row : rows) {
        Target const* const target = find_target(state, row.weights);
        if (target == nullptr || target->instance == nullptr) {
            adopt(turn, row, asked);
        } else {
            note_row(turn, *target->instance, row, asked);
        }
        listed.push_back(find_target(state, row.weights)->instance->id);
    }
    std::vector<Instance*> absent;
    for (auto& [id, instance] : state.instances) {
        if (std::ranges::find(listed, id) == listed.end()) {
            absent.push_back(&instance);
        }
    }
    for (Instance* const instance : absent) {
        note_missing(turn, *instance, asked);
    }
}

void note_measured(Turn& turn, Instance& instance, Bytes size, Bytes size_vram) {
    State& state = turn.state;
    Target& target = *instance.target;
    instance.size_vram = size_vram;
    instance.measured_before = instance.measured;
    instance.measured = size_vram.is_zero() ? size : size_vram;
    Bytes const charge =
        std::max({instance.demand.charge, instance.measured, instance.measured_before});
    Bytes const agreed = std::min(instance.measured, instance.measured_before);
    Bytes const before = state.ledger.charge_of(instance.id);
    if (!instance.is_foreign && agreed > instance.demand.charge) {
        raise_charge(target, instance.demand, agreed, turn.now);
        state.must_recheck = true;
    }
    if (charge == before) {
        return;
    }
    state.ledger.impose(instance.id, charge);
    if (charge > before && !before.is_zero()) {
        turn.notice(
            Notice::Level::Warning,
            instance.demand.model + " measures " + format_bytes(instance.measured) +
                ", more than the " + format_bytes(before) + " charged; charged in full now, " +
                ledger_words(state)
        );
    }
}

// The parts of a charge, which has margins, are not known to the byte: a little above what was
// reserved is no reason to unload what has just been loaded.
void note_placed(Turn& turn, Placed const& event) {
    State& state = turn.state;
    PerCard most = event.most;
    PerCard const reserved = state.ledger.cards_of(event.instance);
    for (std::size_t i = 0; i < std::min(most.size(), reserved.size()); ++i) {
        Bytes const tolerance(state.config.cards[i].total.count() / kPlacedTolerance);
        if (most[i] <= reserved[i] + tolerance) {
            most[i] = std::min(most[i], reserved[i]);
        }
    }
    state.ledger.place(event.instance, most, event.is_certain);
    state.must_recheck = true;
}

void watch_lists(Turn& turn) {
    State& state = turn.state;
    for (auto const& [id, instance] : state.instances) {
        bool const is_aborting = instance.state == InstanceState::Aborting && instance.failure;
        if (instance.missing == 0 && !is_aborting && !instance.is_echo) {
            continue;
        }
        TimePoint const at = instance.missing != 0 ? next_evidence_at(state, instance)
                             : instance.is_echo    ? instance.since + kConfirmAfter
                                                   : instance.since;
        if (turn.now >= at) {
            request_observe(
                turn,
                at,
                "to confirm that " + instance.demand.model + " is gone; " + ledger_words(state)
            );
        }
        turn.wake(at);
    }
    if (state.observe_asked) {
        TimePoint const again = *state.observe_asked + kListTimeout;
        if (turn.now >= again) {
            request_observe(turn, again, "no list came within " + format_duration(kListTimeout));
        }
        turn.wake(*state.observe_asked + kListTimeout);
    }
}

void forget_all(Turn& turn) {
    State& state = turn.state;
    while (!state.instances.empty()) {
        forget_instance(state, state.instances.begin()->second, turn.now);
    }
    state.loader.reset();
    state.row_limit_until = TimePoint();
}

}  // namespace plimsoll::core
