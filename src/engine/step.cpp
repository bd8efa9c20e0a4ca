#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr Duration kWorthALine = std::chrono::seconds(1);  // a wait that people should read about

Errc code_of(core::RefuseKind kind) {
    switch (kind) {
        case core::RefuseKind::DoesNotFit:
            return Errc::DoesNotFit;
        case core::RefuseKind::QueueFull:
            return Errc::QueueFull;
        case core::RefuseKind::Deadline:
            return Errc::DeadlineExceeded;
        case core::RefuseKind::LoadFailed:
            return Errc::LoadFailed;
        case core::RefuseKind::OutOfMemory:
            return Errc::OutOfMemory;
        case core::RefuseKind::NotFound:
            return Errc::NotFound;
        case core::RefuseKind::Barred:
            return Errc::LoadFailed;
        case core::RefuseKind::Stuck:
            return Errc::UnloadFailed;
        case core::RefuseKind::UpstreamDown:
            return Errc::UpstreamUnavailable;
        case core::RefuseKind::Unloaded:
            return Errc::Conflict;
    }
    return Errc::LoadFailed;
}

ErrorSource source_of(core::RefuseKind kind) {
    bool const is_upstream =
        kind == core::RefuseKind::LoadFailed || kind == core::RefuseKind::OutOfMemory ||
        kind == core::RefuseKind::NotFound || kind == core::RefuseKind::UpstreamDown;
    return is_upstream ? ErrorSource::Upstream : ErrorSource::Self;
}

}  // namespace

void Engine::Impl::step(core::Event event) {
    if (is_stepping) {
        backlog.push_back(std::move(event));
        return;
    }
    is_stepping = true;
    run_event(event);
    while (!backlog.empty()) {
        auto const next = std::move(backlog.front());
        backlog.pop_front();
        run_event(next);
    }
    is_stepping = false;
    arm();
    notify();
}

void Engine::Impl::run_event(core::Event const& event) {
    auto const now = loop.now();
    auto actions = scheduler.on(event, now);
    for (auto const& observer : observers) {
        observer->on_step(event, now, actions, scheduler.counters());
    }
    for (auto& action : actions) {
        std::visit([this](auto& one) { perform(one); }, action);
    }
}

void Engine::Impl::perform(core::Observe const&) {
    request_poll();
}

void Engine::Impl::perform(core::Load const& action) {
    auto const& demand = action.demand;
    kLog.info(
        "Loading " + demand.model,
        {{"form", demand.form == core::Form::Bare ? "bare" : "pinned"},
         {"num_ctx", std::uint64_t{demand.settings.num_ctx}},
         {"charge", format_mib(demand.charge)},
         {"reason", action.reason}}
    );
    events.add(
        "load",
        demand.model,
        action.reason,
        {{"num_ctx", demand.settings.num_ctx},
         {"charge_bytes", demand.charge.count()},
         {"expected_seconds", to_seconds(demand.load_time)}}
    );
    auto canceller = std::make_shared<net::Canceller>();
    loading[static_cast<std::uint64_t>(action.instance)] =
        LoadInFlight{.canceller = canceller, .model = demand.model, .weights = demand.weights};
    loop.spawn("load " + demand.model, run_load(shared_from_this(), action, canceller));
}

void Engine::Impl::perform(core::AbortLoad const& action) {
    auto const found = loading.find(static_cast<std::uint64_t>(action.instance));
    if (found == loading.end()) {
        // Ended in this very moment; LoadSucceeded or LoadFailed is on its way.
        return;
    }
    kLog.info("Giving up the load of " + found->second.model, {{"reason", action.reason}});
    events.add("abort", found->second.model, action.reason);
    // Held here: the callbacks may end the load, and with it the map's entry.
    auto const canceller = found->second.canceller;
    canceller->cancel();
}

void Engine::Impl::perform(core::Unload const& action) {
    kLog.info(
        "Unloading " + action.model,
        {{"attempt", std::uint64_t{action.attempt}}, {"reason", action.reason}}
    );
    events.add("unload", action.model, action.reason, {{"attempt", action.attempt}});
    loop.spawn("unload " + action.model, run_unload(shared_from_this(), action));
}

