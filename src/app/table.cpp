#include "app/table.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/text.hpp>

#include <algorithm>

namespace plimsoll::app {
namespace {

std::size_t width_of(std::string_view text) {
    // Every byte that does not continue a UTF-8 sequence begins a code point.
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

}  // namespace

void Table::add(std::vector<Cell> row) {
    PLIMSOLL_ASSERT(row.size() == columns_.size());
    for (auto& cell : row) {
        cell.text = printable(cell.text);
    }
    rows_.push_back(std::move(row));
}

std::string Table::render(Terminal const& terminal) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = width_of(columns_[i].title);
        for (auto const& row : rows_) {
            widest = std::max(widest, width_of(row[i].text));
        }
        widths.push_back(widest);
    }

    std::string out;
    auto const put_line = [&](auto const& cell_at) {
        std::size_t owed = 0;  // blanks that are written only if something follows
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            Cell const cell = cell_at(i);
            std::size_t const blanks = widths[i] - width_of(cell.text);
            bool const right = columns_[i].align == Align::Right;
            owed += right ? blanks : 0;
            if (!cell.text.empty()) {
                out.append(owed, ' ');
                out += terminal.paint(cell.colour, cell.text);
                owed = 0;
            }
            owed += (right ? 0 : blanks) + 2;
        }
        out += '\n';
    };
    put_line([&](std::size_t i) { return Cell{columns_[i].title, Colour::Dim}; });
    for (auto const& row : rows_) {
        put_line([&](std::size_t i) { return row[i]; });
    }
    return out;
}

}  // namespace plimsoll::app
