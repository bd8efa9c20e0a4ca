#pragma once
// How the daemon stands, in one line for its service manager. Values; loop thread for what asks
// engines.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/engine/engine.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::app {

struct UpstreamStanding {
    std::string name;
    std::string url;
    bool is_managed = true;   // false: a plain pass-through
    bool is_ready = false;    // it answers, and what it has loaded is known
    bool has_failed = false;  // it was asked, and is not there
    std::string why{};        // it is not ready
    Bytes budget{}, charged{};
    std::size_t models = 0;
    std::size_t waiting = 0;
};

// Nothing is left to learn that requests would wait for: each upstream is ready, or known to be
// away. A daemon whose upstream is away is ready too: it answers, and says so.
bool is_settled(std::vector<UpstreamStanding> const& upstreams);

// "2 models take 14.2 GiB of 22 GiB, 3 requests wait; upstream box at http://... is down: ...".
std::string status_line(std::vector<UpstreamStanding> const& upstreams);

std::vector<UpstreamStanding> standing_of(
    std::vector<std::unique_ptr<engine::Engine>> const& engines
);

}  // namespace plimsoll::app
