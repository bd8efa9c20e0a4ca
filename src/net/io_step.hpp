#pragma once
// What one try to read or write came to.

#include <cstddef>
#include <cstdint>
#include <system_error>

namespace plimsoll::net {

struct IoStep {
    enum class Kind : std::uint8_t { Moved, WouldBlock, End, Failed };
    Kind kind = Kind::WouldBlock;
    std::size_t bytes = 0;    // Moved: > 0
    std::error_code failure;  // Failed
};

enum class Peek : std::uint8_t { Nothing, Data, Gone };

}  // namespace plimsoll::net
