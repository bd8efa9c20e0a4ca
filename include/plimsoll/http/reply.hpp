#pragma once
// Errors that Plimsoll itself makes, in the shape of the API that was called, and the table from
// Errc to status. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/http/head.hpp>
#include <plimsoll/http/route.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::http {

struct Reply {
    unsigned status = 200;
    Fields fields;  // Content-Type and others; not the framing
    std::string body;
};

unsigned status_of(Errc code);

// `retry_after` is rounded up to whole seconds, at least 1.
Reply error_reply(
    Dialect dialect,
    unsigned status,
    std::string_view message,
    std::string_view request_id = {},
    std::optional<Duration> retry_after = std::nullopt
);
Reply json_reply(unsigned status, std::string body);
Reply text_reply(unsigned status, std::string body);

// JSON string literal with quotes, escaped as Go's encoder does without HTML escaping.
std::string json_quote(std::string_view text);

}  // namespace plimsoll::http
