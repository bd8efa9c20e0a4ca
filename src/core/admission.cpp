#include "core/admission.hpp"

#include "core/demand.hpp"
#include "core/dispatch.hpp"
#include "core/failures.hpp"
#include "core/forecast.hpp"
#include "core/queue.hpp"
#include "core/victims.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr Duration kShortestRetry = std::chrono::seconds(1);
constexpr Duration kLongestRetry = std::chrono::minutes(5);
// Beyond this many waiting, looking ahead for each deadline would cost more than it saves.
constexpr std::size_t kManyToForecast = 200;

Held held_by_suspects(State const& state, Target const* except) {
    Held held(state.config);
    for (auto const& [id, instance] : state.instances) {
        if (instance.state == InstanceState::Suspect && instance.target != except) {
            held.add(state, instance);
        }
    }
    return held;
}

// Rule 5's estimate: the upstream evicts by itself when it believes that more than 80 % of what is
// free is needed.
bool is_estimate_met(State const& state, Bytes estimate, Held const& others) {
    Bytes const device = state.config.device_total.value_or(state.config.budget);
    return others.rows == 0 || core::is_estimate_met(estimate, device - others.charge);
}

bool is_room_beside(
    State const& state, Bytes charge, Bytes estimate, Held const& others, TimePoint now
) {
    return others.rows < row_limit(state, now) && is_estimate_met(state, estimate, others) &&
           is_within_budget(state.config, others, charge, estimate);
}

// What the cards have beside the others, for people: "card 1: 20.1 GiB of 22 GiB, card 2: ...".
std::string card_words(State const& state, Held const& others) {
    std::string text;
    for (std::size_t i = 0; i < state.config.cards.size(); ++i) {
        Bytes const budget = state.config.cards[i].budget;
        text += (i == 0 ? "card " : ", card ") + std::to_string(i + 1) + ": " +
                format_bytes(budget - others.cards.most[i]) + " of " + format_bytes(budget) +
                " left";
    }
    return text;
}

std::string beside_words(
    State const& state, Bytes estimate, Held const& others, std::string_view whose, TimePoint now
) {
    if (others.rows >= row_limit(state, now)) {
        return count_of(others.rows, "model") + " " + std::string(whose) +
               " and the upstream holds " + std::to_string(row_limit(state, now)) + " at most";
    }
    if (!is_estimate_met(state, estimate, others)) {
        return "the upstream believes that it needs " + format_bytes(estimate) +
               ", more than 80 % of what is left beside " + format_bytes(others.charge) + " " +
               std::string(whose);
    }
    std::string const held = format_bytes(others.charge) + " of the budget of " +
                             format_bytes(state.config.budget) + " " +
                             (others.rows == 1 ? "is " : "are ") + std::string(whose);
    return state.config.cards.empty() ? held : held + " (" + card_words(state, others) + ")";
}

std::optional<Verdict> too_large(
    State const& state, Target const& target, Demand const& demand, TimePoint now
) {
    Bytes const charge = charge_for(target, demand, now);
    if (charge > state.config.budget) {
        return Verdict{
            RefuseKind::DoesNotFit,
            std::nullopt,
            demand.model + " (" + form_words(demand) + ") needs " + format_bytes(charge) +
                ", the budget is " + format_bytes(state.config.budget) +
                "; ask for a smaller num_ctx or a smaller model, or raise the budget"
        };
    }
    Held const pins = held_by_pins(state, &target);
    Held const nothing(state.config);
    if (!place(state.config, charge, demand.upstream_estimate, nothing.cards)) {
        return Verdict{
            RefuseKind::DoesNotFit,
            std::nullopt,
            demand.model + " (" + form_words(demand) + ") needs " + format_bytes(charge) +
                ", more than the cards' budgets let the upstream place (" +
                card_words(state, nothing) + "); ask for a smaller num_ctx or a smaller model"
        };
    }
    if (!is_room_beside(state, charge, demand.upstream_estimate, pins, now)) {
        return Verdict{
            RefuseKind::DoesNotFit,
            std::nullopt,
            demand.model + " (" + form_words(demand) + ") needs " + format_bytes(charge) +
                ", but " + beside_words(state, demand.upstream_estimate, pins, "pinned", now) +
                "; unpin a model or ask for a smaller one"
        };
    }
    return std::nullopt;
}

