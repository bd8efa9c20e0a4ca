#include "property/bound_world.hpp"

#include <algorithm>

namespace plimsoll::test {

using namespace plimsoll::core;

namespace {

SchedulerConfig config_for(Rng& rng) {
    SchedulerConfig config;
    config.budget = gibibytes(16 + rng.below(24));
    config.max_loaded_models = 2 + rng.below(4);
    config.parallel = 1 + rng.below(3);
    config.quantum_factor = rng.between(4, 12);
    return config;
}

std::size_t index_of(std::uint64_t subject) {
    return static_cast<std::size_t>(subject);
}

}  // namespace

BoundWorld::BoundWorld(std::uint64_t seed, Duration length)
    : seed_(seed), rng_(seed), length_(length), config_(config_for(rng_)), scheduler_(config_) {
    draw_models();
    draw_adversaries();
}

void BoundWorld::draw_models() {
    std::size_t const count = 2 + rng_.below(6);
    bool const is_any_failing = rng_.chance(0.3);
    for (std::size_t i = 0; i < count; ++i) {
        Model model;
        double const gib = rng_.between(0.5, 15);
        model.load = rng_.seconds(0.5, 1 + gib);
        model.unload = rng_.seconds(0.05, 1.5);
        model.answer = rng_.seconds(0.2, 20);
        model.fails = is_any_failing && rng_.chance(0.3) ? 0.2 : 0;
        // Every third one is another setting of the one before.
        bool const is_sibling = i % 3 == 2;
        model.demand.weights = is_sibling ? models_.back().demand.weights : "w" + std::to_string(i);
        model.demand.model = model.demand.weights;
        model.demand.settings.num_ctx = is_sibling ? 16384 : 4096;
        model.demand.charge = Bytes(static_cast<std::uint64_t>(gib * 1073741824.0));
        // What the scheduler expects is off by some of it.
        model.demand.load_time = from_seconds(to_seconds(model.load) * rng_.between(0.7, 1.3));
        model.demand.unload_time = from_seconds(to_seconds(model.unload) * rng_.between(0.7, 1.3));
        models_.push_back(model);
    }
}

void BoundWorld::draw_adversaries() {
    std::size_t const count = 1 + rng_.below(6);
    for (std::size_t i = 0; i < count; ++i) {
        Adversary one;
        one.model = rng_.below(models_.size());
        one.client = "c" + std::to_string(rng_.below(count));
        one.is_closed = rng_.chance(0.7);
        // Overlapping streams, and now and then a crowd.
        one.at_once = rng_.chance(0.1) ? 5 + rng_.below(20) : 1 + rng_.below(3);
        one.think =
            one.is_closed ? rng_.seconds(0, rng_.chance(0.5) ? 0.2 : 20) : rng_.seconds(10, 300);
        one.leaves = rng_.chance(0.25) ? 0.5 : 0;
        one.priority = rng_.chance(0.8)   ? Priority::Normal
                       : rng_.chance(0.5) ? Priority::High
                                          : Priority::Low;
        adversaries_.push_back(one);
    }
}

void BoundWorld::plan(Duration in, Kind kind, std::uint64_t subject) {
    queue_.push({.at = now_ + in, .sequence = ++sequence_, .kind = kind, .subject = subject});
}

void BoundWorld::note_bound() {
    if (waiting_.empty()) {
        return;
    }
    auto const bound = scheduler_.bound(now_);
    for (auto& [id, waiting] : waiting_) {
        waiting.bound =
            bound && waiting.bound ? std::optional(std::max(*bound, *waiting.bound)) : std::nullopt;
    }
}

void BoundWorld::tell(Event const& event) {
    ++report_.events;
    auto const actions = scheduler_.on(event, now_);
    // Whoever is dispatched in this turn was promised before it.
    for (Action const& action : actions) {
        carry_out(action);
    }
    note_bound();
    while (!told_.empty()) {
        Event const next = std::move(told_.front());
        told_.erase(told_.begin());
        tell(next);
    }
}

void BoundWorld::dispatched(Dispatch const& dispatch) {
    auto const found = waiting_.find(dispatch.ticket);
    ++report_.dispatched;
    Waiting const waiting = found->second;
    waiting_.erase(found);
    answering_[dispatch.ticket] = waiting.adversary;
    plan(
        from_seconds(
            to_seconds(models_[adversaries_[waiting.adversary].model].answer) *
            rng_.between(0.3, 1.7)
        ),
        Kind::Ends,
        static_cast<std::uint64_t>(dispatch.ticket)
    );
    report_.longest_wait = std::max(report_.longest_wait, dispatch.waited);
    if (!waiting.bound || dispatch.waited == Duration{}) {
        return;
    }
    ++report_.promised;
    double const share = to_seconds(dispatch.waited) / to_seconds(*waiting.bound);
    report_.closest = std::max(report_.closest, share);
    if (share > 1) {
        throw InvariantBroken(
            "seed " + std::to_string(seed_) + ", " + format_duration(now_ - TimePoint()) +
            ": a ticket waited " + format_duration(dispatch.waited) + ", promised were " +
            format_duration(*waiting.bound)
        );
    }
}

void BoundWorld::start_load(Load const& load) {
    load_ = load;
    for (Model const& model : models_) {
        if (model.demand.weights == load.demand.weights &&
            model.demand.settings == load.demand.settings) {
            plan(
                from_seconds(to_seconds(model.load) * rng_.between(0.8, 1.25)),
                Kind::LoadEnds,
                static_cast<std::uint64_t>(load.instance)
            );
            return;
        }
    }
}

void BoundWorld::carry_out(Action const& action) {
    if (auto const* load = std::get_if<Load>(&action)) {
        start_load(*load);
    } else if (auto const* abort = std::get_if<AbortLoad>(&action)) {
        load_.reset();
        told_.emplace_back(LoadFailed{abort->instance, LoadFailure::Aborted, ""});
    } else if (auto const* unload = std::get_if<Unload>(&action)) {
        auto const& demand = rows_.at(unload->instance);
        plan(
            from_seconds(to_seconds(demand.unload_time) * rng_.between(0.8, 1.25)),
            Kind::RowGoes,
            static_cast<std::uint64_t>(unload->instance)
        );
    } else if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
        dispatched(*dispatch);
    } else if (auto const* refuse = std::get_if<Refuse>(&action)) {
        auto const found = waiting_.find(refuse->ticket);
        std::size_t const whose = found->second.adversary;
        waiting_.erase(found);
        again(whose);
    } else if (std::holds_alternative<Observe>(action)) {
        is_list_wanted_ = true;
        start_list();
    }
}

