#pragma once
// A client's keep_alive: read as the upstream reads it, then bent by policy. It never goes
// upstream: how long an instance stays is Plimsoll's to decide, and a value that reached Ollama
// could cancel an unload. Pure.

#include "proxy/refusal.hpp"

#include <plimsoll/core/types.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/members.hpp>

#include <optional>
#include <string>

namespace plimsoll::proxy {

struct AskedKeepAlive {
    std::optional<core::KeepAlive> value;  // after policy
    bool is_zero = false;                  // what the client wrote, before policy
    std::string adjusted;                  // "keep_alive=24 h (asked for ever)"; empty: honoured
};

Checked<AskedKeepAlive> read_keep_alive(
    http::BodyMembers const& members, engine::EngineConfig const& config
);

}  // namespace plimsoll::proxy
