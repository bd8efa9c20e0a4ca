#pragma once
// What each API's streams look like where we write into one ourselves: the head, a sign of life
// that clients skip, an error after the head. Pure.

#include <plimsoll/base/time.hpp>
#include <plimsoll/http/route.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::proxy {

// Operations whose streams we know well enough to begin one.
[[nodiscard]] bool is_known_stream(http::Operation operation);

[[nodiscard]] std::string_view stream_type(http::Dialect dialect);

// Server-Sent Events have comments. Lines of JSON have none: the official client for Python fails
// on an empty line and hands an object without text to its caller, so it is one blank, which is
// whitespace at the start of the line that comes next.
[[nodiscard]] std::string sign_of_life(
    http::Dialect dialect, std::size_t position, Duration waited
);

// An error answer as the last piece of a stream. `body` is passed on if it is an error of an API,
// else it becomes the sentence of one.
[[nodiscard]] std::string stream_error(
    http::Dialect dialect, unsigned status, std::string_view body, std::string_view request_id
);

}  // namespace plimsoll::proxy
