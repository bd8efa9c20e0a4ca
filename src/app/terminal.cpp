#include "app/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace plimsoll::app {
namespace {

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::None:
            return "";
        case Colour::Dim:
            return "2";
        case Colour::Bold:
            return "1";
        case Colour::Green:
            return "32";
        case Colour::Yellow:
            return "33";
        case Colour::Red:
            return "31";
        case Colour::Blue:
            return "34";
        case Colour::Magenta:
            return "35";
        case Colour::Cyan:
            return "36";
    }
    return "";
}

}  // namespace

std::string Terminal::paint(Colour colour, std::string_view text) const {
    if (!colours || colour == Colour::None || text.empty()) {
        return std::string(text);
    }
    return "\x1b[" + std::string(code_of(colour)) + "m" + std::string(text) + "\x1b[0m";
}

Terminal terminal_of(int descriptor) {
    Terminal terminal;
    terminal.is_tty = ::isatty(descriptor) == 1;
    char const* no_color = std::getenv("NO_COLOR");  // https://no-color.org: any non-empty value
    char const* term = std::getenv("TERM");
    bool const is_unwanted = no_color != nullptr && *no_color != '\0';
    bool const is_dumb = term != nullptr && std::string_view(term) == "dumb";
    terminal.colours = terminal.is_tty && !is_unwanted && !is_dumb;
    winsize size{};
    if (terminal.is_tty && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
        terminal.columns = size.ws_col;
    }
    return terminal;
}

}  // namespace plimsoll::app
