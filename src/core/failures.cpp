#include "core/failures.hpp"

#include "core/demand.hpp"
#include "core/queue.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr Duration kRaisedFor = std::chrono::hours(1);
constexpr Duration kFirstBackoff = std::chrono::milliseconds(500);
constexpr Duration kLastBackoff = std::chrono::seconds(8);
constexpr unsigned kLostConnectionsMeanFailure = 3;

// What is old goes first: clients choose the settings, so there is no natural end to their number,
// and one who fails once a week is not to be barred for ever longer.
KeyRecord& record_for(Target& target, Demand const& demand, TimePoint now) {
    std::erase_if(target.keys, [now](KeyRecord const& key) { return now >= key.forgotten_at; });
    TimePoint const later = now + kRaisedFor;
    for (KeyRecord& key : target.keys) {
        if (is_same_key(demand, key.form, key.settings)) {
            key.forgotten_at = std::max(key.forgotten_at, later);
            return key;
        }
    }
    KeyRecord& made = target.keys.emplace_back();
    made.form = demand.form;
    made.settings = demand.settings;
    made.forgotten_at = later;
    return made;
}

Duration bar_length(SchedulerConfig const& config, unsigned failures) {
    Duration length = config.bar_first;
    for (unsigned i = 1; i < failures && length < config.bar_last; ++i) {
        length *= 2;
    }
    return std::min(length, config.bar_last);
}

// All that the failed load would have served; a ticket that asked for less memory than what failed
// may still try.
void answer_waiters(
    Turn& turn,
    Target& target,
    Demand const& demand,
    RefuseKind kind,
    std::string const& reason,
    std::optional<Duration> retry
) {
    bool const spares_smaller = kind == RefuseKind::OutOfMemory;
    std::vector<TicketId> answered;
    for (Want const& want : target.wants) {
        bool const is_concerned = serves(demand, want.demand) || kind == RefuseKind::NotFound;
        bool const is_spared = spares_smaller && want.demand.charge < demand.charge &&
                               !is_same_key(want.demand, demand.form, demand.settings);
        if (is_concerned && !is_spared) {
            std::ranges::copy(tickets_of(want), std::back_inserter(answered));
        }
    }
    for (TicketId const id : answered) {
        refuse(turn, turn.state.tickets.at(id), kind, retry, reason);
    }
}

void bar(
    Turn& turn,
    Target& target,
    Demand const& demand,
    RefuseKind kind,
    std::string const& what,
    std::string const& text
) {
    KeyRecord& key = record_for(target, demand, turn.now);
    ++key.failures;
    key.text = text;
    Duration const length = bar_length(turn.state.config, key.failures);
    key.barred_until = turn.now + length;
    key.forgotten_at = key.barred_until + kRaisedFor;
    std::string const reason = "loading " + demand.model + " (" + form_words(demand) +
                               ") failed: " + what + (text.empty() ? "" : ": " + text) +
                               "; not tried again for " + format_duration(length);
    turn.notice(Notice::Level::Warning, reason);
    answer_waiters(turn, target, demand, kind, reason, length);
}

void retry_larger(Turn& turn, Target& target, Demand const& demand) {
    KeyRecord& key = record_for(target, demand, turn.now);
    key.was_retried = true;
    Bytes const larger = demand.charge + Bytes(demand.charge.count() / 10);
    raise_charge(target, demand, larger, turn.now);
    turn.state.must_recheck = true;
    turn.notice(
        Notice::Level::Warning,
        "loading " + demand.model + " ran out of memory with " + format_bytes(demand.charge) +
            " charged; trying once more with " + format_bytes(larger)
    );
}

void back_off(Turn& turn, Demand const& demand) {
    State& state = turn.state;
    state.busy_backoff = std::clamp(state.busy_backoff * 2, kFirstBackoff, kLastBackoff);
    state.busy_until = turn.now + state.busy_backoff;
    turn.notice(
        Notice::Level::Warning,
        "the upstream is too busy to load " + demand.model + "; asking again in " +
            format_duration(state.busy_backoff)
    );
}

}  // namespace

std::optional<Verdict> barred(Target const& target, Demand const& demand, TimePoint now) {
    for (KeyRecord const& key : target.keys) {
        if (now < key.barred_until && is_same_key(demand, key.form, key.settings)) {
            Duration const left = key.barred_until - now;
            return Verdict{
                RefuseKind::Barred,
                left,
                demand.model + " (" + form_words(demand) + ") failed to load " +
                    count_of(key.failures, "time") +
                    (key.text.empty() ? "" : " (" + key.text + ")") + "; it is tried again in " +
                    format_duration(left)
            };
        }
    }
    return std::nullopt;
}

void raise_charge(Target& target, Demand const& demand, Bytes charge, TimePoint now) {
    KeyRecord& key = record_for(target, demand, now);
    key.raised = std::max(charge, now < key.raised_until ? key.raised : Bytes());
    key.raised_until = now + kRaisedFor;
}

void note_load_success(Target& target, Demand const& demand) {
    for (KeyRecord& key : target.keys) {
        if (is_same_key(demand, key.form, key.settings)) {
            key.failures = 0;
            key.lost_connections = 0;
            key.was_retried = false;
        }
    }
}

void note_load_failure(
    Turn& turn, Target& target, Demand const& demand, LoadFailure failure, std::string const& text
) {
    switch (failure) {
        case LoadFailure::OutOfMemory:
            if (!record_for(target, demand, turn.now).was_retried) {
                retry_larger(turn, target, demand);
            } else {
                bar(turn,
                    target,
                    demand,
                    RefuseKind::OutOfMemory,
                    "out of memory with " + format_bytes(demand.charge) + " charged",
                    text);
            }
            return;
        case LoadFailure::NotFound:
            answer_waiters(
                turn,
                target,
                demand,
                RefuseKind::NotFound,
                "the upstream does not have " + demand.model + (text.empty() ? "" : ": " + text) +
                    "; pull it first",
                std::nullopt
            );
            return;
        case LoadFailure::Timeout:
            bar(turn,
                target,
                demand,
                RefuseKind::LoadFailed,
                "no progress within the time limit",
                text);
            return;
        case LoadFailure::Refused:
            bar(turn, target, demand, RefuseKind::LoadFailed, "the upstream refused", text);
            return;
        case LoadFailure::Busy:
            back_off(turn, demand);
            return;
        case LoadFailure::UpstreamDown:
            // The tickets wait for the upstream to come back; but a load that kills it each time
            // must end somewhere.
            if (++record_for(target, demand, turn.now).lost_connections >=
                kLostConnectionsMeanFailure) {
                record_for(target, demand, turn.now).lost_connections = 0;
                bar(turn,
                    target,
                    demand,
                    RefuseKind::LoadFailed,
                    "the upstream's connection broke each time",
                    text);
            }
            return;
        case LoadFailure::Aborted:
            return;
    }
}

}  // namespace plimsoll::core
