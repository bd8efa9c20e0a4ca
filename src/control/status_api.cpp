// Reading: health, status, models, queue.

#include "control/impl.hpp"
#include "control/json_view.hpp"

#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::control {

namespace json = boost::json;

// Alive: this process answers. Says nothing about upstreams, so that no supervisor restarts us for
// their sake.
net::Task<void> Control::Impl::healthz(net::Exchange& exchange) {
    co_await respond_json(exchange, 200, {{"status", "ok"}, {"version", context.version}});
}

net::Task<void> Control::Impl::readyz(net::Exchange& exchange) {
    json::array why;
    if (is_draining()) {
        why.emplace_back("shutting down: running answers are finished, nothing new is taken");
    }
    for (auto* engine : context.engines) {
        auto const& config = engine->provider().config();
        auto const health = engine->health();
        if (!health.ok) {
            why.emplace_back(
                fmt::format("upstream {} at {} is down: {}", config.name, config.url, health.text)
            );
        } else if (!engine->is_ready()) {
            why.emplace_back(fmt::format(
                "upstream {}: what is loaded there has not been adopted yet", config.name
            ));
        }
    }
    bool const ready = why.empty();
    co_await respond_json(exchange, ready ? 200 : 503, {{"ready", ready}, {"why", std::move(why)}});
}

net::Task<void> Control::Impl::status(net::Exchange& exchange) {
    json::array upstreams;
    Bytes budget, charged, peak;
    std::size_t waiting = 0;
    std::size_t instances = 0;
    bool ready = !is_draining();
    for (auto* engine : context.engines) {
        auto const snapshot = engine->snapshot();
        upstreams.push_back(upstream_json(*engine, snapshot));
        budget += snapshot.budget;
        charged += snapshot.charged;
        peak += snapshot.peak;
        waiting += snapshot.waiting.size();
        instances += snapshot.instances.size();
        ready = ready && engine->is_ready();
    }
    auto const& config = context.engines.front()->config();
    json::object out;
    out["version"] = context.version;
    out["time"] = net::rfc3339(net::wall_now());
    out["ready"] = ready;
    out["draining"] = is_draining();
    out["enabled"] = config.enabled;
    out["auto_unload"] = config.scheduler.auto_unload;
    out["budget_bytes"] = budget.count();
    out["charged_bytes"] = charged.count();
    out["available_bytes"] = (budget - charged).count();
    out["peak_bytes"] = peak.count();
    out["instances"] = instances;
    out["queue"] = waiting;
    if (context.process_use) {
        auto const use = context.process_use();
        out["process"] =
            json::object{{"resident_bytes", use.resident.count()}, {"open_files", use.open_files}};
    }
    out["upstreams"] = std::move(upstreams);
    co_await respond_json(exchange, 200, out);
}

net::Task<void> Control::Impl::models(net::Exchange& exchange) {
    json::array all;
    auto const now = exchange.loop().now();
    for (auto* engine : context.engines) {
        auto const snapshot = engine->snapshot();
        for (auto const& instance : snapshot.instances) {
            all.push_back(instance_json(instance, engine->provider().config(), now));
        }
    }
    co_await respond_json(exchange, 200, {{"models", std::move(all)}});
}

net::Task<void> Control::Impl::queue(net::Exchange& exchange) {
    json::array all;
    Duration longest{};
    for (auto* engine : context.engines) {
        auto const snapshot = engine->snapshot();
        auto const forecast = snapshot.waiting.empty() ? core::Forecast{} : engine->forecast();
        for (auto const& waiting : snapshot.waiting) {
            auto const wait = forecast.waits.find(waiting.id);
            all.push_back(waiting_json(
                waiting,
                engine->provider().config().name,
                wait == forecast.waits.end() ? std::nullopt : std::optional(wait->second)
            ));
        }
        longest = std::max(longest, snapshot.longest_wait);
    }
    co_await respond_json(
        exchange, 200, {{"waiting", std::move(all)}, {"longest_wait_seconds", to_seconds(longest)}}
    );
}

}  // namespace plimsoll::control
