#pragma once
// What a client's header fields say about its place in the queue. Pure. What does not parse is as
// if it were not there, as the standards ask.

#include <plimsoll/base/time.hpp>
#include <plimsoll/core/types.hpp>
#include <plimsoll/http/head.hpp>

#include <optional>

namespace plimsoll::proxy {

// RFC 9218, `Priority: u=N` with 0 the most urgent: 0 to 2 high, 3 (the standard's default) and 4
// normal, 5 to 7 low. nullopt: no urgency given.
std::optional<core::Priority> priority_of(http::Fields const& fields);

// How long the client is willing to wait for its model: the shorter of `Prefer: wait=N` (RFC 7240,
// seconds) and `X-Plimsoll-Deadline: 30s`.
std::optional<Duration> patience_of(http::Fields const& fields);

}  // namespace plimsoll::proxy
