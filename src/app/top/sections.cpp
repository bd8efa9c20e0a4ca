#include "app/top/sections.hpp"

#include "app/top/grid.hpp"
#include "app/top/text.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <optional>

namespace plimsoll::app::top {
namespace {

constexpr std::size_t kMostRuns = 5;
constexpr std::string_view kNothing = "-";

std::string time_or_nothing(std::optional<Duration> time) {
    return time ? whole(*time) : std::string(kNothing);
}

Colour colour_of_state(std::string_view state) {
    return state == "ready" ? Colour::Green : state == "suspect" ? Colour::Red : Colour::Yellow;
}

Colour colour_of_run(std::string_view status) {
    return status == "failed"      ? Colour::Red
           : status == "succeeded" ? Colour::Green
                                   : Colour::Yellow;
}

// The sign by which it is found in the bar.
GridCell sign_of(ModelRow const& row, Board const& board, std::vector<Cargo> const& cargo) {
    auto const& all = board.models();
    for (std::size_t i = 0; i < all.size() && i < cargo.size(); ++i) {
        if (all[i].name == row.name && all[i].upstream == row.upstream) {
            return {cargo[i].glyph, cargo[i].colour};
        }
    }
    return {};
}

std::vector<GridCell> model_cells(ModelRow const& row, GridCell sign) {
    auto const expiry = row.is_pinned    ? "pinned"
                        : row.expires_in ? whole(*row.expires_in)
                                         : "never";
    auto state = row.state;
    if (row.state != "ready") {
        state += " " + whole(row.in_state);
    }
    return {
        std::move(sign),
        {row.name + (row.is_foreign ? " (not ours)" : ""), Colour::None},
        {state, colour_of_state(row.state)},
        {format_bytes(row.charge)},
        {row.context ? std::to_string(*row.context) : std::string(kNothing)},
        {std::to_string(row.users)},
        {std::to_string(row.waiting)},
        {time_or_nothing(row.idle)},
        {expiry, row.is_pinned ? Colour::Bold : Colour::None},
        {row.upstream},
    };
}

std::vector<Line> section(std::string title, Grid const& grid, Look const& look) {
    std::vector<Line> out = {{}, heading(std::move(title), look)};
    std::ranges::move(grid.lines(look.columns, cut_mark(look)), std::back_inserter(out));
    return out;
}

}  // namespace

std::string_view cut_mark(Look const& look) {
    return look.is_utf8 ? "…" : "..";
}

std::string whole(Duration time) {
    return format_duration(std::chrono::round<std::chrono::seconds>(time));
}

Line heading(std::string title, Look const& look) {
    auto const taken = columns_of(title) + 1;
    std::string rule = " ";
    for (auto i = taken; i < look.columns; ++i) {
        rule += look.is_utf8 ? "─" : "-";
    }
    return {{std::move(title), Colour::Bold}, {std::move(rule), Colour::Dim}};
}

std::vector<Line> models_section(
    Board const& board, Ui const& ui, std::vector<Cargo> const& cargo, Look const& look
) {
    auto const rows = ui.shown(board);
    auto title = fmt::format("MODELS {}", rows.size());
    if (!ui.filter().empty()) {
        title += fmt::format(" of {} with \"{}\"", board.models().size(), ui.filter());
    }
    if (rows.empty()) {
        auto const* text = board.models().empty() ? "nothing is in memory" : "none";
        return {{}, heading(std::move(title), look), {{text, Colour::Dim}}};
    }
    Grid grid({
        {"", false, 0, 1},
        {"NAME", false, 0},
        {"STATE", false, 0},
        {"CHARGE", true, 0},
        {"CONTEXT", true, 3},
        {"USERS", true, 1},
        {"WAIT", true, 2},
        {"IDLE", true, 4},
        {"EXPIRES", true, 5},
        {"UPSTREAM", false, board.upstreams().size() > 1 ? 6U : Grid::kNever},
    });
    auto const chosen = look.lines > 0 ? ui.selected(board) : std::nullopt;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        grid.add(model_cells(rows[i], sign_of(rows[i], board, cargo)), chosen == i);
    }
    return section(std::move(title), grid, look);
}

std::vector<Line> queue_section(Board const& board, Look const& look) {
    if (board.queue().empty()) {
        return {};
    }
    Grid grid({
        {"MODEL", false, 0},
        {"WAIT", true, 0},
        {"LONGEST", true, 0},
        {"STILL", true, 1},
        {"WHY", false, 0},
    });
    std::uint64_t requests = 0;
    for (auto const& row : board.queue()) {
        requests += row.requests;
        grid.add(
            {{row.model},
             {std::to_string(row.requests)},
             {whole(row.longest), row.overdue > 0 ? Colour::Red : Colour::None},
             {row.still ? "~ " + whole(*row.still) : std::string(kNothing)},
             {row.why}},
            false
        );
    }
    return section(fmt::format("QUEUE {}", requests), grid, look);
}

std::vector<Line> runs_section(Board const& board, Look const& look) {
    if (board.runs().empty()) {
        return {};
    }
    Grid grid({
        {"RUN", false, 0},
        {"CHAIN", false, 0},
        {"STATUS", false, 0},
        {"LAST STEP", false, 2},
        {"TOOK", true, 0},
        {"LOADS", true, 1},
    });
    auto const shown = std::min(board.runs().size(), kMostRuns);
    for (std::size_t i = 0; i < shown; ++i) {
        auto const& run = board.runs()[i];
        grid.add(
            {{run.id},
             {run.chain.empty() ? std::string(kNothing) : run.chain},
             {run.status, colour_of_run(run.status)},
             {run.last_step.empty() ? std::string(kNothing) : run.last_step},
             {whole(run.took)},
             {std::to_string(run.loads)}},
            false
        );
    }
    return section("RUNS OF CHAINS", grid, look);
}

}  // namespace plimsoll::app::top
