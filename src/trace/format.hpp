#pragma once
// What the first line of a recording says of the rest.

#include <cstdint>
#include <string_view>

namespace plimsoll::trace {

constexpr std::string_view kFormat = "plimsoll recording";
// Goes up when a line of an older version would be misunderstood; see later() in fields.hpp for
// what does not need it.
constexpr std::uint64_t kVersion = 1;

}  // namespace plimsoll::trace
