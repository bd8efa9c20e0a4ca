#include "property/checker.hpp"

#include <algorithm>

namespace plimsoll::test {

using namespace core;

namespace {

[[noreturn]] void broken(std::string const& what) {
    throw InvariantBroken(what);
}

void require(bool condition, char const* what) {
    if (!condition) {
        broken(what);
    }
}

}  // namespace

std::string_view Checker::reason_of(Action const& action) {
    return std::visit(
        [](auto const& each) -> std::string_view {
            if constexpr (requires { each.reason; }) {
                return each.reason;
            } else {
                return each.text;
            }
        },
        action
    );
}

void Checker::mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 1099511628211ULL;
}

void Checker::mix(std::string const& text) {
    mix(std::hash<std::string>{}(text));
}

Checker::Where Checker::where(TicketId ticket) const {
    auto const found = tickets_.find(ticket);
    return found == tickets_.end() ? Where::Ended : found->second;
}

void Checker::before(Scheduler const& scheduler, Event const& event, TimePoint now) {
    ++events_;
    draining_before_.clear();
    for (auto const& [id, book] : loads_) {
        if (scheduler.state_of(id) == InstanceState::Draining) {
            draining_before_.insert(id);
        }
    }
    observed_now_.reset();
    take(event, now);
}

void Checker::take(Event const& event, TimePoint now) {
    mix(event.index());
    mix(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    if (auto const* arrived = std::get_if<TicketArrived>(&event)) {
        bool const is_new = tickets_.emplace(arrived->ticket.id, Where::Waiting).second;
        open_ += is_new ? 1 : 0;
        if (is_new) {
            wanted_.emplace(arrived->ticket.id, arrived->ticket.demand.weights);
        }
    } else if (auto const* cancelled = std::get_if<TicketCancelled>(&event)) {
        Where const at = where(cancelled->ticket);
        if (at != Where::Ended) {
            end(cancelled->ticket, at, "cancelled");
        }
    } else if (auto const* ended = std::get_if<TicketEnded>(&event)) {
        if (where(ended->ticket) == Where::Leased) {
            end(ended->ticket, Where::Leased, "ended");
        }
    } else if (auto const* loaded = std::get_if<LoadSucceeded>(&event)) {
        loads_[loaded->instance].is_loaded = true;
        free_loader(loaded->instance, now);
    } else if (auto const* failed = std::get_if<LoadFailed>(&event)) {
        free_loader(failed->instance, now);
    } else if (auto const* observed = std::get_if<Observed>(&event)) {
        observed_now_ = observed->asked;
    } else if (std::holds_alternative<UpstreamDown>(event)) {
        is_up_ = false;
    } else if (auto const* up = std::get_if<UpstreamUp>(&event)) {
        is_up_ = true;
        in_flight_ = up->restarted ? std::nullopt : in_flight_;
    } else {
        take_wish(event);
    }
}

void Checker::take_wish(Event const& event) {
    if (auto const* pin = std::get_if<PinSet>(&event)) {
        pinned_.insert(pin->demand.weights);
    } else if (auto const* unpin = std::get_if<PinCleared>(&event)) {
        pinned_.erase(unpin->weights);
    } else if (auto const* announced = std::get_if<UseAnnounced>(&event)) {
        std::string& weights = announced_[announced->announcement];
        if (weights != announced->demand.weights) {
            weights = announced->demand.weights;
            ++loads_ahead_[weights];
        }
    } else if (auto const* withdrawn = std::get_if<UseWithdrawn>(&event)) {
        announced_.erase(withdrawn->announcement);
    }
}

void Checker::free_loader(InstanceId instance, TimePoint now) {
    if (in_flight_ == instance) {
        in_flight_.reset();
        loader_free_since_ = now;
    }
}

void Checker::end(TicketId ticket, Where expected, char const* what) {
    if (where(ticket) != expected) {
        broken(
            "ticket " + std::to_string(static_cast<std::uint64_t>(ticket)) + " " + what +
            " in a wrong state"
        );
    }
    auto const lease = leases_.find(ticket);
    if (lease != leases_.end()) {
        --leased_[lease->second];
        leases_.erase(lease);
    }
    tickets_.erase(ticket);
    wanted_.erase(ticket);
    --open_;
}

void Checker::after(Scheduler const& scheduler, std::vector<Action> const& actions, TimePoint now) {
    for (Action const& action : actions) {
        mix(action.index());
        mix(std::string(reason_of(action)));
        require(!reason_of(action).empty(), "an action without a reason");
        check(scheduler, action, now);
    }
    forget_gone(scheduler);
    Bytes sum;
    for (auto const& [id, book] : loads_) {
        sum += book.charge;
    }
    require(
        sum <= scheduler.ledger().charged(), "the ledger holds less than the loads that were sent"
    );
    require(scheduler.counters().violations == 0, "a violation was counted");
    auto const wake = scheduler.next_wakeup();
    require(!wake || *wake > now, "next_wakeup lies in the past");
}

void Checker::check(Scheduler const& scheduler, Action const& action, TimePoint now) {
    if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
        check_dispatch(scheduler, *dispatch, now);
    } else if (auto const* refusal = std::get_if<Refuse>(&action)) {
        end(refusal->ticket, Where::Waiting, "refused");
    } else if (auto const* load = std::get_if<Load>(&action)) {
        check_load(scheduler, *load, now);
    } else if (auto const* unload = std::get_if<Unload>(&action)) {
        check_unload(*unload);
        auto const book = loads_.find(unload->instance);
        if (book != loads_.end()) {
            book->second.is_unloaded = true;
        }
    } else if (auto const* abort = std::get_if<AbortLoad>(&action)) {
        require(in_flight_ == abort->instance, "aborted a load that is not in flight");
    }
}

