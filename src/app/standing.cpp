#include "app/standing.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app {
namespace {

constexpr std::size_t kLongestReason = 160;

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string charge_line(std::vector<UpstreamStanding> const& upstreams) {
    Bytes budget;
    Bytes charged;
    std::size_t models = 0;
    std::size_t waiting = 0;
    for (auto const& one : upstreams) {
        budget += one.budget;
        charged += one.charged;
        models += one.models;
        waiting += one.waiting;
    }
    return fmt::format(
        "{} of {}, {}",
        counted(models, "model takes", "models take") + " " + format_bytes(charged),
        format_bytes(budget),
        counted(waiting, "request waits", "requests wait")
    );
}

bool was_down(engine::Engine const& engine) {
    return std::ranges::any_of(engine.recent_events(0), [](engine::EngineEvent const& event) {
        return event.kind == "upstream_down";
    });
}

}  // namespace

bool is_settled(std::vector<UpstreamStanding> const& upstreams) {
    return std::ranges::all_of(upstreams, [](UpstreamStanding const& one) {
        return one.is_ready || one.has_failed;
    });
}

std::string status_line(std::vector<UpstreamStanding> const& upstreams) {
    bool const is_managed = std::ranges::any_of(upstreams, &UpstreamStanding::is_managed);
    std::string line =
        is_managed ? charge_line(upstreams) : "plain pass-through: management is off";
    for (auto const& one : upstreams) {
        if (one.is_ready) {
            continue;
        }
        line += fmt::format(
            "; upstream {} at {} {}",
            printable(one.name, kLongestReason),
            printable(one.url, kLongestReason),
            one.has_failed ? "is down: " + printable(one.why, kLongestReason)
                           : "has not answered yet"
        );
    }
    return line;
}

std::vector<UpstreamStanding> standing_of(
    std::vector<std::unique_ptr<engine::Engine>> const& engines
) {
    std::vector<UpstreamStanding> out;
    for (auto const& engine : engines) {
        auto const& config = engine->provider().config();
        auto const snapshot = engine->snapshot();
        UpstreamStanding one{.name = config.name, .url = config.url};
        one.is_managed = engine->config().enabled;
        one.is_ready = engine->is_ready();
        one.has_failed = !one.is_ready && was_down(*engine);
        one.why = engine->health().text;
        one.budget = snapshot.budget;
        one.charged = snapshot.charged;
        one.models = snapshot.instances.size();
        one.waiting = snapshot.waiting.size();
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace plimsoll::app
