#pragma once
// From a request to its handler: the path, the method, Host and Origin, and the faults that strike
// before any of it.

#include "sim/world.hpp"

#include <plimsoll/net/server.hpp>

#include <memory>

namespace plimsoll::sim {

// Keeps the world alive for as long as it runs.
net::Task<void> handle(std::shared_ptr<World> world, net::Exchange& exchange);

}  // namespace plimsoll::sim
