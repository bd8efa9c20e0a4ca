#define NCURSES_NOMACROS 1
#include "app/top/screen.hpp"

#include <plimsoll/base/text.hpp>

#include <curses.h>
#include <langinfo.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace plimsoll::app::top {
namespace {

constexpr int kEscapeDelay = 25;  // milliseconds until an Escape is no longer the start of a key
constexpr short kGreen = 1, kYellow = 2, kRed = 3, kBlue = 4, kMagenta = 5, kCyan = 6;
constexpr std::size_t kPlainColumns = 100, kLeastColumns = 40, kMostColumns = 1000;
constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

termios before{};  // for the handler below, which can reach nothing else

// Only what a signal handler may do: out of the other screen, the cursor back, the line discipline
// as it was.
void restore_and_die(int number) {
    constexpr std::string_view kRestore = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";
    [[maybe_unused]] auto const written = ::write(STDOUT_FILENO, kRestore.data(), kRestore.size());
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    std::signal(number, SIG_DFL);
    std::raise(number);
}

attr_t pair_of(short number, bool has_colours) {
    return has_colours ? static_cast<attr_t>(COLOR_PAIR(number)) : attr_t{A_NORMAL};
}

attr_t colour_of(Colour colour, bool has_colours) {
    switch (colour) {
        case Colour::None:
            return A_NORMAL;
        case Colour::Dim:
            return A_DIM;
        case Colour::Bold:
            return A_BOLD;
        case Colour::Green:
            return pair_of(kGreen, has_colours);
        case Colour::Yellow:
            return pair_of(kYellow, has_colours);
        case Colour::Red:
            return pair_of(kRed, has_colours) | (has_colours ? attr_t{A_NORMAL} : attr_t{A_BOLD});
        case Colour::Blue:
            return pair_of(kBlue, has_colours);
        case Colour::Magenta:
            return pair_of(kMagenta, has_colours);
        case Colour::Cyan:
            return pair_of(kCyan, has_colours);
    }
    return A_NORMAL;
}

// Whether there are some, and they are wanted.
bool start_colours() {
    if (!terminal_of(STDOUT_FILENO).colours || !::has_colors()) {
        return false;
    }
    ::start_color();
    ::use_default_colors();
    ::init_pair(kGreen, COLOR_GREEN, -1);
    ::init_pair(kYellow, COLOR_YELLOW, -1);
    ::init_pair(kRed, COLOR_RED, -1);
    ::init_pair(kBlue, COLOR_BLUE, -1);
    ::init_pair(kMagenta, COLOR_MAGENTA, -1);
    ::init_pair(kCyan, COLOR_CYAN, -1);
    return true;
}

Result<void> check_terminal() {
    constexpr char const* kInstead = "; `plimsoll top --once` prints one frame as text";
    char const* const term = std::getenv("TERM");
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
        return fail(
            Errc::Unsupported,
            std::string("top needs a terminal for its input and its output") + kInstead
        );
    }
    if (term == nullptr || *term == '\0' || std::string_view(term) == "dumb") {
        return fail(
            Errc::Unsupported,
            std::string("this terminal cannot be drawn on (TERM is ") +
                (term == nullptr || *term == '\0' ? "not set" : term) + ")" + kInstead
        );
    }
    return {};
}

}  // namespace

Look plain_look() {
    std::setlocale(LC_ALL, "");
    Look out;
    out.lines = 0;
    out.has_colours = false;
    out.is_utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    char const* const columns = std::getenv("COLUMNS");
    if (columns != nullptr) {
        out.columns = parse_u64(columns).value_or(kPlainColumns);
    } else if (auto const terminal = terminal_of(STDOUT_FILENO); terminal.columns > 0) {
        out.columns = terminal.columns;
    } else {
        out.columns = kPlainColumns;
    }
    out.columns = std::clamp(out.columns, kLeastColumns, kMostColumns);
    return out;
}

Result<std::unique_ptr<Screen>> Screen::open() {
    if (auto const checked = check_terminal(); !checked) {
        return fail(checked.error());
    }
    std::setlocale(LC_ALL, "");
    ::tcgetattr(STDIN_FILENO, &before);
    if (::newterm(nullptr, stdout, stdin) == nullptr) {
        return fail(
            Errc::Unsupported,
            std::string("nothing is known of the terminal \"") + std::getenv("TERM") +
                "\" (TERM); `plimsoll top --once` prints one frame as text"
        );
    }
    for (int const number : kCrashes) {
        std::signal(number, restore_and_die);
    }
    bool const has_colours = start_colours();
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(stdscr, true);
    // Of terminals that stay in the mode of normal cursor keys.
    ::define_key("\x1b[A", KEY_UP);
    ::define_key("\x1b[B", KEY_DOWN);
    ::nodelay(stdscr, true);
    ::set_escdelay(kEscapeDelay);
    ::curs_set(0);
    return std::unique_ptr<Screen>(new Screen(has_colours));
}

Screen::~Screen() {
    ::endwin();
    for (int const number : kCrashes) {
        std::signal(number, SIG_DFL);
    }
}

Look Screen::look() const {
    Look out;
    out.lines = static_cast<std::size_t>(::getmaxy(stdscr));
    out.columns = static_cast<std::size_t>(::getmaxx(stdscr));
    out.is_utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    out.has_colours = has_colours_;
    return out;
}

void Screen::put(std::vector<Line> const& lines) {
    ::erase();
    for (std::size_t i = 0; i < lines.size(); ++i) {
        ::move(static_cast<int>(i), 0);
        for (auto const& span : lines[i]) {
            auto const reverse = span.is_reverse ? attr_t{A_REVERSE} : attr_t{A_NORMAL};
            ::attrset(static_cast<int>(colour_of(span.colour, has_colours_) | reverse));
            ::addstr(span.text.c_str());
        }
        ::attrset(A_NORMAL);
    }
    ::refresh();
}

std::optional<Key> Screen::read_key(bool& is_resized) {
    for (;;) {
        int const code = ::getch();
        switch (code) {
            case ERR:
                return std::nullopt;
            case KEY_RESIZE:
                is_resized = true;
                continue;
            case KEY_UP:
                return Key{Key::Kind::Up};
            case KEY_DOWN:
                return Key{Key::Kind::Down};
            case KEY_PPAGE:
                return Key{Key::Kind::PageUp};
            case KEY_NPAGE:
                return Key{Key::Kind::PageDown};
            case KEY_HOME:
                return Key{Key::Kind::Home};
            case KEY_END:
                return Key{Key::Kind::End};
            case KEY_ENTER:
            case '\r':
            case '\n':
                return Key{Key::Kind::Enter};
            case KEY_BACKSPACE:
            case 127:
            case '\b':
                return Key{Key::Kind::Backspace};
            case 27:
                return Key{Key::Kind::Escape};
            default:
                if (code >= ' ' && code < 127) {
                    return Key{Key::Kind::Letter, static_cast<char>(code)};
                }
        }
    }
}

}  // namespace plimsoll::app::top
