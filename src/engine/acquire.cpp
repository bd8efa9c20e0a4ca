#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr unsigned kMaxReloads = 3;
constexpr Duration kDrainRetry = std::chrono::seconds(5);
constexpr Duration kDownRetry =
    std::chrono::seconds(2);  // the longest pause between two health checks

core::RefuseKind kind_of(Errc code) {
    switch (code) {
        case Errc::NotFound:
            return core::RefuseKind::NotFound;
        case Errc::Draining:
            return core::RefuseKind::QueueFull;
        case Errc::QueueFull:
            return core::RefuseKind::QueueFull;
        case Errc::Timeout:
            return core::RefuseKind::UpstreamDown;
        case Errc::LoadFailed:
            return core::RefuseKind::LoadFailed;
        default:
            return core::RefuseKind::UpstreamDown;
    }
}

// Takes the waiter out of the table however its coroutine ends.
template <class Map>
class Entry {
  public:
    Entry(Map& map, std::uint64_t key) : map_(map), key_(key) {}

    ~Entry() { map_.erase(key_); }

    Entry(Entry const&) = delete;
    Entry& operator=(Entry const&) = delete;

  private:
    Map& map_;
    std::uint64_t key_;
};

class Counted {
  public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }

    ~Counted() { --count_; }

    Counted(Counted const&) = delete;
    Counted& operator=(Counted const&) = delete;

  private:
    std::size_t& count_;
};

std::string_view words_of(core::TicketOutcome outcome) {
    switch (outcome) {
        case core::TicketOutcome::Done:
            return "answered";
        case core::TicketOutcome::ClientGone:
            return "the client left";
        case core::TicketOutcome::UpstreamError:
            return "the upstream answered with an error";
        case core::TicketOutcome::OutOfMemory:
            return "the upstream ran out of memory";
        case core::TicketOutcome::ConnectionLost:
            return "the connection to the upstream broke";
    }
    return "ended";
}

Error cancelled() {
    return {Errc::Cancelled, "the client left", ErrorSource::Client};
}

}  // namespace

DemandWish wish_of(AcquireRequest const& request) {
    // Only the native routes carry these; in other bodies the upstream ignores them.
    DemandWish wish;
    wish.is_native = request.is_native;
    if (request.is_native) {
        wish.num_ctx = request.num_ctx;
        wish.num_batch = request.num_batch;
        wish.options = request.options;
    }
    return wish;
}

Error draining_error() {
    return {Errc::Draining, "Plimsoll is shutting down; retry in a few seconds"};
}

Refused Engine::Impl::refusal(Error error) const {
    Refused out;
    out.kind = kind_of(error.code);
    bool const may_pass = error.code == Errc::UpstreamUnavailable || error.code == Errc::Timeout ||
                          error.code == Errc::ConnectionClosed || error.code == Errc::QueueFull;
    if (error.code == Errc::Draining) {
        out.retry_after = kDrainRetry;
    } else if (may_pass) {
        out.retry_after = kDownRetry;
    }
    out.error = std::move(error);
    return out;
}

net::Task<std::expected<Lease, Refused>> Engine::Impl::acquire(
    AcquireRequest request, net::Canceller& canceller
) {
    auto const keep = shared_from_this();
    if (is_draining) {
        co_return std::unexpected(refusal(draining_error()));
    }
    if (canceller.is_cancelled()) {
        co_return std::unexpected(refusal(cancelled()));
    }
    if (!config.enabled) {
        co_return free_lease();
    }
    auto fact = facts->find(request.model);
    if (!fact) {
        auto found = co_await facts_for(request.model, canceller);
        if (!found) {
            co_return std::unexpected(std::move(found.error()));
        }
        fact = std::move(*found);
    }
    if (fact->info->is_remote) {
        co_return free_lease();
    }
    renew(*fact);
    if (!fact->refusal.empty()) {
        co_return std::unexpected(refusal(Error(Errc::LoadFailed, fact->refusal)));
    }
    for (unsigned attempt = 0; attempt < kMaxReloads; ++attempt) {
        auto const asked_ctx = demand_for(*fact, wish_of(request)).settings.num_ctx;
        auto lease = co_await wait_for_lease(request, *fact, canceller);
        bool const was_shrunk = !lease && lease.error().kind == core::RefuseKind::OutOfMemory &&
                                request.is_native &&
                                cap_of(fact->info->weights).value_or(asked_ctx) < asked_ctx;
        if (was_shrunk) {
            continue;  // with the smaller context now
        }
        if (!lease || request.is_native || !would_reload(*lease, *fact)) {
            co_return lease;
        }
        // Under the quantum nothing would change: to the scheduler any bare instance will do. So it
        // is unloaded by us, with its room booked anew, before the upstream reloads it unasked and
        // unbooked.
        lease->end(core::TicketOutcome::Done);
        kLog.info(fmt::format(
            "Reloading {}: it is loaded with num_ctx {} under another name",
            fact->info->name,
            lease->settings.num_ctx
        ));
        step(core::UnloadRequested{.weights = fact->info->weights});
    }
    co_return std::unexpected(refusal(Error(
        Errc::Conflict,
        fmt::format(
            "{} shares its weights with another name that asks for another context; retry, or give "
            "both one num_ctx",
            fact->info->name
        )
    )));
}