void Engine::Impl::perform(core::Dispatch& action) {
    auto const found = waiters.find(static_cast<std::uint64_t>(action.ticket));
    if (found == waiters.end() || found->second->is_cancelled) {
        // Its TicketCancelled is in the backlog, and ends the lease.
        return;
    }
    auto& waiter = *found->second;
    bool const is_slow = action.waited > kWorthALine;
    // Served at once is the normal case and must stay cheap: no text is built unless someone reads
    // it.
    if (is_slow || config.verbose || log::Logger::is_enabled(log::Level::Debug)) {
        auto const text =
            fmt::format("Dispatching to {} after {}", waiter.model, format_duration(action.waited));
        log::write(
            is_slow || config.verbose ? log::Level::Info : log::Level::Debug,
            "engine",
            text,
            {{"reason", action.reason}},
            waiter.request_id
        );
    }
    if (action.waited > Duration{} || config.verbose || events.has_listeners()) {
        events.add(
            "dispatch",
            waiter.model,
            action.reason,
            {{"waited_seconds", to_seconds(action.waited)}, {"request", waiter.request_id}}
        );
        told[static_cast<std::uint64_t>(action.ticket)] =
            Told{waiter.model, waiter.request_id, loop.now()};
    }
    for (auto const& observer : observers) {
        observer->on_dispatch(waiter.priority, action.waited);
    }
    waiter.dispatch = std::move(action);
    waiter.flag.set();
}

void Engine::Impl::perform(core::Refuse const& action) {
    auto const found = waiters.find(static_cast<std::uint64_t>(action.ticket));
    if (found == waiters.end() || found->second->is_cancelled) {
        return;
    }
    auto& waiter = *found->second;
    kLog.info(
        "Refusing a request for " + waiter.model, {{"reason", action.reason}}, waiter.request_id
    );
    events.add("refuse", waiter.model, action.reason, {{"request", waiter.request_id}});
    waiter.refused = Refused{
        .error = Error(code_of(action.kind), action.reason, source_of(action.kind)),
        .retry_after = action.retry_after,
        .kind = action.kind,
        .waited = loop.now() - waiter.arrived,
        .position = waiter.position,
    };
    waiter.flag.set();
}

void Engine::Impl::perform(core::Notice const& action) {
    if (last_notice.empty()) {
        last_notice = action.text;
    }
    auto const level = action.level == core::Notice::Level::Info      ? log::Level::Info
                       : action.level == core::Notice::Level::Warning ? log::Level::Warning
                                                                      : log::Level::Error;
    log::write(level, "engine", action.text);
    bool const is_alert = action.level == core::Notice::Level::Alert;
    events.add("notice", {}, action.text, {{"alert", is_alert}});
}

void Engine::Impl::arm() {
    if (stopping.is_cancelled()) {
        return;  // a timer would keep the loop from ending
    }
    auto const when = scheduler.next_wakeup();
    if (when != armed_for || (when && !wakeup.is_armed())) {
        armed_for = when;
        if (when) {
            wakeup.arm(*when, [this] { step(core::TimePassed{}); });
        } else {
            wakeup.cancel();
        }
    }
    auto const poll = next_poll();
    if (poll && poll_wait && *poll < *poll_wait) {
        poll_flag.set();
    }
}

void Engine::Impl::notify() {
    if (watchers.empty()) {
        return;
    }
    // A flag may wake its coroutine at once, which takes itself out and may take others with it.
    std::vector<net::Flag*> const now(watchers.begin(), watchers.end());
    for (auto* flag : now) {
        if (std::ranges::find(watchers, flag) != watchers.end()) {
            flag->set();
        }
    }
}

net::Task<Result<void>> Engine::Impl::wait_until(
    std::function<bool()> condition, std::optional<TimePoint> limit, net::Canceller* canceller
) {
    auto const keep = shared_from_this();
    net::Flag flag(loop);
    auto const where = watchers.insert(watchers.end(), &flag);
    Result<void> result;
    while (result && !condition()) {
        flag.reset();
        result = co_await flag.wait(limit, canceller);
    }
    watchers.erase(where);
    co_return result;
}

}  // namespace plimsoll::engine
