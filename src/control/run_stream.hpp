#pragma once
// A run told to a client while it goes on. Loop thread only.

#include <plimsoll/chain/run.hpp>
#include <plimsoll/net/server.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::control {

struct RunStream {
    bool is_owner = false;       // the run ends when the client leaves
    bool is_sse = false;         // else one JSON object a line
    bool follows = true;         // else what has happened, and the end
    std::uint64_t after_id = 0;  // what the client has seen
};

// One event as it is written.
std::string event_text(std::string_view json, std::uint64_t id, std::string_view kind, bool is_sse);

net::Task<void> stream_run(net::Exchange& exchange, chain::Run& run, RunStream how);

// 202 with the URL of the run.
net::Task<void> respond_accepted(net::Exchange& exchange, chain::Run const& run);

}  // namespace plimsoll::control
