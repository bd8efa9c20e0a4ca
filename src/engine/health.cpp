// The upstream's life: is it there, did it restart, what had it loaded when we came, what does it
// keep when we go.
#include "engine/impl.hpp"

#include <plimsoll/base/model_name.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>

namespace plimsoll::engine {
namespace {

constexpr Duration kLongestBackoff = std::chrono::milliseconds(1600);  // with jitter below 2 s
constexpr Duration kHandedBack = std::chrono::minutes(5);
constexpr Duration kStopLimit = std::chrono::seconds(10);
constexpr std::string_view kPinOwner = "configuration";

}  // namespace

net::Task<void> Engine::Impl::start_up(std::shared_ptr<Impl> keep) {
    TaskCount const count(keep);
    co_await measurements.restore();
    calibration.restore(measurements.calibrations());
    tell_calibration();
    if (!stopping.is_cancelled()) {
        loop.spawn("engine list", poll_loop(keep));
        co_await health_loop();
    }
}

net::Task<void> Engine::Impl::health_loop() {
    auto const& limits = provider.config();
    net::Backoff backoff(
        limits.health_retry, kLongestBackoff, std::hash<std::string>{}(limits.url)
    );
    while (!stopping.is_cancelled()) {
        auto found = co_await provider.health();
        if (stopping.is_cancelled()) {
            break;
        }
        if (!found.ok) {
            went_down(std::move(found));
        } else if (!is_up) {
            co_await came_up(std::move(found));
        } else {
            last_health = std::move(found);
        }
        if (is_up) {
            backoff.reset();
        }
        auto const pause = is_up ? limits.health_interval : backoff.next();
        health_flag.reset();
        co_await health_flag.wait(loop.now() + pause, &stopping);
    }
}

void Engine::Impl::kick_health() {
    // While it is down the back-off rules, or every failing request would be a check.
    if (is_up) {
        health_flag.set();
    }
}

void Engine::Impl::note_failure(Error const& error) {
    if (error.code == Errc::UpstreamUnavailable) {
        went_down(
            upstream::Health{.ok = false, .version = {}, .text = error.message, .is_refused = true}
        );
    } else if (error.code != Errc::Cancelled && error.code != Errc::NotFound &&
               error.code != Errc::BadRequest) {
        kick_health();
    }
}

void Engine::Impl::went_down(upstream::Health found) {
    was_refused = was_refused || found.is_refused;
    last_health = std::move(found);
    if (is_known_down) {
        return;
    }
    is_up = false;
    is_known_down = true;
    auto const text =
        fmt::format("upstream {} is down: {}", provider.config().name, last_health.text);
    kLog.warning(text);
    events.add("upstream_down", {}, text);
    step(core::UpstreamDown{.text = last_health.text});
    health_flag.set();
}

bool Engine::Impl::lost_all(std::vector<core::Row> const& rows) const {
    auto const view = scheduler.snapshot(loop.now());
    return std::ranges::none_of(view.instances, [&](core::InstanceView const& instance) {
        return std::ranges::find(rows, instance.weights, &core::Row::weights) != rows.end();
    });
}

net::Task<void> Engine::Impl::came_up(upstream::Health found) {
    auto asked = loop.now();
    Result<std::vector<core::Row>> rows;
    bool is_restarted = false;
    if (config.enabled) {
        rows = co_await read_rows();
        // A process that refused connections and lists nothing of ours is a new one. Looked at
        // twice, because a list may lack a row for a moment, and this verdict gives all charges
        // back.
        if (rows && is_adopted && was_refused && lost_all(*rows)) {
            co_await net::sleep_until(loop, loop.now() + config.reconcile_interval, &stopping);
            asked = loop.now();
            rows = co_await read_rows();
            is_restarted = rows && lost_all(*rows);
        }
    }
    if (stopping.is_cancelled()) {
        co_return;
    }
    if (!rows) {
        last_health =
            upstream::Health{.ok = false, .version = found.version, .text = rows.error().message};
        co_return;
    }
    bool const is_first = !is_adopted;
    last_health = std::move(found);
    is_up = true;
    is_known_down = false;
    was_refused = false;
    is_adopted = true;
    auto const text = fmt::format(
        "upstream {} {} (version {}, {} models loaded)",
        provider.config().name,
        is_restarted ? "was restarted" : "is up",
        last_health.version,
        rows->size()
    );
    kLog.info(text);
    events.add("upstream_up", {}, text, {{"restarted", is_restarted}});
    if (!config.enabled) {
        notify();
        co_return;
    }
    // The list after the news: the news may clear the ledger, and the list fills it again.
    step(core::UpstreamUp{.restarted = is_restarted});
    step(core::Observed{.rows = *rows, .asked = asked});
    request_poll();
    if (!config.scheduler.cards.empty()) {
        if (auto const used = co_await read_used()) {
            note_others(*used);
        }
    }
    if (is_first) {
        loop.spawn("configured pins", set_configured_pins(shared_from_this()));
    }
}

net::Task<void> Engine::Impl::set_configured_pins(std::shared_ptr<Impl> keep) {
    TaskCount const count(keep);
    std::vector<std::string> wanted;
    auto const models = config.models;
    for (auto const& [key, policy] : models) {
        auto const name = ModelName::parse(key);
        if (!policy.pin || !name) {
            continue;
        }
        auto const fact = co_await facts->resolve(name->short_name(), &stopping);
        if (!fact) {
            kLog.warning(fmt::format(
                "cannot pin {} as configured: {}", name->short_name(), fact.error().message
            ));
            continue;
        }
        renew(**fact);
        if (!(*fact)->refusal.empty()) {
            kLog.warning("cannot pin as configured: " + (*fact)->refusal);
            continue;
        }
        wanted.push_back((*fact)->info->weights);
        core::PinSet pin;
        pin.demand = demand_for(**fact, DemandWish{});
        pin.owner = kPinOwner;
        step(std::move(pin));
    }
    for (auto const& pin : scheduler.snapshot(loop.now()).pins) {
        if (pin.owner == kPinOwner && std::ranges::find(wanted, pin.weights) == wanted.end()) {
            step(core::PinCleared{.weights = pin.weights});
        }
    }
}

void Engine::Impl::reconfigure(EngineConfig next) {
    auto const seen = std::move(config.scheduler.cards);
    config = std::move(next);
    for (std::size_t i = 0; seen.size() == config.scheduler.cards.size() && i < seen.size(); ++i) {
        config.scheduler.cards[i].others = seen[i].others;
    }
    ctx_caps.clear();
    ++demand_epoch;
    facts->set_ttl(config.info_ttl);
    step(core::ConfigChanged{.config = config.scheduler});
    if (is_adopted && config.enabled) {
        loop.spawn("configured pins", set_configured_pins(shared_from_this()));
    }
}

void Engine::Impl::drain() {
    is_draining = true;
    std::vector<std::uint64_t> queued;
    for (auto const& [id, waiter] : waiters) {
        if (!waiter->is_done() && !waiter->is_cancelled) {
            queued.push_back(id);
        }
    }
    for (auto const id : queued) {
        auto const found = waiters.find(id);
        if (found == waiters.end() || found->second->is_done()) {
            continue;
        }
        found->second->refused = refusal(draining_error());
        found->second->flag.set();
        step(core::TicketCancelled{.ticket = core::TicketId{id}});
    }
    notify();
}

// What we loaded for 24 h would outlive us by as much.
net::Task<void> Engine::Impl::hand_back_idle() {
    auto const view = scheduler.snapshot(loop.now());
    for (auto const& instance : view.instances) {
        bool const is_idle = instance.state == core::InstanceState::Ready && instance.leases == 0;
        if (!is_idle || instance.form == core::Form::Unknown) {
            continue;
        }
        upstream::LoadRequest request;
        request.model = instance.model;
        request.form = instance.form;
        request.settings = instance.settings;
        auto const fact = facts->peek(instance.model);
        request.is_embedding_only = fact && fact->info->geometry.is_embedding_only;
        auto const done =
            co_await provider.hand_back(instance.model, std::move(request), kHandedBack);
        if (!done) {
            kLog.warning(
                fmt::format("cannot hand {} back: {}", instance.model, done.error().message)
            );
            break;
        }
        kLog.info(fmt::format(
            "Handed {} back to the upstream for {}", instance.model, format_duration(kHandedBack)
        ));
    }
}

void Engine::Impl::cancel_loads() {
    // A copy: a load that ends takes itself out.
    std::vector<std::shared_ptr<net::Canceller>> cancellers;
    for (auto const& [id, load] : loading) {
        cancellers.push_back(load.canceller);
    }
    for (auto const& canceller : cancellers) {
        canceller->cancel();
    }
}

net::Task<void> Engine::Impl::stop() {
    auto const keep = shared_from_this();
    is_draining = true;
    if (is_up && config.enabled) {
        co_await hand_back_idle();
    }
    cancel_loads();
    stopping.cancel();
    co_await wait_until([this] { return tasks == 0; }, loop.now() + kStopLimit, nullptr);
    wakeup.cancel();
    // The worker takes its jobs in order, so behind this one everything is written.
    auto const written = std::make_shared<net::Flag>(loop);
    loop.run_blocking([] {}, [written] { written->set(); });
    co_await written->wait();
}

}  // namespace plimsoll::engine
