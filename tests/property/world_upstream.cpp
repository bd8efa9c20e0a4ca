// The world's upstream side: what becomes of the scheduler's actions.

#include "property/world.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::test {

using namespace core;

namespace {

std::uint64_t number(InstanceId id) {
    return static_cast<std::uint64_t>(id);
}

std::uint64_t number(TicketId id) {
    return static_cast<std::uint64_t>(id);
}

Bytes scaled(Bytes bytes, double factor) {
    return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * factor));
}

}  // namespace

void World::carry_out(Action const& action) {
    if (auto const* load = std::get_if<Load>(&action)) {
        start_load(*load);
    } else if (auto const* abort = std::get_if<AbortLoad>(&action)) {
        abort_load(*abort);
    } else if (auto const* unload = std::get_if<Unload>(&action)) {
        start_unload(*unload);
    } else if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
        start_answer(*dispatch);
    } else if (std::holds_alternative<Observe>(action)) {
        poll();
    }
}

void World::happen_upstream(Happening const& happening) {
    switch (happening.kind) {
        case Kind::LoadEnds:
        case Kind::AbortAnswered:
            answer_load(happening);
            return;
        case Kind::RunnerGone:
            upstream_.remove(happening.subject);
            return;
        case Kind::RunnerAppears:
            if (Runner* const runner = upstream_.find(happening.subject)) {
                runner->is_loading = false;
            }
            return;
        case Kind::UnloadFails:
            send(UnloadFailed{InstanceId{happening.subject}, "connection reset"});
            return;
        case Kind::ListArrives:
            if (happening.subject == last_list_) {
                end_poll();
            }
            return;
        case Kind::PollTick:
        case Kind::Reconcile:
            poll_regularly(happening);
            return;
        case Kind::Foreign:
            load_foreign();
            return;
        case Kind::RunnerCrash:
            crash_runner();
            return;
        case Kind::UpstreamCrash:
            crash_upstream();
            return;
        case Kind::UpstreamBack:
            bring_back();
            return;
        default:
            return;
    }
}

void World::answer_load(Happening const& happening) {
    if (!load_ || number(load_->instance) != happening.subject) {
        return;
    }
    if (happening.kind == Kind::AbortAnswered) {
        load_.reset();
        send(LoadFailed{InstanceId{happening.subject}, LoadFailure::Aborted, "given up"});
    } else if (!load_->is_aborted) {
        end_load();
    }
}

void World::poll_regularly(Happening const& happening) {
    if (happening.kind == Kind::Reconcile) {
        plan(std::chrono::seconds(1), Kind::Reconcile);
        if (scheduler_.has_instances() && is_up_) {
            poll();
        }
        return;
    }
    // After an unload: 5, 10, 20 ... 250 ms, until it is gone.
    if (scheduler_.state_of(InstanceId{happening.subject}) && is_up_) {
        poll();
        std::uint64_t const next = std::min<std::uint64_t>(250, happening.detail * 2);
        plan(std::chrono::milliseconds(happening.detail), Kind::PollTick, happening.subject, next);
    }
}

void World::start_load(Load const& load) {
    double const growth = faults_.under_predicts ? rng_.between(0.9, 1.15) : rng_.between(0.75, 1);
    Runner runner;
    runner.weights = load.demand.weights;
    runner.model = load.demand.model;
    runner.instance = load.instance;
    runner.bytes = scaled(load.demand.charge, growth);
    runner.shown = scaled(runner.bytes, rng_.chance(0.3) ? 0.8 : 1.0);
    runner.num_ctx = load.demand.settings.num_ctx;
    if (upstream_.of_weights(runner.weights) != nullptr && !had_trouble_) {
        Runner const& other = *upstream_.of_weights(runner.weights);
        if (!other.is_dead) {
            throw InvariantBroken("a load of weights that are in memory already");
        }
    }
    if (Runner const* const dead = upstream_.of_weights(runner.weights)) {
        upstream_.remove(dead->uid);
    }
    if (!had_trouble_ && upstream_.physical() + runner.bytes > scheduler_.config().budget &&
        upstream_.physical() <= scheduler_.config().budget) {
        throw InvariantBroken("a load that physically exceeds the budget");
    }
    runner.cards = lies_on(runner.bytes, load.demand.upstream_estimate);
    load_ = LoadInFlight{load.instance, upstream_.start(runner), load.demand, false};
    check_physical();
    plan(
        from_seconds(to_seconds(load.demand.load_time) * rng_.between(0.6, 1.4)),
        Kind::LoadEnds,
        number(load.instance)
    );
}

void World::end_load() {
    if (rng_.chance(faults_.load_fails)) {
        static constexpr std::array kFailures = {
            LoadFailure::OutOfMemory,
            LoadFailure::OutOfMemory,
            LoadFailure::NotFound,
            LoadFailure::Timeout,
            LoadFailure::Busy,
            LoadFailure::Refused
        };
        fail_load(kFailures.at(rng_.below(kFailures.size())));
        return;
    }
    LoadInFlight const done = *std::exchange(load_, std::nullopt);
    Runner* const runner = upstream_.find(done.runner);
    if (runner == nullptr) {
        send(LoadFailed{done.instance, LoadFailure::Refused, "llama runner process has terminated"}
        );
        return;
    }
    runner->is_loading = false;
    // A list that lags does not show it yet.
    Bytes const shown = faults_.list_lag > Duration{} ? Bytes() : runner->shown;
    send(LoadSucceeded{done.instance, shown, shown, runner->num_ctx, done.demand.load_time});
    show_cards(done.instance, done.demand.charge);
}

