#include "property/world.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

namespace plimsoll::test {

using namespace core;

namespace {

constexpr std::uint64_t kEventsToAForecast = 256;

constexpr std::array<std::uint32_t, 3> kContexts = {4096, 8192, 16384};
constexpr Duration kDrainLimit = std::chrono::hours(3);

SchedulerConfig draw_config(Rng& rng) {
    SchedulerConfig config;
    config.budget = gibibytes(12 + rng.below(20));
    config.max_loaded_models = 2 + rng.below(4);
    config.parallel = 1 + rng.below(4);
    config.queue_limit = rng.chance(0.2) ? 12 : 1024;
    config.queue_bytes = rng.chance(0.2) ? mebibytes(16) : gibibytes(1);
    config.quantum_factor = rng.chance(0.5) ? 8 : 4;
    config.auto_unload = !rng.chance(0.2);
    config.default_keep_alive = std::chrono::seconds(30 + rng.below(600));
    config.unload_timeout = std::chrono::seconds(10 + rng.below(20));
    if (rng.chance(0.3)) {
        config.device_total = config.budget + gibibytes(4);
    }
    return config;
}

Bytes scaled(Bytes bytes, double factor) {
    return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * factor));
}

// Every fifth world has several cards, of unequal size.
SchedulerConfig with_cards(SchedulerConfig config, Rng& rng) {
    if (!rng.chance(0.2)) {
        return config;
    }
    std::size_t const count = 2 + rng.below(2);
    Bytes left = config.budget;
    Bytes total;
    for (std::size_t i = 0; i < count; ++i) {
        bool const is_last = i + 1 == count;
        Bytes const budget =
            is_last ? left
                    : scaled(config.budget, rng.between(0.7, 1.2) / static_cast<double>(count));
        Bytes const rest = scaled(gibibytes(3), rng.unit());
        config.cards.push_back({budget, budget + rest, scaled(rest, rng.unit())});
        left -= budget;
        total += config.cards.back().total;
    }
    config.device_total = total;
    return config;
}

std::uint64_t number(TicketId id) {
    return static_cast<std::uint64_t>(id);
}

}  // namespace

World::World(WorldConfig config)
    : config_(config),
      rng_(config.seed),
      card_rng_(config.seed ^ 0xCA7D5),
      scheduler_config_(with_cards(draw_config(rng_), card_rng_)),
      scheduler_(scheduler_config_),
      upstream_(rng_) {
    largest_budget_ = scheduler_config_.budget;
    draw_cards();
    std::size_t const count = 3 + rng_.below(6);
    for (std::size_t i = 0; i < count; ++i) {
        Model model;
        model.weights = "sha256-" + std::to_string(i);
        model.name = "model" + std::to_string(i) + ":latest";
        model.base = scaled(gibibytes(1), rng_.between(0.8, 13));
        model.load = from_seconds(
            0.5 + to_seconds(rng_.seconds(0.2, 1)) * static_cast<double>(model.base.count() >> 30U)
        );
        models_.push_back(model);
    }
    if (config_.has_faults) {
        draw_faults();
    }
}

// Each world has some kinds of faults, so that rare ones meet each other unmixed too.
void World::draw_faults() {
    auto const rate = [&](double p, double most) {
        return rng_.chance(p) ? rng_.between(0, most) : 0.0;
    };
    faults_.load_fails = rate(0.5, 0.2);
    faults_.unload_ignored = rate(0.3, 0.5);
    faults_.unload_fails = rate(0.3, 0.2);
    faults_.unload_slow = rate(0.3, 0.5);
    faults_.list_omits = rate(0.4, 0.1);
    faults_.list_ghosts = rate(0.3, 0.2);
    faults_.list_wrong_size = rate(0.3, 0.1);
    faults_.list_lost = rate(0.3, 0.1);
    faults_.abort_races = rate(0.5, 0.5);
    if (rng_.chance(0.15)) {
        faults_.list_lag = rng_.seconds(0.1, 4);
        faults_.abort_races = 0;
    }
    faults_.has_foreign = rng_.chance(0.25);
    faults_.under_predicts = rng_.chance(0.15);
    had_trouble_ = faults_.has_foreign || faults_.under_predicts;
    if (rng_.chance(0.5)) {
        plan(rng_.seconds(60, 1800), Kind::RunnerCrash);
    }
    if (rng_.chance(0.4)) {
        plan(rng_.seconds(60, 3000), Kind::UpstreamCrash);
    }
    if (faults_.has_foreign) {
        plan(rng_.seconds(10, 600), Kind::Foreign);
    }
}

