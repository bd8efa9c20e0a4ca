#include "app/top/water_line.hpp"

#include "app/top/text.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace plimsoll::app::top {
namespace {

constexpr std::size_t kLeastWidth = 10, kMostWidth = 120;  // columns of the bar
constexpr std::size_t kNarrow = 60;
// Neither red nor yellow: they say that something is wrong.
constexpr std::array kColours = {Colour::Green, Colour::Cyan, Colour::Blue, Colour::Magenta};

std::string_view solid(Look const& look) {
    return look.is_utf8 ? "█" : "#";
}

std::size_t part_of(Bytes bytes, Bytes whole, std::size_t width) {
    if (whole.is_zero()) {
        return 0;
    }
    auto const share = static_cast<double>(bytes.count()) / static_cast<double>(whole.count());
    return std::min(static_cast<std::size_t>(share * static_cast<double>(width)), width);
}

// FNV-1a: the same colour for a name in every process.
std::size_t hash_of(std::string_view name) {
    std::uint32_t out = 2166136261U;
    for (char const c : name) {
        out = (out ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return out;
}

std::string_view glyph_of(ModelRow const& row, bool is_odd, Look const& look) {
    if (row.state != "ready") {
        return look.is_utf8 ? "▒" : ":";
    }
    if (look.has_colours || !is_odd) {
        return solid(look);
    }
    return look.is_utf8 ? "▓" : "=";
}

// Cells of one look, side by side, are one span.
void add_cell(Line& line, std::string_view glyph, Colour colour) {
    bool const is_same = !line.empty() && line.back().colour == colour &&
                         std::string_view(line.back().text).ends_with(glyph);
    if (is_same) {
        line.back().text += glyph;
    } else {
        line.push_back({std::string(glyph), colour});
    }
}

// The cells below the water, from left to right.
std::vector<Cargo> cells_of(
    std::size_t filled, Bytes whole, std::size_t width, std::vector<Cargo> const& cargo, Cargo rest
) {
    std::vector<Cargo> out(filled, rest);
    Bytes before;
    std::size_t from = 0;
    for (auto const& one : cargo) {
        before += one.charge;
        auto const to =
            std::max(part_of(before, whole, width), from + (one.charge.is_zero() ? 0 : 1));
        for (auto i = from; i < to && i < filled; ++i) {
            out[i] = one;
        }
        from = to;
    }
    return out;
}

}  // namespace

std::vector<Cargo> cargo_of(std::vector<ModelRow> const& models, Look const& look) {
    std::vector<Cargo> out;
    std::array<bool, kColours.size()> is_taken{};
    for (auto const& row : models) {
        auto at = hash_of(row.name) % kColours.size();
        for (std::size_t i = 0; i < kColours.size() && is_taken[at]; ++i) {
            at = (at + 1) % kColours.size();
        }
        is_taken[at] = true;
        if (std::ranges::all_of(is_taken, [](bool one) { return one; })) {
            is_taken.fill(false);
        }
        auto const glyph = glyph_of(row, out.size() % 2 == 1, look);
        out.push_back({row.charge, kColours[at], std::string(glyph)});
    }
    return out;
}

Line water_line(
    std::string const& name,
    Bytes charged,
    Bytes budget,
    Bytes peak,
    std::vector<Cargo> const& cargo,
    Look const& look
) {
    bool const is_over = charged > budget;
    auto text = fmt::format(" {} of {}", format_bytes(charged), format_bytes(budget));
    text += is_over ? ", over it" : "";
    text += peak.is_zero() || look.columns < kNarrow ? "" : ", peak " + format_bytes(peak);

    auto const rest = columns_of(name) + columns_of(text) + 1;  // the mark takes one
    auto const width =
        std::clamp(look.columns - std::min(look.columns, rest), kLeastWidth, kMostWidth);
    auto const whole = std::max(charged, budget);
    auto const mark = part_of(budget, whole, width);
    auto const filled =
        charged.is_zero() ? 0 : std::max<std::size_t>(part_of(charged, whole, width), 1);
    bool const is_near = charged.count() > budget.count() / 10 * 9;
    auto const plain = cargo.empty() ? (is_near ? Colour::Yellow : Colour::Green) : Colour::Dim;
    auto const cells = cells_of(filled, whole, width, cargo, {{}, plain, std::string(solid(look))});

    Line line = {{name}};
    for (std::size_t i = 0; i < width; ++i) {
        if (i == mark) {
            line.push_back({look.is_utf8 ? "┃" : "|", Colour::Bold});
        }
        if (i < filled) {
            add_cell(line, cells[i].glyph, i < mark ? cells[i].colour : Colour::Red);
        } else if (i < mark) {
            add_cell(line, look.is_utf8 ? "░" : ".", Colour::Dim);
        }
    }
    if (mark == width) {
        line.push_back({look.is_utf8 ? "┃" : "|", Colour::Bold});
    }
    line.push_back({text, is_over ? Colour::Red : is_near ? Colour::Yellow : Colour::None});
    return line;
}

}  // namespace plimsoll::app::top