std::optional<Verdict> stuck(
    State const& state, Target const& target, Demand const& demand, TimePoint now
) {
    Held held = held_by_suspects(state, &target);
    bool const is_itself =
        target.instance != nullptr && target.instance->state == InstanceState::Suspect;
    if (held.rows == 0 && !is_itself) {
        return std::nullopt;
    }
    Held const pins = held_by_pins(state, &target);
    held.charge += pins.charge;
    held.rows += pins.rows;
    add(held.cards.least, pins.cards.least);
    add(held.cards.most, pins.cards.most);
    Bytes const charge = charge_for(target, demand, now);
    if (!is_itself && is_room_beside(state, charge, demand.upstream_estimate, held, now)) {
        return std::nullopt;
    }
    return Verdict{
        RefuseKind::Stuck,
        retry_estimate(state, now),
        demand.model + " needs " + format_bytes(charge) + ", but " +
            (is_itself
                 ? "its earlier instance does not unload"
                 : beside_words(
                       state, demand.upstream_estimate, held, "pinned or stuck in unloads", now
                   )) +
            "; restart the upstream"
    };
}

std::optional<Verdict> over_bounds(State const& state, Ticket const& ticket, TimePoint now) {
    if (state.waiting >= state.config.queue_limit) {
        return Verdict{
            RefuseKind::QueueFull,
            retry_estimate(state, now),
            count_of(state.waiting, "request") + " already wait, the limit is " +
                std::to_string(state.config.queue_limit) +
                "; try again later or raise scheduler.queue_limit"
        };
    }
    if (state.waiting_bytes + ticket.body > state.config.queue_bytes) {
        return Verdict{
            RefuseKind::QueueFull,
            retry_estimate(state, now),
            "waiting requests hold " + format_bytes(state.waiting_bytes) + ", this one brings " +
                format_bytes(ticket.body) + " and the limit is " +
                format_bytes(state.config.queue_bytes) + "; try again later"
        };
    }
    return std::nullopt;
}

// What the queue before it will take, as the forecast has it.
std::optional<Verdict> too_late_ahead(State const& state, Ticket const& ticket, TimePoint now) {
    if (state.waiting > kManyToForecast) {
        return std::nullopt;
    }
    Duration const allowed = *ticket.deadline - now;
    // Nobody is turned away for a guess: answers of unknown length count as short.
    auto const ahead =
        forecast(state, now, ticket, {.horizon = 2 * allowed, .unknown_answer = Duration()});
    if (ahead.refusal || (ahead.wait && *ahead.wait <= allowed)) {
        return std::nullopt;
    }
    return Verdict{
        RefuseKind::Deadline,
        std::nullopt,
        "a slot of " + ticket.demand.model + " is expected in " +
            (ahead.wait ? format_duration(*ahead.wait) : "more than " + format_duration(2 * allowed)
            ) +
            ", with " + count_of(state.waiting, "request") + " waiting; the request allows " +
            format_duration(allowed) + "; allow more time or try again when less waits"
    };
}

// The least that the ticket must wait: the load of its model, or what is left of it.
std::optional<Verdict> too_late(
    State const& state, Target const& target, Ticket const& ticket, TimePoint now
) {
    if (!ticket.deadline) {
        return std::nullopt;
    }
    Duration least{};
    if (target.instance == nullptr) {
        least = ticket.demand.load_time;
    } else if (target.instance->state == InstanceState::Loading) {
        least =
            std::max(Duration{}, target.instance->since + target.instance->demand.load_time - now);
    }
    if (now + least < *ticket.deadline) {
        return too_late_ahead(state, ticket, now);
    }
    return Verdict{
        RefuseKind::Deadline,
        std::nullopt,
        "loading " + ticket.demand.model + " takes about " + format_duration(least) +
            ", the request allows " +
            format_duration(std::max(Duration{}, *ticket.deadline - now)) +
            "; allow more time or preload the model"
    };
}

