#include "sim/world.hpp"

#include "sim/session.hpp"

#include <algorithm>

namespace plimsoll::sim {

namespace {

constexpr auto kHistory = std::chrono::seconds(6);

SchedulerConfig scheduler_config(SimConfig const& config) {
    SchedulerConfig out;
    out.machine = {config.vram, std::max(1U, config.parallel), config.default_ctx, config.kv_type};
    out.max_loaded = std::max(1U, config.max_loaded);
    out.max_queue = config.max_queue;
    out.load_bandwidth = std::max(1.0, config.load_bandwidth);
    out.time_scale = config.time_scale;
    out.partial_offload = config.partial_offload;
    return out;
}

// What the scheduler's callback leaves for the coroutine. Shared, because either may go first.
struct Waiting {
    explicit Waiting(net::Loop& loop) : flag(loop) {}

    net::Flag flag;
    Grant grant;
};

}  // namespace

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this != &other) {
        reset();
        world_ = std::exchange(other.world_, nullptr);
        id_ = other.id_;
    }
    return *this;
}

void Lease::reset() {
    if (auto* world = std::exchange(world_, nullptr); world != nullptr) {
        world->release(id_);
    }
}

World::World(net::Loop& event_loop, SimConfig settings, std::vector<ModelPtr> models)
    : loop(event_loop),
      config(std::move(settings)),
      books(config.vram),
      scheduler(scheduler_config(config), books),
      faults(config.seed),
      store(std::move(models)),
      clock(event_loop.now()),
      timer_(event_loop),
      down_until_(event_loop.now()) {
    books.begin(now());
    changed();
}

net::Task<OrRefused<Lease>> World::acquire(Wanted wanted, net::Canceller& canceller) {
    auto const waiting = std::make_shared<Waiting>(loop);
    auto const id = scheduler.submit(
        std::move(wanted),
        [waiting](Grant const& grant) {
            waiting->grant = grant;
            waiting->flag.set();
        },
        now()
    );
    changed();
    Lease lease(*this, id);
    auto const waited = co_await waiting->flag.wait(std::nullopt, &canceller);
    if (!waited) {
        co_return refuse(0, {});
    }
    if (waiting->grant.status != 200) {
        co_return refuse(waiting->grant.status, waiting->grant.error);
    }
    co_return lease;
}

net::Task<bool> World::slot(Lease const& lease, net::Canceller& canceller) {
    auto const waiting = std::make_shared<Waiting>(loop);
    scheduler.want_slot(lease.id(), [waiting] { waiting->flag.set(); });
    auto const waited = co_await waiting->flag.wait(std::nullopt, &canceller);
    co_return waited.has_value();
}

void World::release(TicketId id) {
    scheduler.finish(id, now());
    changed();
}

void World::expire(ModelPtr const& model, std::string_view path) {
    if (!model->weights || faults.strike(FaultKind::IgnoreUnload, path, model->key)) {
        return;
    }
    scheduler.expire(model->weights->blob, now());
    changed();
}

void World::crash(ModelPtr const& model) {
    scheduler.crash(model->weights->blob, now());
    changed();
}

void World::out_of_memory_during_request() {
    scheduler.expire_all(now());
    changed();
}

void World::restart(Duration down) {
    down_until_ = now() + down;
    cut_sessions();
    scheduler.restart(now());
    changed();
}

void World::reset() {
    cut_sessions();
    scheduler.restart(now());
    store.reset();
    faults.clear();
    books.reset();
    history_.clear();
    down_until_ = now();
    changed();
}

void World::cut_sessions() {
    auto const all = sessions;
    for (auto* session : all) {
        session->cut();
    }
}

void World::changed() {
    auto const at = now();
    while (history_.size() > 1 && history_[1].at + kHistory < at) {
        history_.pop_front();
    }
    if (!history_.empty() && history_.back().at == at) {
        history_.pop_back();
    }
    history_.push_back({at, scheduler.rows()});
    arm();
}

std::vector<Row> World::rows_at(TimePoint when) const {
    for (auto it = history_.rbegin(); it != history_.rend(); ++it) {
        if (it->at <= when) {
            return it->rows;
        }
    }
    return {};
}

void World::arm() {
    if (auto const when = scheduler.next_wakeup()) {
        timer_.arm(*when, [this] {
            scheduler.advance(now());
            changed();
        });
    } else {
        timer_.cancel();
    }
}

}  // namespace plimsoll::sim