void Checker::check_dispatch(Scheduler const& scheduler, Dispatch const& dispatch, TimePoint now) {
    auto const found = tickets_.find(dispatch.ticket);
    require(
        found != tickets_.end() && found->second == Where::Waiting,
        "dispatched a ticket that does not wait"
    );
    auto const state = scheduler.state_of(dispatch.instance);
    require(
        state == InstanceState::Ready || state == InstanceState::Draining,
        "dispatched to an instance that is not ready"
    );
    auto const book = loads_.find(dispatch.instance);
    require(
        book == loads_.end() || !book->second.is_unloaded,
        "dispatched to an instance that was told to unload"
    );
    if (draining_before_.contains(dispatch.instance) && state == InstanceState::Draining) {
        // It may have been given back and taken again within the turn.
        for (InstanceView const& view : scheduler.snapshot(now).instances) {
            require(
                view.id != dispatch.instance || view.since == now,
                "dispatched to a draining instance"
            );
        }
    }
    require(dispatch.form != Form::Unknown, "dispatched to an instance of unknown form");
    require(is_up_, "dispatched while the upstream is down");
    found->second = Where::Leased;
    wanted_.erase(dispatch.ticket);
    leases_[dispatch.ticket] = dispatch.instance;
    require(
        ++leased_[dispatch.instance] <= scheduler.config().parallel ||
            scheduler.config().parallel == 0,
        "more leases than slots"
    );
}

bool Checker::is_wanted(std::string const& weights) const {
    return pinned_.contains(weights) ||
           std::ranges::any_of(wanted_, [&](auto const& entry) { return entry.second == weights; });
}

// Rule 19: once for an announcement, and not while somebody waits for a load.
void Checker::check_ahead(Scheduler const& scheduler, Load const& load, TimePoint now) {
    require(
        std::ranges::any_of(
            announced_, [&](auto const& entry) { return entry.second == load.demand.weights; }
        ),
        "a load that nobody wants"
    );
    require(--loads_ahead_[load.demand.weights] >= 0, "more loads ahead than announcements");
    std::unordered_set<std::string> present;
    for (InstanceView const& view : scheduler.snapshot(now).instances) {
        present.insert(view.weights);
    }
    for (auto const& [id, weights] : wanted_) {
        require(present.contains(weights), "a load ahead while a ticket waits for one");
    }
}

void Checker::check_load(Scheduler const& scheduler, Load const& load, TimePoint now) {
    if (!is_wanted(load.demand.weights)) {
        check_ahead(scheduler, load, now);
    }
    require(!in_flight_, "two loads in flight");
    require(is_up_, "a load while the upstream is down");
    require(
        observed_now_ && *observed_now_ >= loader_free_since_,
        "a load without a list asked for after the decision"
    );
    Bytes sum = load.demand.charge;
    for (auto const& [id, book] : loads_) {
        sum += scheduler.state_of(id) ? book.charge : Bytes();
    }
    require(
        sum <= scheduler.config().budget, "a load started over the budget, by the checker's own sum"
    );
    require(
        scheduler.ledger().charged() <= scheduler.ledger().budget(),
        "a load started while over the budget"
    );
    loads_[load.instance] = Book{load.demand.charge, false, false};
    in_flight_ = load.instance;
}

void Checker::check_unload(Unload const& unload) const {
    auto const leased = leased_.find(unload.instance);
    require(leased == leased_.end() || leased->second == 0, "unloaded an instance with leases");
    require(in_flight_ != unload.instance, "unloaded an instance that is loading");
}

void Checker::forget_gone(Scheduler const& scheduler) {
    std::erase_if(loads_, [&](auto const& entry) { return !scheduler.state_of(entry.first); });
    std::erase_if(leased_, [&](auto const& entry) { return entry.second == 0; });
}

void Checker::compare_all(Scheduler const& scheduler, TimePoint now) const {
    Snapshot const snapshot = scheduler.snapshot(now);
    Bytes sum;
    std::unordered_set<std::string> weights;
    for (InstanceView const& view : snapshot.instances) {
        sum += view.charge;
        require(weights.insert(view.weights).second, "two instances of the same weights");
        auto const leased = leased_.find(view.id);
        require(
            view.leases == (leased == leased_.end() ? 0 : leased->second), "lease counts differ"
        );
        require(
            view.leases == 0 || view.state == InstanceState::Ready ||
                view.state == InstanceState::Draining,
            "leases on an instance that is not ready"
        );
    }
    require(sum == snapshot.charged, "the ledger's sum is not the sum of its charges");
    std::size_t waiting = 0;
    for (auto const& [id, at] : tickets_) {
        waiting += at == Where::Waiting ? 1 : 0;
    }
    require(waiting == snapshot.waiting.size(), "waiting tickets were lost or invented");
    for (WaitingView const& view : snapshot.waiting) {
        require(
            where(view.id) == Where::Waiting, "a ticket that does not wait is listed as waiting"
        );
    }
}

}  // namespace plimsoll::test