// Several names of the same weights may have a num_ctx in their Modelfiles; a request that can name
// none would then make the upstream reload in place.
bool Engine::Impl::would_reload(Lease const& lease, Fact const& fact) const {
    if (lease.form != core::Form::Bare || lease.settings.num_ctx == 0) {
        return false;
    }
    auto const* known = measurements.known(fact.info->weights);
    auto const loader = known == nullptr ? nullptr : facts->peek(known->model);
    bool const is_certain = fact.info->num_ctx.has_value() || (loader && loader->info->num_ctx);
    return is_certain && bare_settings(*fact.info, demand_context(fact.info->weights)).num_ctx !=
                             lease.settings.num_ctx;
}

net::Task<std::expected<Lease, Refused>> Engine::Impl::wait_for_lease(
    AcquireRequest const& request, Fact& fact, net::Canceller& canceller
) {
    core::TicketId const id{++last_ticket};
    Waiter waiter(loop);
    waiter.model = fact.info->name;
    waiter.request_id = request.request_id;
    waiter.arrived = loop.now();
    Entry const entry(waiters, last_ticket);
    waiters.emplace(last_ticket, &waiter);
    auto ticket = make_ticket(id, request, fact);
    waiter.priority = ticket.priority;
    step(core::TicketArrived{.ticket = std::move(ticket)});
    if (!waiter.is_done()) {
        waiter.position = position_of(static_cast<std::uint64_t>(id));
        net::Canceller::Registration const on_cancel(canceller, [this, &waiter, id] {
            // Told at once, not when this coroutine has its turn: no load may start for the
            // departed.
            if (!waiter.is_done()) {
                waiter.is_cancelled = true;
                step(core::TicketCancelled{.ticket = id});
            }
            waiter.flag.set();
        });
        co_await wait_in_queue(waiter, id, request);
    }
    if (waiter.refused) {
        name_largest(*waiter.refused, request, fact);
        co_return std::unexpected(std::move(*waiter.refused));
    }
    if (waiter.is_cancelled || !waiter.dispatch) {
        auto out = refusal(is_draining ? draining_error() : cancelled());
        out.waited = loop.now() - waiter.arrived;
        out.position = waiter.position;
        co_return std::unexpected(std::move(out));
    }
    auto lease = make_lease(*waiter.dispatch, id, fact, request.is_native);
    if (canceller.is_cancelled()) {
        lease.end(core::TicketOutcome::ClientGone);
        co_return std::unexpected(refusal(cancelled()));
    }
    co_return lease;
}

// Until the ticket is dispatched, refused or cancelled.
net::Task<void> Engine::Impl::wait_in_queue(
    Waiter& waiter, core::TicketId id, AcquireRequest const& request
) {
    if (!request.on_wait) {
        co_await waiter.flag.wait();
        co_return;
    }
    for (;;) {
        auto const ended = co_await waiter.flag.wait(loop.now() + request.wait_interval, nullptr);
        if (ended || waiter.flag.is_set()) {
            co_return;
        }
        Waiting const now{
            .position = position_of(static_cast<std::uint64_t>(id)),
            .came_as = waiter.position,
            .waited = loop.now() - waiter.arrived,
        };
        co_await request.on_wait(now);
    }
}

// Tickets are numbered as they come, whatever model they want.
std::size_t Engine::Impl::position_of(std::uint64_t ticket) const {
    auto const ahead = std::ranges::count_if(waiters, [&](auto const& entry) {
        auto const& [id, waiter] = entry;
        return id < ticket && !waiter->is_done() && !waiter->is_cancelled;
    });
    return static_cast<std::size_t>(ahead) + 1;
}