void BoundWorld::start_list() {
    if (!list_asked_ && is_list_wanted_) {
        is_list_wanted_ = false;
        list_asked_ = now_;
        plan(rng_.seconds(0.001, 0.01), Kind::ListComes, 0);
    }
}

void BoundWorld::show_list() {
    Observed observed;
    observed.asked = *list_asked_;
    list_asked_.reset();
    for (auto const& [id, demand] : rows_) {
        Row row;
        row.weights = demand.weights;
        row.model = demand.model;
        row.size = demand.charge;
        row.size_vram = demand.charge;
        row.num_ctx = demand.settings.num_ctx;
        row.predicted = demand.charge;
        observed.rows.push_back(std::move(row));
    }
    start_list();
    tell(observed);
}

// A closed loop goes on after its thought; the others ask by their own clock.
void BoundWorld::again(std::size_t adversary) {
    if (adversaries_[adversary].is_closed) {
        plan(adversaries_[adversary].think, Kind::Asks, adversary + (std::uint64_t{1} << 32U));
    }
}

void BoundWorld::ask(std::size_t adversary) {
    Adversary const& one = adversaries_[adversary];
    TicketId const id{++last_ticket_};
    waiting_[id] = Waiting{.adversary = adversary, .arrived = now_};
    Ticket ticket;
    ticket.id = id;
    ticket.client = one.client;
    ticket.priority = one.priority;
    ticket.demand = models_[one.model].demand;
    if (rng_.chance(one.leaves)) {
        plan(rng_.seconds(0.1, 30), Kind::Leaves, static_cast<std::uint64_t>(id));
    }
    tell(TicketArrived{ticket});
}

void BoundWorld::end(TicketId ticket) {
    auto const found = answering_.find(ticket);
    if (found == answering_.end()) {
        return;
    }
    std::size_t const whose = found->second;
    answering_.erase(found);
    tell(TicketEnded{ticket, TicketOutcome::Done});
    again(whose);
}