std::optional<Verdict> judge(
    State const& state, Target const& target, Ticket const& ticket, TimePoint now
) {
    bool const is_served = target.instance != nullptr &&
                           target.instance->state == InstanceState::Ready &&
                           serves(target.instance->demand, ticket.demand);
    if (!is_served) {
        if (auto verdict = hopeless(state, target, ticket.demand, now)) {
            return verdict;
        }
    }
    if (auto verdict = over_bounds(state, ticket, now)) {
        return verdict;
    }
    return too_late(state, target, ticket, now);
}

}  // namespace

Held held_by_pins(State const& state, Target const* except) {
    Held held(state.config);
    for (Target const* const target : state.pinned) {
        if (!is_held_by_pin(*target) || target == except) {
            continue;
        }
        Demand const& pinned = target->pin->demand;
        Bytes const before = held.charge;
        if (target->instance != nullptr) {
            held.add(state, *target->instance);
        } else {
            auto const there =
                place(state.config, pinned.charge, pinned.upstream_estimate, held.cards);
            add(held.cards.most, there.value_or(PerCard(held.cards.most.size(), pinned.charge)));
            ++held.rows;
        }
        held.charge = std::max(held.charge, before + pinned.charge);
    }
    return held;
}

Duration retry_estimate(State const& state, TimePoint now) {
    Duration estimate{};
    if (state.loader) {
        Instance const& loading = state.instances.at(*state.loader);
        estimate += std::max(Duration{}, loading.since + loading.demand.load_time - now);
    }
    for (Target const* target : state.needy) {
        if (Demand const* const demand = leading_demand(*target)) {
            estimate += demand->load_time + demand->unload_time;
        }
    }
    // Half of the longest line: by then there is room in the queue again, if nobody else comes.
    Duration longest{};
    for (auto const& [id, instance] : state.instances) {
        auto const rounds = static_cast<Duration::rep>(
            instance.target->served_waiting / std::max<std::size_t>(1, 2 * state.config.parallel)
        );
        longest = std::max(
            longest, rounds * expected_answer(*instance.target, instance.demand, Duration())
        );
    }
    estimate += longest;
    return std::clamp(estimate, kShortestRetry, kLongestRetry);
}

std::optional<Verdict> hopeless(
    State const& state, Target const& target, Demand const& demand, TimePoint now
) {
    if (auto verdict = too_large(state, target, demand, now)) {
        return verdict;
    }
    if (auto verdict = barred(target, demand, now)) {
        return verdict;
    }
    return stuck(state, target, demand, now);
}

void admit(Turn& turn, Ticket const& ticket) {
    State& state = turn.state;
    if (state.tickets.contains(ticket.id)) {
        return;
    }
    ++state.counters.tickets;
    Target& target = target_for(state, ticket.demand.weights, ticket.demand.model);
    note_request(target.usage, turn.now);
    if (ticket.demand.form == Form::Bare) {
        target.seen_bare = ticket.demand;
    }
    if (dispatch_at_once(turn, target, ticket)) {
        return;
    }
    if (auto verdict = judge(state, target, ticket, turn.now)) {
        ++state.counters.refused;
        turn.emit(Refuse{ticket.id, verdict->kind, verdict->retry_after, std::move(verdict->reason)}
        );
        return;
    }
    enqueue(state, target, ticket, turn.now);
}

void refuse_hopeless(Turn& turn) {
    State& state = turn.state;
    if (!std::exchange(state.must_recheck, false)) {
        return;
    }
    for (auto& [weights, target] : state.targets) {
        std::vector<std::pair<TicketId, Verdict>> refused;
        for (Want const& want : target.wants) {
            bool const is_ready = want.is_served && target.instance->state == InstanceState::Ready;
            auto const verdict =
                is_ready ? std::nullopt : hopeless(state, target, want.demand, turn.now);
            if (verdict) {
                for (TicketId const id : tickets_of(want)) {
                    refused.emplace_back(id, *verdict);
                }
            }
        }
        for (auto& [id, verdict] : refused) {
            refuse(
                turn,
                state.tickets.at(id),
                verdict.kind,
                verdict.retry_after,
                std::move(verdict.reason)
            );
        }
    }
}

}  // namespace plimsoll::core
