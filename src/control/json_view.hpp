#pragma once
// The engine's values as the JSON that docs/api.md describes: bytes as integers named *_bytes,
// durations as seconds named *_seconds, absent values as null. Pure.

#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/engine/engine.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::control {

boost::json::value seconds_or_null(std::optional<Duration> const& duration);
std::string_view to_string(core::InstanceState state);
std::string_view to_string(core::Form form);
std::string_view to_string(core::Priority priority);

boost::json::object instance_json(
    core::InstanceView const& instance, upstream::UpstreamConfig const& upstream, TimePoint now
);
// `expected`: what the wait will still take.
boost::json::object waiting_json(
    core::WaitingView const& waiting, std::string_view upstream, std::optional<Duration> expected
);
boost::json::object counters_json(core::Counters const& counters);
boost::json::object upstream_json(engine::Engine& engine, core::Snapshot const& snapshot);

}  // namespace plimsoll::control