void World::plan(Duration in, Kind kind, std::uint64_t subject, std::uint64_t detail) {
    queue_.push(Happening{now_ + in, ++sequence_, kind, subject, detail});
}

void World::send(Event const& event) {
    checker_.before(scheduler_, event, now_);
    auto const actions = scheduler_.on(event, now_);
    if (config_.observer) {
        config_.observer(event, now_, actions);
    }
    if (config_.looker) {
        config_.looker(scheduler_, now_, actions);
    }
    checker_.after(scheduler_, actions, now_);
    if (checker_.events() % config_.compare_every == 0) {
        checker_.compare_all(scheduler_, now_);
    }
    if (checker_.events() % kEventsToAForecast == 0) {
        // Looking ahead must come to an end, from any state, and change nothing: the checker's
        // books and the sanitizers tell.
        static_cast<void>(scheduler_.forecast(now_, std::nullopt, ForecastLimits{.events = 500}));
        checker_.compare_all(scheduler_, now_);
    }
    if (config_.prints) {
        print(event, actions);
    }
    for (Action const& action : actions) {
        carry_out(action);
    }
}

void World::print(Event const& event, std::vector<Action> const& actions) const {
    static constexpr std::array kEvents = {
        "arrived",
        "cancelled",
        "ended",
        "loaded",
        "placed",
        "load failed",
        "unload failed",
        "observed",
        "down",
        "up",
        "wish",
        "unload asked",
        "pin",
        "unpin",
        "announced",
        "withdrawn",
        "cleanup",
        "config",
        "time"
    };
    static constexpr std::array kActions = {
        "observe", "LOAD", "ABORT", "UNLOAD", "dispatch", "refuse", "notice"
    };
    std::cerr << to_seconds(now_.time_since_epoch()) << " " << kEvents.at(event.index());
    if (auto const* observed = std::get_if<Observed>(&event)) {
        for (Row const& row : observed->rows) {
            std::cerr << " " << row.model;
        }
    }
    std::cerr << "\n";
    for (Action const& action : actions) {
        std::cerr << "    " << kActions.at(action.index()) << ": " << Checker::reason_of(action)
                  << "\n";
    }
}

WorldReport World::run() {
    plan(rng_.seconds(0, 2), Kind::Arrive);
    plan(std::chrono::seconds(1), Kind::Reconcile);
    plan(rng_.seconds(10, 200), Kind::Operator);
    TimePoint const end = now_ + config_.length;
    while (!is_quiet()) {
        auto const wake = scheduler_.next_wakeup();
        TimePoint const next = queue_.empty() ? TimePoint::max() : queue_.top().at;
        if (wake && *wake <= next) {
            now_ = std::max(now_, *wake);
            send(TimePassed{});
        } else {
            Happening const happening = queue_.top();
            queue_.pop();
            now_ = happening.at;
            happen(happening);
            upstream_.remember(faults_, now_);
        }
        if (!is_winding_down_ && (now_ >= end || checker_.events() >= config_.stop_after_events)) {
            stop_trouble();
        }
        if (now_ > end + kDrainLimit) {
            report_forgotten();
        }
    }
    checker_.compare_all(scheduler_, now_);
    auto const snapshot = scheduler_.snapshot(now_);
    return {
        checker_.events(), checker_.hash(), snapshot.counters, physical_peak_, snapshot.longest_wait
    };
}

void World::report_forgotten() const {
    std::string text = std::to_string(checker_.open_tickets()) + " tickets were forgotten, " +
                       std::to_string(answers_.size()) + " of them with answers running";
    for (WaitingView const& view : scheduler_.snapshot(now_).waiting) {
        text += "\n  " + view.model + ": " + view.why;
    }
    throw InvariantBroken(text);
}

bool World::is_quiet() const {
    return is_winding_down_ && checker_.open_tickets() == 0;
}

