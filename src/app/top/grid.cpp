#include "app/top/grid.hpp"

#include "app/top/text.hpp"

#include <plimsoll/base/result.hpp>

#include <algorithm>
#include <optional>

namespace plimsoll::app::top {
namespace {

constexpr std::size_t kLeastWidth = 6;  // of a column that is cut

std::size_t sum_of(std::vector<GridColumn> const& columns, std::vector<std::size_t> const& widths) {
    std::size_t sum = 0;
    std::size_t last = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] > 0) {
            sum += widths[i] + columns[i].gap;
            last = columns[i].gap;
        }
    }
    return sum - last;
}

// The column that goes next; nullopt: the rest stays.
std::optional<std::size_t> next_to_go(
    std::vector<GridColumn> const& columns, std::vector<std::size_t> const& widths
) {
    std::optional<std::size_t> out;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        bool const may_go = widths[i] > 0 && columns[i].rank > 0;
        if (may_go && (!out || columns[i].rank > columns[*out].rank)) {
            out = i;
        }
    }
    return out;
}

std::string padded(
    std::string const& text, std::size_t width, bool is_right, std::string_view mark
) {
    auto out = cut(text, width, mark);
    std::string const blanks(width - std::min(width, columns_of(out)), ' ');
    return is_right ? blanks + out : out + blanks;
}

}  // namespace

void Grid::add(std::vector<GridCell> cells, bool is_chosen) {
    PLIMSOLL_ASSERT(cells.size() == columns_.size());
    rows_.push_back({std::move(cells), is_chosen});
}

std::vector<std::size_t> Grid::widths() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        auto width = columns_of(columns_[i].title);
        for (auto const& row : rows_) {
            width = std::max(width, columns_of(row.cells[i].text));
        }
        out.push_back(columns_[i].rank == kNever ? 0 : width);
    }
    return out;
}

std::vector<Line> Grid::lines(std::size_t width, std::string_view mark) const {
    auto sizes = widths();
    while (sum_of(columns_, sizes) > width) {
        if (auto const gone = next_to_go(columns_, sizes)) {
            sizes[*gone] = 0;
            continue;
        }
        auto const widest = std::ranges::max_element(sizes);
        if (*widest <= kLeastWidth) {
            break;
        }
        *widest -= std::min(*widest - kLeastWidth, sum_of(columns_, sizes) - width);
    }
    std::vector<Line> out(rows_.size() + 1);
    std::size_t last = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        last = sizes[i] > 0 ? i : last;
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] == 0) {
            continue;
        }
        std::string const gap(i == last ? 0 : columns_[i].gap, ' ');
        bool const is_right = columns_[i].is_right;
        out[0].push_back({padded(columns_[i].title, sizes[i], is_right, mark) + gap, Colour::Dim});
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            auto const& cell = rows_[row].cells[i];
            // A bar of one colour; a column without a title is a sign beside it.
            bool const is_in_bar = rows_[row].is_chosen && !columns_[i].title.empty();
            out[row + 1].push_back(
                {padded(cell.text, sizes[i], is_right, mark) + gap,
                 is_in_bar ? Colour::None : cell.colour,
                 is_in_bar}
            );
        }
    }
    return out;
}

}  // namespace plimsoll::app::top
