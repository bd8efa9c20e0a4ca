#include "sim/scheduler.hpp"

#include <algorithm>
#include <cmath>

namespace plimsoll::sim {

namespace {

constexpr double kKillSeconds = 0.02;
constexpr std::string_view kBusy =
    "server busy, please try again.  maximum pending requests exceeded";

}  // namespace

Duration Scheduler::scaled(double seconds) const {
    return from_seconds(seconds / config_.time_scale);
}

TicketId Scheduler::submit(Wanted wanted, Callback done, TimePoint now) {
    auto const id = ++last_id_;
    auto const key = wanted.model->weights->blob;
    auto& ticket = tickets_[id];
    ticket.wanted = std::move(wanted);
    ticket.done = std::move(done);
    auto const found = runners_.find(key);
    // A loaded model with fitting settings by-passes the queue, in any number.
    if (found != runners_.end() && !found->second.gone_at && !found->second.dead &&
        found->second.settings.serves(ticket.wanted.settings)) {
        use(found->second, id, now);
    } else if (pending_.size() >= config_.max_queue) {
        ++books_->count.busy;
        answer(id, {503, std::string(kBusy), {}});
        tickets_.erase(id);
    } else {
        pending_.push_back(id);
        step(now);
    }
    deliver();
    return id;
}

void Scheduler::want_slot(TicketId id, std::move_only_function<void()> granted) {
    auto const found = tickets_.find(id);
    if (found == tickets_.end()) {
        return;
    }
    found->second.slot = std::move(granted);
    auto const runner = runners_.find(found->second.runner);
    if (runner != runners_.end()) {
        runner->second.slot_queue.push_back(id);
        fill_slots(runner->second);
    }
    deliver();
}

void Scheduler::fill_slots(Runner& runner) {
    while (!runner.slot_queue.empty() && runner.running < runner.settings.slots) {
        auto const found = tickets_.find(runner.slot_queue.front());
        runner.slot_queue.pop_front();
        if (found != tickets_.end()) {
            ++runner.running;
            found->second.in_slot = true;
            deliveries_.push_back(std::move(found->second.slot));
        }
    }
}

void Scheduler::finish(TicketId id, TimePoint now) {
    auto const found = tickets_.find(id);
    if (found == tickets_.end()) {
        return;
    }
    auto& ticket = found->second;
    if (loading_ && loading_->ticket == id) {
        // The load was bound to this client's connection: its runner is killed and the work is
        // lost.
        books_->vram.give_back(loading_->runner.held);
        ++books_->count.aborted_loads;
        books_->note(
            now, "abort", loading_->runner.model->name, loading_->runner.held, "the client has gone"
        );
        loading_.reset();
        current_.reset();
        tickets_.erase(found);
        step(now);
    } else if (!ticket.runner.empty()) {
        auto const runner = runners_.find(ticket.runner);
        bool const had_slot = ticket.in_slot;
        tickets_.erase(found);
        if (runner != runners_.end()) {
            std::erase(runner->second.slot_queue, id);
            runner->second.running -= had_slot ? 1 : 0;
            fill_slots(runner->second);
            if (--runner->second.refs == 0) {
                idle(runner->second, now);
            }
        }
    } else {
        // Queued: skipped when its turn comes, and counted in the queue until then.
        ticket.is_gone = true;
    }
    deliver();
}

void Scheduler::idle(Runner& runner, TimePoint now) {
    auto const session = runner.session.value_or(Duration::zero());
    if (session <= Duration::zero()) {
        begin_kill(runner, now);
    } else if (session == kForever) {
        runner.expires.reset();
    } else {
        runner.expires = now + session;
        runner.timer = runner.expires;
    }
}

void Scheduler::use(Runner& runner, TicketId id, TimePoint now) {
    auto& ticket = tickets_.at(id);
    ++runner.refs;
    runner.timer.reset();
    if (ticket.wanted.keep_alive) {
        // This replaces what an unload or an eviction has set: the wish is cancelled, and an
        // eviction that waits for it waits on.
        runner.session = ticket.wanted.keep_alive;
        runner.evicting = runner.evicting && *runner.session <= Duration::zero();
        runner.reloading = runner.reloading && *runner.session <= Duration::zero();
        if (*runner.session != kForever) {
            runner.expires = now + *runner.session;
        }
    }
    ticket.runner = runner.model->weights->blob;
    answer(id, {200, {}, ticket.runner});
}

void Scheduler::expire(std::string const& weights, TimePoint now) {
    // A model that is being loaded is in no list: the wish is lost.
    auto const found = runners_.find(weights);
    if (found != runners_.end() && !found->second.gone_at) {
        begin_expiry(found->second, now);
    }
    deliver();
}

void Scheduler::begin_expiry(Runner& runner, TimePoint now) {
    runner.session = Duration::zero();
    runner.expires = now;
    runner.timer.reset();
    if (runner.refs == 0) {
        begin_kill(runner, now);
    }
}

void Scheduler::begin_kill(Runner& runner, TimePoint now) {
    if (!runner.gone_at) {
        runner.timer.reset();
        runner.gone_at = now + scaled(kKillSeconds);
    }
}

void Scheduler::evict(Runner& runner, TimePoint now, std::string_view why) {
    if (!runner.evicting) {
        runner.evicting = true;
        ++books_->count.self_evictions;
        books_->note(now, "self_eviction", runner.model->name, runner.held, why);
    }
    begin_expiry(runner, now);
}

void Scheduler::crash(std::string const& weights, TimePoint now) {
    auto const found = runners_.find(weights);
    if (found != runners_.end() && !found->second.dead) {
        found->second.dead = true;
        ++books_->count.crashes;
        books_->vram.give_back(found->second.held);
        books_->note(now, "crash", found->second.model->name, found->second.held);
        found->second.held = {};
    }
}

void Scheduler::expire_all(TimePoint now) {
    for (auto& [key, runner] : runners_) {
        if (!runner.gone_at) {
            begin_expiry(runner, now);
        }
    }
    deliver();
}

void Scheduler::restart(TimePoint now) {
    for (auto& [key, runner] : runners_) {
        books_->vram.give_back(runner.held);
    }
    if (loading_) {
        books_->vram.give_back(loading_->runner.held);
    }
    runners_.clear();
    loading_.reset();
    pending_.clear();
    current_.reset();
    waits_for_unload_ = false;
    tickets_.clear();
    deliveries_.clear();
    books_->note(now, "restart", "", {});
}

void Scheduler::advance(TimePoint now) {
    bool unloaded = false;
    for (auto it = runners_.begin(); it != runners_.end();) {
        auto& runner = it->second;
        if (runner.timer && *runner.timer <= now && runner.refs == 0) {
            begin_kill(runner, now);
        }
        if (!runner.gone_at || *runner.gone_at > now) {
            ++it;
            continue;
        }
        books_->vram.give_back(runner.held);
        ++books_->count.unloads;
        books_->count.reloads += runner.reloading ? 1 : 0;
        books_->note(
            now, runner.reloading ? "unload_to_reload" : "unload", runner.model->name, runner.held
        );
        it = runners_.erase(it);
        unloaded = true;
    }
    if (loading_ && loading_->ready_at <= now) {
        end_load(now);
    }
    if (unloaded && waits_for_unload_) {
        waits_for_unload_ = false;
    }
    step(now);
    deliver();
}

std::optional<TimePoint> Scheduler::next_wakeup() const {
    std::optional<TimePoint> out;
    auto const take = [&out](std::optional<TimePoint> when) {
        if (when && (!out || *when < *out)) {
            out = when;
        }
    };
    for (auto const& [key, runner] : runners_) {
        take(runner.timer);
        take(runner.gone_at);
    }
    if (loading_) {
        take(loading_->ready_at);
    }
    return out;
}

std::vector<Row> Scheduler::rows() const {
    std::vector<Row> out;
    for (auto const& [key, runner] : runners_) {
        auto expires = runner.expires;
        if (runner.session == kForever) {
            expires.reset();
        }
        out.push_back({runner.model, runner.bytes, runner.settings.num_ctx, expires});
    }
    std::ranges::sort(out, [](Row const& a, Row const& b) {
        auto const rank = [](Row const& row) { return row.expires.value_or(TimePoint::max()); };
        return rank(a) != rank(b) ? rank(a) > rank(b) : a.model->name < b.model->name;
    });
    return out;
}

std::optional<TimePoint> Scheduler::kill_ends() const {
    std::optional<TimePoint> out;
    for (auto const& [key, runner] : runners_) {
        if (runner.gone_at && (!out || *runner.gone_at > *out)) {
            out = runner.gone_at;
        }
    }
    return out;
}

void Scheduler::answer(TicketId id, Grant grant) {
    auto const found = tickets_.find(id);
    if (found != tickets_.end() && found->second.done) {
        deliveries_.push_back([done = std::move(found->second.done),
                               grant = std::move(grant)]() mutable { done(grant); });
    }
}

// Callbacks may come back into the scheduler, so they run when its state is whole.
void Scheduler::deliver() {
    while (!deliveries_.empty()) {
        auto batch = std::move(deliveries_);
        deliveries_.clear();
        for (auto& call : batch) {
            call();
        }
    }
}

}  // namespace plimsoll::sim
