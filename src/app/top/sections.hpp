#pragma once
// The tables of the picture, each as its lines: a blank one, a heading, the titles and the rows.
// Empty where there is nothing to tell. Pure.

#include "app/top/frame.hpp"
#include "app/top/water_line.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::top {

// What stands for text that was cut off.
std::string_view cut_mark(Look const& look);

// To whole seconds: what counts up is not to flicker.
std::string whole(Duration time);

// A title, and a rule up to the right edge.
Line heading(std::string title, Look const& look);

// Never empty. `cargo`: of all models of the board.
std::vector<Line> models_section(
    Board const& board, Ui const& ui, std::vector<Cargo> const& cargo, Look const& look
);
std::vector<Line> queue_section(Board const& board, Look const& look);
std::vector<Line> runs_section(Board const& board, Look const& look);

}  // namespace plimsoll::app::top
