// GET /api/ps with our expiry: the upstream's own says 24 h for whatever we loaded.
#include "engine/impl.hpp"

#include <plimsoll/net/wall_clock.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <functional>

namespace plimsoll::engine {
namespace {

namespace json = boost::json;

// What the upstream shows for "for ever": its longest duration, some 292 years ahead.
constexpr net::WallTime kForEver = std::chrono::seconds(9'223'372'036);

bool is_leaving(core::InstanceState state) {
    return state == core::InstanceState::Draining || state == core::InstanceState::Unloading ||
           state == core::InstanceState::Suspect;
}

net::WallTime expiry_of(
    core::InstanceView const& instance, core::SchedulerConfig const& config, TimePoint now
) {
    auto const wall = net::wall_now();
    if (is_leaving(instance.state)) {
        return wall;  // the upstream's sign for "will be unloaded"
    }
    if (instance.expires) {
        return wall + std::chrono::duration_cast<net::WallTime>(*instance.expires - now);
    }
    bool const is_counting = instance.leases == 0 && instance.waiting == 0;
    if (!is_counting && !instance.pinned && !config.keep_forever) {
        return wall + std::chrono::duration_cast<net::WallTime>(config.default_keep_alive
                      );  // the countdown starts anew when it is idle
    }
    return wall + kForEver;
}

std::string with_expiry(std::string const& raw, std::string const& expires_at) {
    json::error_code ec;
    auto row = json::parse(raw, ec);
    if (ec || !row.is_object()) {
        return raw;
    }
    row.as_object()["expires_at"] = expires_at;
    return json::serialize(row);
}

}  // namespace

net::Task<Result<std::string>> Engine::Impl::ps_answer() {
    auto const keep = shared_from_this();
    auto const listed = co_await provider.list_loaded();
    if (!listed) {
        note_failure(listed.error());
        co_return fail(listed.error());
    }
    auto const view = scheduler.snapshot(loop.now());
    // Latest expiry first, as the upstream sorts.
    std::vector<std::pair<net::WallTime, std::string>> rows;
    for (auto const& row : *listed) {
        auto const weights = weights_of(row);
        auto const found = std::ranges::find(view.instances, weights, &core::InstanceView::weights);
        if (found == view.instances.end() || !config.enabled) {
            rows.emplace_back(net::WallTime::min(), row.raw);
            continue;
        }
        auto const expiry = expiry_of(*found, config.scheduler, loop.now());
        rows.emplace_back(expiry, with_expiry(row.raw, net::rfc3339(expiry)));
    }
    std::ranges::sort(rows, std::greater{});
    std::string out = "{\"models\":[";
    for (auto const& [expiry, text] : rows) {
        out += out.ends_with('[') ? text : "," + text;
    }
    out += "]}";
    co_return out;
}

}  // namespace plimsoll::engine