void World::fail_load(LoadFailure failure) {
    LoadInFlight const done = *std::exchange(load_, std::nullopt);
    if (failure == LoadFailure::Timeout) {
        plan(rng_.seconds(0, 0.9), Kind::RunnerGone, done.runner);
    } else {
        upstream_.remove(done.runner);
    }
    send(LoadFailed{done.instance, failure, "the upstream's words"});
}

void World::abort_load(AbortLoad const& abort) {
    if (!load_ || load_->instance != abort.instance) {
        return;
    }
    if (rng_.chance(faults_.abort_races)) {
        if (rng_.chance(0.5)) {
            return;  // it ends before the close arrives
        }
        plan(
            rng_.seconds(0, 0.9), Kind::RunnerAppears, load_->runner
        );  // and stays, although the call was given up
    } else {
        plan(rng_.seconds(0, 0.9), Kind::RunnerGone, load_->runner);
    }
    load_->is_aborted = true;
    plan(std::chrono::milliseconds(1), Kind::AbortAnswered, number(abort.instance));
}

void World::start_unload(Unload const& unload) {
    plan(std::chrono::milliseconds(5), Kind::PollTick, number(unload.instance), 10);
    Runner const* const runner = upstream_.of_weights(unload.weights);
    if (runner == nullptr || runner->is_loading) {
        return;  // lost, as the real one does with a model that is still loading
    }
    if (rng_.chance(faults_.unload_fails)) {
        plan(rng_.seconds(0, 0.1), Kind::UnloadFails, number(unload.instance));
        return;
    }
    if (rng_.chance(faults_.unload_ignored)) {
        return;
    }
    Duration const takes =
        rng_.chance(faults_.unload_slow) ? rng_.seconds(0.5, 4) : rng_.seconds(0.002, 0.05);
    plan(takes, Kind::RunnerGone, runner->uid);
}

void World::start_answer(Dispatch const& dispatch) {
    answers_[dispatch.ticket] = Answer{dispatch.instance};
    Runner const* const runner = upstream_.of_weights([&] {
        for (Runner const& each : upstream_.runners()) {
            if (each.instance == dispatch.instance) {
                return each.weights;
            }
        }
        return std::string();
    }());
    bool const is_alive = runner != nullptr && !runner->is_dead && !runner->is_loading;
    plan(
        is_alive ? rng_.seconds(0.05, rng_.chance(0.1) ? 60 : 8) : std::chrono::milliseconds(10),
        Kind::AnswerEnds,
        number(dispatch.ticket)
    );
}

void World::poll() {
    if (list_) {
        is_poll_due_ = true;
        return;
    }
    bool const is_lost = rng_.chance(faults_.list_lost);
    list_ = List{is_lost ? std::vector<Row>() : upstream_.list(faults_, now_), now_, is_lost};
    plan(
        is_lost ? std::chrono::seconds(1) : rng_.seconds(0.0002, 0.005),
        Kind::ListArrives,
        ++last_list_
    );
}

void World::end_poll() {
    List const list = *std::exchange(list_, std::nullopt);
    if (std::exchange(is_poll_due_, false)) {
        poll();
    }
    if (!list.is_lost && is_up_) {
        send(Observed{list.rows, list.asked});
        show_others();
    }
}

void World::load_foreign() {
    if (is_winding_down_) {
        return;
    }
    plan(rng_.seconds(10, 900), Kind::Foreign);
    if (!is_up_) {
        return;
    }
    Model const& model = models_[rng_.below(models_.size())];
    if (upstream_.of_weights(model.weights) != nullptr) {
        return;
    }
    Runner runner;
    runner.weights = rng_.chance(0.7) ? model.weights : "digest:foreign";
    if (upstream_.of_weights(runner.weights) != nullptr) {
        return;
    }
    runner.model = model.name;
    runner.bytes = runner.shown = model.base;
    runner.num_ctx = 4096;
    runner.is_loading = false;
    runner.cards = lies_on(runner.bytes, runner.bytes);
    std::uint64_t const uid = upstream_.start(runner);
    if (rng_.chance(0.5)) {
        plan(rng_.seconds(1, 300), Kind::RunnerGone, uid);
    }
}

void World::crash_runner() {
    if (is_winding_down_) {
        return;
    }
    plan(rng_.seconds(60, 1800), Kind::RunnerCrash);
    std::size_t const count = upstream_.rows();
    if (count == 0) {
        return;
    }
    Runner const victim = upstream_.runners()[rng_.below(count)];
    if (victim.is_loading) {
        return;
    }
    if (rng_.chance(0.5)) {
        upstream_.find(victim.uid)->is_dead = true;  // stays listed with its memory
    } else {
        upstream_.remove(victim.uid);
    }
    for (auto const& [ticket, answer] : answers_) {
        if (answer.instance == victim.instance) {
            plan(std::chrono::milliseconds(1), Kind::AnswerEnds, number(ticket));
        }
    }
}

void World::crash_upstream() {
    if (!is_winding_down_) {
        plan(rng_.seconds(300, 3000), Kind::UpstreamCrash);
    }
    if (!is_up_) {
        return;
    }
    is_up_ = false;
    upstream_.clear();
    list_.reset();
    is_poll_due_ = false;
    ++last_list_;
    for (auto const& [ticket, answer] : answers_) {
        plan(rng_.seconds(0.001, 0.02), Kind::AnswerEnds, number(ticket));
    }
    if (load_) {
        fail_load(LoadFailure::UpstreamDown);
    }
    send(UpstreamDown{"connection refused"});
    plan(rng_.seconds(0.5, 20), Kind::UpstreamBack);
}

void World::bring_back() {
    is_up_ = true;
    send(UpstreamUp{true});
}

}  // namespace plimsoll::test
