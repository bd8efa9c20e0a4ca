#pragma once
// Which fields go on in each direction. Requests are rebuilt from parsed parts; nothing that
// authenticates a client reaches the upstream, and nothing of the upstream's CORS reaches a client.
// Pure.

#include <plimsoll/http/head.hpp>

#include <string>
#include <string_view>

namespace plimsoll::proxy {

// For the upstream: end-to-end fields without credentials, Origin, Referer and Accept-Encoding.
// body_changed: what described the client's bytes (Content-Encoding, digests) no longer holds.
http::Fields upstream_fields(http::RequestHead const& head, bool body_changed);

// The encoded target: canonical path and the query as sent.
std::string upstream_target(http::RequestHead const& head, bool sends_query);

// For the client: end-to-end fields without the upstream's CORS fields and without fields that only
// we may set.
http::Fields client_fields(http::ResponseHead const& head);

}  // namespace plimsoll::proxy