void BoundWorld::end_load() {
    Load const load = *load_;
    load_.reset();
    double fails = 0;
    for (Model const& model : models_) {
        fails = model.demand.weights == load.demand.weights ? std::max(fails, model.fails) : fails;
    }
    if (rng_.chance(fails)) {
        tell(LoadFailed{load.instance, LoadFailure::Refused, "exit status 1"});
        return;
    }
    rows_[load.instance] = load.demand;
    tell(LoadSucceeded{
        load.instance, load.demand.charge, load.demand.charge, load.demand.settings.num_ctx, {}, {}
    });
}

void BoundWorld::operate() {
    plan(rng_.seconds(60, 600), Kind::Operates, 0);
    Model const& model = models_[rng_.below(models_.size())];
    if (rng_.chance(0.5)) {
        tell(PinCleared{model.demand.weights});
    } else if (model.demand.charge < Bytes(config_.budget.count() / 4)) {
        tell(PinSet{model.demand, "operator", now_ + rng_.seconds(10, 900)});
    }
}

void BoundWorld::announce() {
    plan(rng_.seconds(1, 60), Kind::Announces, 0);
    Model const& model = models_[rng_.below(models_.size())];
    AnnouncementId const id{++last_announcement_};
    plan(rng_.seconds(1, 300), Kind::Withdraws, last_announcement_);
    tell(UseAnnounced{id, model.demand, now_ + rng_.seconds(0, 120)});
}

void BoundWorld::happen(Happening const& happening) {
    switch (happening.kind) {
        case Kind::Asks: {
            // Above the index: one of a closed loop, which asks for itself alone.
            bool const is_repeated = happening.subject >> 32U != 0;
            std::size_t const adversary = index_of(happening.subject & 0xffffffffU);
            Adversary const& one = adversaries_[adversary];
            for (std::size_t i = 0; i < (is_repeated ? 1 : one.at_once); ++i) {
                ask(adversary);
            }
            if (!one.is_closed) {
                plan(
                    from_seconds(to_seconds(one.think) * rng_.between(0.2, 1.8)),
                    Kind::Asks,
                    adversary
                );
            }
            return;
        }
        case Kind::Leaves: {
            TicketId const id{happening.subject};
            bool const is_open = waiting_.contains(id) || answering_.contains(id);
            if (is_open) {
                std::size_t const whose =
                    waiting_.contains(id) ? waiting_.at(id).adversary : answering_.at(id);
                waiting_.erase(id);
                answering_.erase(id);
                tell(TicketCancelled{id});
                again(whose);
            }
            return;
        }
        case Kind::Ends:
            return end(TicketId{happening.subject});
        case Kind::LoadEnds:
            if (load_ && load_->instance == InstanceId{happening.subject}) {
                end_load();
            }
            return;
        case Kind::RowGoes:
            rows_.erase(InstanceId{happening.subject});
            is_list_wanted_ = true;
            return start_list();
        case Kind::ListComes:
            return show_list();
        case Kind::Operates:
            return operate();
        case Kind::Announces:
            return announce();
        case Kind::Withdraws:
            return tell(UseWithdrawn{AnnouncementId{happening.subject}});
    }
}

BoundReport BoundWorld::run() {
    for (std::size_t i = 0; i < adversaries_.size(); ++i) {
        plan(rng_.seconds(0, 30), Kind::Asks, i);
    }
    if (rng_.chance(0.3)) {
        plan(rng_.seconds(1, 60), Kind::Operates, 0);
    }
    if (rng_.chance(0.5)) {
        plan(rng_.seconds(1, 60), Kind::Announces, 0);
    }
    TimePoint const end = now_ + length_;
    while (now_ < end) {
        auto const wakeup = scheduler_.next_wakeup();
        bool const is_wakeup = wakeup && (queue_.empty() || *wakeup < queue_.top().at);
        if (!is_wakeup && queue_.empty()) {
            break;
        }
        now_ = std::max(now_, is_wakeup ? *wakeup : queue_.top().at);
        if (is_wakeup) {
            tell(TimePassed{});
            continue;
        }
        Happening const next = queue_.top();
        queue_.pop();
        happen(next);
    }
    report_.counters = scheduler_.counters();
    return report_;
}

}  // namespace plimsoll::test
