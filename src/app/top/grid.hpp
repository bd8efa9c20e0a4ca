#pragma once
// A table that fits a narrow terminal: the least important columns go first, then the widest is
// cut. Pure.

#include "app/top/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::top {

struct GridColumn {
    std::string title;
    bool is_right = false;
    std::size_t rank = 0;  // the higher, the sooner it goes; 0: it stays
    std::size_t gap = 2;   // blanks after it
};

struct GridCell {
    std::string text;
    Colour colour = Colour::None;
};

class Grid {
  public:
    static constexpr std::size_t kNever = SIZE_MAX;  // a rank: not shown at all

    explicit Grid(std::vector<GridColumn> columns) : columns_(std::move(columns)) {}

    // As many cells as columns.
    void add(std::vector<GridCell> cells, bool is_chosen);

    // A line of titles and one for each row, at most `width` wide.
    [[nodiscard]] std::vector<Line> lines(std::size_t width, std::string_view mark) const;

  private:
    struct Row {
        std::vector<GridCell> cells;
        bool is_chosen = false;
    };

    [[nodiscard]] std::vector<std::size_t> widths() const;

    std::vector<GridColumn> columns_;
    std::vector<Row> rows_;
};

}  // namespace plimsoll::app::top
