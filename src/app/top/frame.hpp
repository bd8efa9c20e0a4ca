#pragma once
// The picture of `plimsoll top`: a board and where the user stands, as lines of coloured text of
// exactly the given size. Pure; the terminal only has to put them up.

#include "app/terminal.hpp"
#include "app/top/board.hpp"
#include "app/top/ui.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace plimsoll::app::top {

struct Span {
    std::string text;
    Colour colour = Colour::None;
    bool is_reverse = false;  // the chosen row
};

using Line = std::vector<Span>;

struct Look {
    std::size_t columns = 80;
    std::size_t lines = 24;  // 0: as many as there is to say, without the line of keys
    bool is_utf8 = true;
    bool has_colours = true;
    std::string url;
};

// At most `lines` lines; none is wider than `columns`.
std::vector<Line> draw(Board const& board, Ui const& ui, TimePoint now, Look const& look);

// Without colours.
std::string plain(std::vector<Line> const& lines);

}  // namespace plimsoll::app::top