net::Task<std::expected<std::shared_ptr<Fact>, Refused>> Engine::Impl::facts_for(
    std::string model, net::Canceller& canceller
) {
    if (unresolved >= config.scheduler.queue_limit) {
        co_return std::unexpected(refusal(Error(
            Errc::QueueFull,
            fmt::format(
                "{} requests already wait for {} to describe their models",
                unresolved,
                provider.config().name
            )
        )));
    }
    Counted const counted(unresolved);
    auto const give_up = loop.now() + provider.config().timeout;
    for (;;) {
        if (!is_up) {
            auto const up =
                co_await wait_until([this] { return is_up || is_draining; }, give_up, &canceller);
            if (!up && up.error().code == Errc::Cancelled) {
                co_return std::unexpected(refusal(cancelled()));
            }
            if (!up) {
                co_return std::unexpected(refusal(Error(
                    Errc::UpstreamUnavailable,
                    fmt::format(
                        "the upstream {} is down: {}", provider.config().name, last_health.text
                    ),
                    ErrorSource::Upstream
                )));
            }
        }
        if (is_draining) {
            co_return std::unexpected(refusal(draining_error()));
        }
        auto fact = co_await facts->resolve(model, &canceller);
        if (fact) {
            co_return std::move(*fact);
        }
        note_failure(fact.error());
        // One that just went down comes back, perhaps, within the time that a client is kept.
        bool const may_pass =
            fact.error().code == Errc::UpstreamUnavailable && loop.now() < give_up;
        if (!may_pass) {
            co_return std::unexpected(refusal(fact.error()));
        }
    }
}

core::Ticket Engine::Impl::make_ticket(
    core::TicketId id, AcquireRequest const& request, Fact& fact
) {
    auto const& policy = policy_of(config, fact.key);
    core::Ticket ticket;
    ticket.id = id;
    ticket.client = request.client;
    ticket.priority = request.priority.value_or(policy.priority);
    ticket.demand = demand_for(fact, wish_of(request));
    ticket.body = request.body;
    // An OpenAI or Anthropic body carries none, whatever it says.
    ticket.keep_alive =
        effective_keep_alive(request.is_native ? request.keep_alive : std::nullopt, policy, config);
    if (request.deadline) {
        ticket.deadline = loop.now() + *request.deadline;
    }
    return ticket;
}

Lease Engine::Impl::free_lease() {
    Lease lease;
    lease.engine_ = &engine;
    lease.free_of_charge = true;
    return lease;
}

Lease Engine::Impl::make_lease(
    core::Dispatch const& dispatch, core::TicketId id, Fact const& fact, bool is_native
) {
    Lease lease;
    lease.engine_ = &engine;
    lease.ticket_ = id;
    lease.instance = dispatch.instance;
    lease.form = dispatch.form;
    lease.settings = dispatch.settings;
    lease.waited = dispatch.waited;
    lease.position = dispatch.position;
    // A bare instance that another name of these weights loaded may have another default context
    // than this name's Modelfile gives; left out, this name's default would make the upstream
    // reload. Said outright it does not.
    if (is_native && dispatch.form == core::Form::Bare && dispatch.settings.num_ctx != 0 &&
        bare_settings(*fact.info, demand_context(fact.info->weights)).num_ctx !=
            dispatch.settings.num_ctx) {
        lease.form = core::Form::Pinned;
        lease.settings.num_batch = 0;
    }
    return lease;
}

// Only of those whose dispatch was an event: who reads along sees both ends of a request or none.
void Engine::Impl::tell_end(core::TicketId ticket, core::TicketOutcome outcome) {
    auto const found = told.find(static_cast<std::uint64_t>(ticket));
    if (found == told.end()) {
        return;
    }
    auto const begun = std::move(found->second);
    told.erase(found);
    events.add(
        "finish",
        begun.model,
        words_of(outcome),
        {{"seconds", to_seconds(loop.now() - begun.dispatched)},
         {"done", outcome == core::TicketOutcome::Done},
         {"request", begun.request_id}}
    );
}

void Engine::Impl::end_ticket(core::TicketId ticket, core::TicketOutcome outcome) {
    tell_end(ticket, outcome);
    step(core::TicketEnded{.ticket = ticket, .outcome = outcome});
    if (outcome == core::TicketOutcome::OutOfMemory ||
        outcome == core::TicketOutcome::ConnectionLost) {
        request_poll();
        kick_health();
    }
}

}  // namespace plimsoll::engine