// The world becomes healthy: a wedged upstream is restarted, as the notices ask for.
void World::stop_trouble() {
    is_winding_down_ = true;
    config_.requests_per_second = 0;
    faults_ = Faults();
    if (config_.has_faults) {
        crash_upstream();
    }
    for (Model const& model : models_) {
        send(PinCleared{model.weights});
    }
    for (AnnouncementId const id : announced_) {
        send(UseWithdrawn{id});
    }
}

void World::happen(Happening const& happening) {
    switch (happening.kind) {
        case Kind::Arrive:
            arrive();
            return;
        case Kind::ClientLeaves:
            leave(TicketId{happening.subject});
            return;
        case Kind::AnswerEnds:
            end_answer(TicketId{happening.subject});
            return;
        case Kind::Operator:
            operate();
            return;
        default:
            happen_upstream(happening);
    }
}

RunnerSettings World::settings_of(std::uint32_t num_ctx) {
    RunnerSettings settings{num_ctx, 512, {}};
    if (rng_.chance(0.05)) {
        settings.options.num_gpu = 10;
    }
    return settings;
}

Demand World::demand_of(Model const& model) {
    Demand demand;
    demand.weights = model.weights;
    demand.model = model.name;
    demand.form = rng_.chance(0.3) ? Form::Bare : Form::Pinned;
    std::uint32_t const context = kContexts.at(rng_.chance(0.7) ? 0 : rng_.below(3));
    demand.settings =
        demand.form == Form::Bare ? RunnerSettings{4096, 0, {}} : settings_of(context);
    double const growth = 1 + 0.1 * (static_cast<double>(demand.settings.num_ctx) / 4096 - 1);
    demand.charge = scaled(model.base, growth);
    demand.upstream_estimate =
        rng_.chance(0.5) ? Bytes() : scaled(demand.charge, rng_.between(0.8, 1.2));
    demand.load_time = model.load;
    demand.unload_time = std::chrono::seconds(1);
    return demand;
}

void World::arrive() {
    if (is_winding_down_) {
        return;
    }
    double const gap = -std::log(1 - rng_.unit()) / config_.requests_per_second;
    plan(from_seconds(rng_.chance(0.2) ? 0.001 : gap * 1.25), Kind::Arrive);
    // A few models get most of the traffic.
    std::size_t const which = std::min(rng_.below(models_.size()), rng_.below(models_.size()));
    Ticket ticket;
    ticket.id = TicketId{++last_ticket_};
    ticket.client = "client" + std::to_string(rng_.below(6));
    ticket.priority = static_cast<Priority>(rng_.below(3));
    ticket.demand = demand_of(models_[which]);
    ticket.body = Bytes(rng_.below(4'000'000));
    if (rng_.chance(0.3)) {
        auto const kind = static_cast<KeepAlive::Kind>(rng_.below(3));
        ticket.keep_alive = KeepAlive{kind, rng_.seconds(0, 900)};
    }
    if (rng_.chance(0.1)) {
        ticket.deadline = now_ + rng_.seconds(0.1, 120);
    }
    if (rng_.chance(0.08)) {
        plan(rng_.seconds(0, 20), Kind::ClientLeaves, number(ticket.id));
    }
    send(TicketArrived{ticket});
}

void World::leave(TicketId ticket) {
    answers_.erase(ticket);
    if (checker_.where(ticket) != Checker::Where::Ended) {
        send(TicketCancelled{ticket});
    }
}

void World::end_answer(TicketId ticket) {
    auto const found = answers_.find(ticket);
    if (found == answers_.end()) {
        return;
    }
    Runner const* const runner = upstream_.of_instance(found->second.instance);
    bool const is_alive = runner != nullptr && !runner->is_dead && is_up_;
    answers_.erase(found);
    TicketOutcome outcome = is_alive ? TicketOutcome::Done : TicketOutcome::ConnectionLost;
    if (is_alive && rng_.chance(faults_.load_fails * 0.05)) {
        outcome = TicketOutcome::OutOfMemory;
    }
    send(TicketEnded{ticket, outcome});
}

void World::check_physical() {
    physical_peak_ = std::max(physical_peak_, upstream_.physical());
    if (!had_trouble_ && upstream_.physical() > largest_budget_) {
        throw InvariantBroken("physical memory exceeds the budget");
    }
    check_cards();
}

}  // namespace plimsoll::test
