#include "core/queue.hpp"

#include "core/demand.hpp"
#include "core/words.hpp"

#include <plimsoll/base/result.hpp>

#include <algorithm>

namespace plimsoll::core {

namespace {

std::int64_t since_epoch_us(State const& state, TimePoint at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at - *state.epoch).count();
}

Want& want_for(Target& target, Demand const& demand) {
    for (Want& want : target.wants) {
        if (is_same_key(want.demand, demand.form, demand.settings)) {
            // The latest prediction is the best informed one.
            want.demand = demand;
            return want;
        }
    }
    Want& made = target.wants.emplace_back();
    made.demand = demand;
    return made;
}

std::list<ClientQueue>::iterator client_for(Target& target, std::string const& client) {
    auto const [entry, is_new] = target.client_index.try_emplace(client);
    if (is_new) {
        entry->second = target.clients.insert(target.clients.end(), ClientQueue{client, {}});
    }
    return entry->second;
}

}  // namespace

Waiter& enqueue(State& state, Target& target, Ticket const& ticket, TimePoint now) {
    Waiter& waiter = state.tickets[ticket.id];
    waiter.ticket = ticket;
    waiter.arrived = now;
    waiter.due = now + state.config.patience.at(static_cast<std::size_t>(ticket.priority));
    waiter.target = &target;
    Want& want = want_for(target, ticket.demand);
    waiter.want = &want;
    want.due.emplace(waiter.due, ticket.id);
    want.arrived_sum_us += since_epoch_us(state, now);
    waiter.client = client_for(target, ticket.client);
    waiter.place = waiter.client->tickets.insert(waiter.client->tickets.end(), &waiter);
    if (ticket.deadline) {
        state.deadlines.emplace(*ticket.deadline, ticket.id);
    }
    ++target.waiting;
    ++state.waiting;
    waiter.position = state.waiting;
    state.waiting_bytes += ticket.body;
    refresh(state, target);
    return waiter;
}

void unlink(State& state, Waiter& waiter) {
    PLIMSOLL_ASSERT(waiter.want != nullptr);
    Target& target = *waiter.target;
    Want& want = *waiter.want;
    want.due.erase({waiter.due, waiter.ticket.id});
    want.arrived_sum_us -= since_epoch_us(state, waiter.arrived);
    if (want.due.empty()) {
        target.wants.remove_if([&](Want const& other) { return &other == &want; });
    }
    waiter.want = nullptr;
    waiter.client->tickets.erase(waiter.place);
    if (waiter.client->tickets.empty()) {
        target.client_index.erase(waiter.client->client);
        target.clients.erase(waiter.client);
    }
    if (waiter.ticket.deadline) {
        state.deadlines.erase({*waiter.ticket.deadline, waiter.ticket.id});
    }
    --target.waiting;
    --state.waiting;
    state.waiting_bytes -= waiter.ticket.body;
    refresh(state, target);
}

void refuse(
    Turn& turn,
    Waiter& waiter,
    RefuseKind kind,
    std::optional<Duration> retry_after,
    std::string reason
) {
    TicketId const id = waiter.ticket.id;
    unlink(turn.state, waiter);
    turn.state.tickets.erase(id);
    ++turn.state.counters.refused;
    turn.emit(Refuse{id, kind, retry_after, std::move(reason)});
}

namespace {

using Clients = std::list<ClientQueue>;

// The client's next ticket that the present instance serves, the higher class first; or null.
Waiter* next_of(ClientQueue const& client) {
    Waiter* next = nullptr;
    for (Waiter* const each : client.tickets) {
        bool const is_better = next == nullptr || each->ticket.priority > next->ticket.priority;
        if (each->want->is_served && is_better) {
            next = each;
            if (next->ticket.priority == Priority::High) {
                break;
            }
        }
    }
    return next;
}

// By turns over the clients, those with a ticket of a higher class first.
Waiter* next_in_turn(Clients& clients) {
    Waiter* next = nullptr;
    for (ClientQueue const& client : clients) {
        Waiter* const each = next_of(client);
        if (each != nullptr && (next == nullptr || each->ticket.priority > next->ticket.priority)) {
            next = each;
        }
    }
    return next;
}

Waiter* earliest_due(State& state, Target const& target) {
    Want const* first = nullptr;
    for (Want const& want : target.wants) {
        if (want.is_served && (first == nullptr || *want.due.begin() < *first->due.begin())) {
            first = &want;
        }
    }
    return first == nullptr ? nullptr : &state.tickets.at(first->due.begin()->second);
}

}  // namespace

Waiter& take_turn(State& state, Target& target) {
    bool const is_for_oldest = ++target.turns % kTurnsToOldest == 0;
    Waiter* const waiter =
        is_for_oldest ? earliest_due(state, target) : next_in_turn(target.clients);
    PLIMSOLL_ASSERT(waiter != nullptr);
    if (!is_for_oldest) {
        target.clients.splice(target.clients.end(), target.clients, waiter->client);
    }
    unlink(state, *waiter);
    return *waiter;
}

std::vector<TicketId> tickets_of(Want const& want) {
    std::vector<TicketId> ids;
    ids.reserve(want.due.size());
    for (auto const& [due, id] : want.due) {
        ids.push_back(id);
    }
    return ids;
}

void refuse_late(Turn& turn) {
    State& state = turn.state;
    while (!state.deadlines.empty() && state.deadlines.begin()->first <= turn.now) {
        Waiter& waiter = state.tickets.at(state.deadlines.begin()->second);
        refuse(
            turn,
            waiter,
            RefuseKind::Deadline,
            std::nullopt,
            "the request's deadline passed after " + format_duration(turn.now - waiter.arrived) +
                " in the queue for " + waiter.target->model +
                "; allow more time or try again when less waits"
        );
    }
    if (!state.deadlines.empty()) {
        turn.wake(state.deadlines.begin()->first);
    }
}

}  // namespace plimsoll::core
