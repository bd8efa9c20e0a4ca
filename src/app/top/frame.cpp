#include "app/top/frame.hpp"

#include "app/top/sections.hpp"
#include "app/top/text.hpp"
#include "app/top/water_line.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

namespace plimsoll::app::top {
namespace {

constexpr std::size_t kLeastColumns = 40, kLeastLines = 10;
constexpr std::size_t kLeastDecisions = 3;
constexpr std::size_t kAbove = 3;   // lines of a table: a blank, the heading and the titles
constexpr std::size_t kSmall = 20;  // lines
// The most important first: the last are cut off where it is narrow.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKeys = {{
    {"q", "quit"},
    {"?", "help"},
    {"j k", "choose"},
    {"u", "unload"},
    {"p", "pin"},
    {"l", "load"},
    {"c", "cleanup"},
    {"f", "filter"},
}};

Colour colour_of_kind(std::string_view kind) {
    if (kind == "refuse" || kind == "load_failed" || kind == "upstream_down" || kind == "missed") {
        return Colour::Red;
    }
    return kind == "loaded" || kind == "dispatch" ? Colour::Green : Colour::Yellow;
}

// "1 load", "2 loads".
std::string counted(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class Drawing {
  public:
    Drawing(Board const& board, Ui const& ui, TimePoint now, Look const& look)
        : board_(board), ui_(ui), now_(now), look_(look), cargo_(cargo_of(board.models(), look)) {}

    std::vector<Line> draw() {
        if (is_bounded() && (look_.columns < kLeastColumns || look_.lines < kLeastLines)) {
            add({{fmt::format("{}x{} is too small; 40x10 will do", look_.columns, look_.lines)}});
            return finish();
        }
        if (ui_.mode() == Ui::Mode::Help) {
            draw_help();
            return finish();
        }
        draw_head();
        draw_upstreams();
        auto const queue = queue_section(board_, look_);
        auto const runs = runs_section(board_, look_);
        put_models(queue.size() + runs.size());
        for (auto const& table : {queue, runs}) {
            auto const room = room_left() - std::min(room_left(), kept_for_decisions());
            put(table, room > kAbove ? room : 0);  // titles alone tell nothing
        }
        draw_decisions();
        return finish();
    }

  private:
    [[nodiscard]] bool is_bounded() const { return look_.lines > 0; }

    // Lines left above the line of keys.
    [[nodiscard]] std::size_t room_left() const {
        if (!is_bounded()) {
            return SIZE_MAX / 2;
        }
        return look_.lines - std::min(look_.lines, lines_.size() + 1);
    }

    // On a small terminal what is now counts more than what was.
    [[nodiscard]] std::size_t kept_for_decisions() const {
        return look_.lines < kSmall ? 0 : kLeastDecisions + 2;
    }

    // The queue and the decisions keep some lines, however many models there are.
    [[nodiscard]] std::size_t room_for_models(std::size_t wanted, std::size_t others) const {
        auto const kept = std::min(others, kAbove + 1) + kept_for_decisions();
        auto const room = room_left() - std::min(room_left(), kept);
        return std::min(wanted, std::max(room, kAbove + 1));
    }

    void add(Line line) { lines_.push_back(std::move(line)); }

    void put(std::vector<Line> const& lines, std::size_t room) {
        for (std::size_t i = 0; i < lines.size() && i < room; ++i) {
            add(lines[i]);
        }
    }

    // `right` at the right edge, where there is room for it.
    void add_with(Line line, std::string const& right) {
        std::size_t taken = columns_of(right) + 2;
        for (auto const& span : line) {
            taken += columns_of(span.text);
        }
        if (taken <= look_.columns) {
            line.push_back({std::string(look_.columns - taken + 2, ' ') + right, Colour::Dim});
        }
        add(std::move(line));
    }

    void draw_head() {
        Line line = {{"Plimsoll " + board_.version() + "  ", Colour::Bold}};
        auto const lamp = [&](std::string const& word, Colour colour) {
            line.push_back({(look_.is_utf8 ? "● " : "* ") + word, colour});
        };
        switch (board_.link()) {
            case Link::Connecting:
                lamp("connecting", Colour::Yellow);
                break;
            case Link::Live:
                lamp("live", Colour::Green);
                break;
            case Link::Lost:
                lamp("no answer", Colour::Red);
                break;
        }
        line.push_back({"  " + look_.url});
        if (!board_.remark().empty()) {
            line.push_back({"  " + board_.remark(), Colour::Yellow});
        }
        add(std::move(line));
        if (board_.link() == Link::Lost) {
            draw_loss();
        }
    }

    void draw_loss() {
        auto const& why = board_.why_lost();
        auto text = fmt::format(
            " No answer from Plimsoll for {}, trying again: {}",
            whole(now_ - board_.lost_at()),
            why.substr(0, why.find(';'))
        );
        text.append(look_.columns - std::min(look_.columns, columns_of(text)), ' ');
        add({{std::move(text), Colour::Red, true}});
    }

    void draw_upstreams() {
        for (auto const& upstream : board_.upstreams()) {
            Line line = {{upstream.name, Colour::Bold}, {"  " + upstream.kind + "  "}};
            if (upstream.kind.starts_with(upstream.name)) {  // "ollama", of kind "ollama 0.12.3"
                line = {{upstream.kind, Colour::Bold}, {"  "}};
            }
            line.push_back(upstream.is_up ? Span{"up", Colour::Green} : Span{"down", Colour::Red});
            line.push_back({upstream.is_up ? "  " + upstream.url : ": " + upstream.why});
            add_with(
                std::move(line),
                fmt::format(
                    "{}, {}, {} refused",
                    counted(upstream.loads, "load"),
                    counted(upstream.evictions, "eviction"),
                    upstream.refused
                )
            );
            std::vector<Cargo> cargo;
            for (std::size_t i = 0; i < cargo_.size(); ++i) {
                if (board_.models()[i].upstream == upstream.name) {
                    cargo.push_back(cargo_[i]);
                }
            }
            add(water_line("", upstream.charged, upstream.budget, upstream.peak, cargo, look_));
            for (std::size_t i = 0; i < upstream.cards.size(); ++i) {
                auto const& card = upstream.cards[i];
                auto const name = fmt::format("card {} ", i + 1);
                add(water_line(name, card.charged, card.budget, Bytes(), {}, look_));
            }
        }
    }

    // Rows above the chosen one leave where it would not be seen else. `others`: lines of the other
    // tables.
    void put_models(std::size_t others) {
        auto lines = models_section(board_, ui_, cargo_, look_);
        auto const chosen = is_bounded() ? ui_.selected(board_) : std::nullopt;
        auto const room = room_for_models(lines.size(), others);
        auto const rows = room - std::min(room, kAbove);
        if (chosen && *chosen >= rows) {
            auto const from = lines.begin() + kAbove;
            lines.erase(from, from + static_cast<std::ptrdiff_t>(*chosen - rows + 1));
        }
        put(lines, room);
    }

    void draw_decisions() {
        auto const room = room_left();
        if (room < 2) {
            return;
        }
        add({});
        add(heading("DECISIONS", look_));
        auto const most = is_bounded() ? room - 2 : std::size_t{20};
        auto const& all = board_.decisions();
        if (all.empty()) {
            add({{"none yet", Colour::Dim}});
        }
        auto const from = all.size() - std::min(all.size(), most);
        for (auto i = all.size(); i > from; --i) {
            auto const& one = all[i - 1];
            add(
                {{fmt::format(
                      "{:>8} ", one.at ? whole(std::max(now_ - *one.at, Duration::zero())) : "-"
                  ),
                  Colour::Dim},
                 {fmt::format("{:<11} ", one.kind), colour_of_kind(one.kind)},
                 {one.text.contains(one.model) ? one.text : one.model + ": " + one.text}}
            );
        }
    }

    void draw_help() {
        constexpr std::array kLines = {
            "up, down, k, j   choose a model; page up, page down, home, end",
            "u                unload it once its running answers are done",
            "p                pin it, or take its pin off",
            "l                load a model: type its name, Enter; Escape gives up",
            "c                unload everything idle; y confirms",
            "f or /           filter models by name or state; Escape clears it",
            "? or h           this page",
            "q or Ctrl-C      end",
        };
        add({{"Keys", Colour::Bold}});
        for (auto const* key : kLines) {
            add({{std::string("  ") + key}});
        }
        add({});
        add({{"The bar is what the budget is charged with; the mark is the budget.", Colour::Dim}});
        add({{"Any key goes back.", Colour::Dim}});
    }

    [[nodiscard]] Line last_line() const {
        switch (ui_.mode()) {
            case Ui::Mode::Filter:
                return {{"Filter: ", Colour::Bold}, {ui_.typed() + "_"}};
            case Ui::Mode::Load:
                return {{"Load which model? ", Colour::Bold}, {ui_.typed() + "_"}};
            case Ui::Mode::ConfirmCleanup:
                return {{"Unload everything that is idle? y or n", Colour::Yellow}};
            default:
                break;
        }
        if (!ui_.notice().empty()) {
            return {{ui_.notice(), ui_.notice_is_error() ? Colour::Red : Colour::Green}};
        }
        Line line;
        for (auto const& [key, what] : kKeys) {
            line.push_back({std::string(key), Colour::Bold});
            line.push_back({" " + std::string(what) + "  ", Colour::Dim});
        }
        return line;
    }

    std::vector<Line> finish() {
        if (is_bounded()) {
            lines_.resize(look_.lines - 1);
            lines_.push_back(last_line());
        }
        for (auto& line : lines_) {
            fit(line);
        }
        return std::move(lines_);
    }

    void fit(Line& line) const {
        std::size_t left = look_.columns;
        for (auto& span : line) {
            if (!look_.is_utf8) {
                span.text = to_ascii(span.text);
            }
            span.text = left == 0 ? std::string() : cut(span.text, left, cut_mark(look_));
            left -= std::min(left, columns_of(span.text));
        }
    }

    Board const& board_;
    Ui const& ui_;
    TimePoint now_;
    Look const& look_;
    std::vector<Cargo> cargo_;  // of the board's models
    std::vector<Line> lines_;
};

}  // namespace

std::vector<Line> draw(Board const& board, Ui const& ui, TimePoint now, Look const& look) {
    return Drawing(board, ui, now, look).draw();
}

std::string plain(std::vector<Line> const& lines) {
    std::string out;
    for (auto const& line : lines) {
        std::string text;
        for (auto const& span : line) {
            text += span.text;
        }
        out += std::string(text.substr(0, text.find_last_not_of(' ') + 1)) + '\n';
    }
    return out;
}

}  // namespace plimsoll::app::top
