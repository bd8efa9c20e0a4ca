#pragma once
// The fields that decide about framing, routing and the connection itself: told apart once, by
// length first, for the gate, the hop-by-hop filter and the writers. Private to http.

#include <cstdint>
#include <string_view>

namespace plimsoll::http {

enum class KnownField : std::uint8_t {
    Other,
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Expect,
    Upgrade,
    HopByHop,  // Keep-Alive, Proxy-Connection, TE, Trailer, Proxy-Authenticate,
               // Proxy-Authorization, HTTP2-Settings
};

KnownField known_field(std::string_view name);

}  // namespace plimsoll::http
