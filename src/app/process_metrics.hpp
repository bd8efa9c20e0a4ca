#pragma once
// What Prometheus is told of the process itself. Loop thread only.

#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/net/loop.hpp>

#include <cstddef>
#include <functional>

namespace plimsoll::app {

// From now on the registry tells version, start, memory, descriptors, processor time, and how many
// connections are open. `connections` must be callable as long as the registry is read; the loop
// must outlive it.
void tell_process(
    metrics::Registry& registry, net::Loop& loop, std::function<std::size_t()> connections
);

// A request that was refused before it had a path: no HTTP, too large a head, too many connections.
void count_malformed(metrics::Registry& registry, unsigned status);

}  // namespace plimsoll::app
