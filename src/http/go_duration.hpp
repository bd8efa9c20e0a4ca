#pragma once
// Durations as Go's time.ParseDuration reads them, with its limits and error texts. Private to
// http.

#include <plimsoll/base/result.hpp>

#include <cstdint>
#include <string_view>

namespace plimsoll::http {

// Nanoseconds.
Result<std::int64_t> parse_go_duration(std::string_view text);

}  // namespace plimsoll::http
