#pragma once
// What a terminal can show: whether one is there, and colours that vanish where they are not
// wanted.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::app {

enum class Colour : std::uint8_t { None, Dim, Bold, Green, Yellow, Red, Blue, Magenta, Cyan };

struct Terminal {
    bool is_tty = false;
    bool colours = false;   // a TTY, NO_COLOR not set, TERM not "dumb"
    std::size_t columns{};  // 0: no TTY, or it does not tell

    [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;
};

// Of standard output (1) or standard error (2).
Terminal terminal_of(int descriptor);

}  // namespace plimsoll::app
