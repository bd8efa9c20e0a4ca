#include "control/json_view.hpp"

#include <algorithm>
#include <optional>

namespace plimsoll::control {
namespace {

namespace json = boost::json;

template <class T>
json::value or_null(std::optional<T> const& value) {
    return value ? json::value(*value) : json::value(nullptr);
}

// A time point that was never set has no age.
json::value age(TimePoint since, TimePoint now) {
    return since == TimePoint{} ? json::value(nullptr) : json::value(to_seconds(now - since));
}

json::object options_json(core::RunnerOptions const& options) {
    json::object out;
    auto const put = [&](std::string_view name, auto const& value) {
        if (value) {
            out[name] = *value;
        }
    };
    put("num_gpu", options.num_gpu);
    put("main_gpu", options.main_gpu);
    put("num_thread", options.num_thread);
    put("draft_num_predict", options.draft_num_predict);
    put("use_mmap", options.use_mmap);
    put("shift", options.shift);
    return out;
}

}  // namespace

json::value seconds_or_null(std::optional<Duration> const& duration) {
    return duration ? json::value(to_seconds(*duration)) : json::value(nullptr);
}

std::string_view to_string(core::InstanceState state) {
    switch (state) {
        case core::InstanceState::Loading:
            return "loading";
        case core::InstanceState::Aborting:
            return "aborting";
        case core::InstanceState::Ready:
            return "ready";
        case core::InstanceState::Draining:
            return "draining";
        case core::InstanceState::Unloading:
            return "unloading";
        case core::InstanceState::Suspect:
            return "suspect";
    }
    return "unknown";
}

std::string_view to_string(core::Form form) {
    switch (form) {
        case core::Form::Bare:
            return "bare";
        case core::Form::Pinned:
            return "pinned";
        case core::Form::Unknown:
            return "unknown";
    }
    return "unknown";
}

std::string_view to_string(core::Priority priority) {
    switch (priority) {
        case core::Priority::Low:
            return "low";
        case core::Priority::Normal:
            return "normal";
        case core::Priority::High:
            return "high";
    }
    return "normal";
}

json::object instance_json(
    core::InstanceView const& instance, upstream::UpstreamConfig const& upstream, TimePoint now
) {
    json::object out;
    out["id"] = static_cast<std::uint64_t>(instance.id);
    out["name"] = instance.model;
    out["provider"] = upstream.provider;
    out["upstream"] = upstream.name;
    out["state"] = to_string(instance.state);
    out["state_seconds"] = age(instance.since, now);
    out["weights"] = instance.weights;
    out["form"] = to_string(instance.form);
    out["num_ctx"] = instance.settings.num_ctx;
    out["num_batch"] = instance.settings.num_batch;
    out["options"] = options_json(instance.settings.options);
    out["charge_bytes"] = instance.charge.count();
    out["predicted_bytes"] = instance.predicted.count();
    out["measured_bytes"] = instance.measured.count();
    out["size_vram_bytes"] = instance.size_vram.count();
    json::array cards;
    for (Bytes const each : instance.cards) {
        cards.push_back(each.count());
    }
    out["card_bytes"] = std::move(cards);
    out["load_seconds"] = instance.load_took > Duration{}
                              ? json::value(to_seconds(instance.load_took))
                              : json::value(nullptr);
    out["loaded_seconds_ago"] = age(instance.loaded_at, now);
    out["last_used_seconds_ago"] = age(instance.last_used, now);
    out["leases"] = instance.leases;
    out["waiting"] = instance.waiting;
    out["pinned"] = instance.pinned;
    out["foreign"] = instance.foreign;
    out["active"] = instance.active;
    auto const left = instance.expires
                          ? std::optional(std::max(*instance.expires - now, Duration{}))
                          : std::nullopt;
    out["expires_in_seconds"] = seconds_or_null(left);
    return out;
}

json::object waiting_json(
    core::WaitingView const& waiting, std::string_view upstream, std::optional<Duration> expected
) {
    json::object out;
    out["id"] = static_cast<std::uint64_t>(waiting.id);
    out["model"] = waiting.model;
    out["upstream"] = upstream;
    out["client"] = waiting.client;
    out["priority"] = to_string(waiting.priority);
    out["waited_seconds"] = to_seconds(waiting.waited);
    out["overdue"] = waiting.overdue;
    out["swap_debt_seconds"] = to_seconds(waiting.swap_debt);
    out["position"] = waiting.position;
    out["expected_seconds"] = seconds_or_null(expected);
    out["why"] = waiting.why;
    return out;
}

json::object counters_json(core::Counters const& c) {
    return {
        {"tickets", c.tickets},
        {"dispatched", c.dispatched},
        {"refused", c.refused},
        {"cancelled", c.cancelled},
        {"loads", c.loads},
        {"load_failures", c.load_failures},
        {"loads_aborted", c.loads_aborted},
        {"unloads", c.unloads},
        {"evictions", c.evictions},
        {"expirations", c.expirations},
        {"reloads", c.reloads},
        {"foreign_evictions", c.foreign_evictions},
        {"suspects", c.suspects},
        {"violations", c.violations}
    };
}

namespace {

// Empty where the pool is one sum.
json::array cards_json(engine::Engine const& engine, core::Snapshot const& snapshot) {
    json::array out;
    auto const& cards = engine.config().scheduler.cards;
    auto const& names = engine.card_names();
    for (std::size_t i = 0; i < cards.size() && i < snapshot.charged_by_card.size(); ++i) {
        out.push_back(json::object{
            {"name", i < names.size() ? names[i] : std::string{}},
            {"budget_bytes", cards[i].budget.count()},
            {"charged_bytes", snapshot.charged_by_card[i].count()},
            {"total_bytes", cards[i].total.count()}
        });
    }
    return out;
}

}  // namespace

json::object upstream_json(engine::Engine& engine, core::Snapshot const& snapshot) {
    auto const& config = engine.provider().config();
    auto const health = engine.health();
    json::object out;
    out["name"] = config.name;
    out["provider"] = config.provider;
    out["url"] = config.url;
    out["up"] = snapshot.upstream_up && health.ok;
    out["ready"] = engine.is_ready();
    out["version"] = health.version;
    out["why"] = health.ok ? json::value(nullptr) : json::value(health.text);
    out["budget_bytes"] = snapshot.budget.count();
    out["charged_bytes"] = snapshot.charged.count();
    out["available_bytes"] = (snapshot.budget - snapshot.charged).count();
    out["peak_bytes"] = snapshot.peak.count();
    out["over_budget"] = snapshot.over_budget;
    out["cards"] = cards_json(engine, snapshot);
    out["max_loaded_models"] = engine.config().scheduler.max_loaded_models;
    out["parallel"] = engine.config().scheduler.parallel;
    out["kv_cache_type"] = memory::to_string(engine.config().kv_type);
    out["flash_attention"] = memory::to_string(engine.config().flash_attention);
    out["default_num_ctx"] = engine.config().default_num_ctx_is_known
                                 ? json::value(engine.config().default_num_ctx)
                                 : json::value(nullptr);
    out["instances"] = snapshot.instances.size();
    out["waiting"] = snapshot.waiting.size();
    out["longest_wait_seconds"] = to_seconds(snapshot.longest_wait);
    out["bound_seconds"] = seconds_or_null(snapshot.bound);
    out["counters"] = counters_json(snapshot.counters);
    return out;
}

}  // namespace plimsoll::control
