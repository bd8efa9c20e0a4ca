#pragma once
// Aligned columns for people. Pure; widths are counted in code points of UTF-8, cells are made
// printable first.

#include "app/terminal.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plimsoll::app {

enum class Align : std::uint8_t { Left, Right };

struct Column {
    std::string title;
    Align align = Align::Left;
};

struct Cell {
    std::string text;
    Colour colour = Colour::None;
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as columns.
    void add(std::vector<Cell> row);

    [[nodiscard]] bool is_empty() const { return rows_.empty(); }

    // Title line and rows, two blanks between columns, no blanks at line ends.
    [[nodiscard]] std::string render(Terminal const& terminal) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace plimsoll::app
