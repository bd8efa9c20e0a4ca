#include "app/top/ui.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>

namespace plimsoll::app::top {
namespace {

constexpr std::ptrdiff_t kPage = 10;
constexpr std::size_t kLongestTyped = 200;

bool is_in(std::string_view part, std::string_view text) {
    return to_lower(text).contains(to_lower(part));
}

}  // namespace

std::vector<ModelRow> Ui::shown(Board const& board) const {
    std::vector<ModelRow> out;
    std::ranges::copy_if(board.models(), std::back_inserter(out), [this](ModelRow const& row) {
        return filter_.empty() || is_in(filter_, row.name) || is_in(filter_, row.state);
    });
    return out;
}

std::optional<std::size_t> Ui::selected(Board const& board) const {
    auto const rows = shown(board);
    if (rows.empty()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].name == chosen_model_ && rows[i].upstream == chosen_upstream_) {
            return i;
        }
    }
    return std::min(last_index_, rows.size() - 1);
}

void Ui::move(std::ptrdiff_t by, Board const& board) {
    auto const rows = shown(board);
    auto const at = selected(board);
    if (!at) {
        return;
    }
    auto const last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
    auto const to = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(*at) + by, 0, last);
    last_index_ = static_cast<std::size_t>(to);
    chosen_model_ = rows[last_index_].name;
    chosen_upstream_ = rows[last_index_].upstream;
}

void Ui::tell(std::string text, bool is_error) {
    notice_ = std::move(text);
    notice_is_error_ = is_error;
}

std::optional<Wish> Ui::press(Key key, Board const& board) {
    switch (mode_) {
        case Mode::Watch:
            return press_while_watching(key, board);
        case Mode::Help:
            mode_ = Mode::Watch;
            return std::nullopt;
        case Mode::ConfirmCleanup:
            mode_ = Mode::Watch;
            if (key.kind == Key::Kind::Letter && (key.letter == 'y' || key.letter == 'Y')) {
                return Wish{"/plimsoll/v1/cleanup", {}, "unloading everything idle"};
            }
            tell("nothing was unloaded", false);
            return std::nullopt;
        case Mode::Filter:
        case Mode::Load:
            return press_while_typing(key);
    }
    return std::nullopt;
}

std::optional<Wish> Ui::press_while_watching(Key key, Board const& board) {
    constexpr std::ptrdiff_t kAll = 1'000'000;
    tell("", false);
    switch (key.kind) {
        case Key::Kind::Up:
            move(-1, board);
            return std::nullopt;
        case Key::Kind::Down:
            move(1, board);
            return std::nullopt;
        case Key::Kind::PageUp:
            move(-kPage, board);
            return std::nullopt;
        case Key::Kind::PageDown:
            move(kPage, board);
            return std::nullopt;
        case Key::Kind::Home:
            move(-kAll, board);
            return std::nullopt;
        case Key::Kind::End:
            move(kAll, board);
            return std::nullopt;
        case Key::Kind::Escape:
            filter_.clear();
            return std::nullopt;
        case Key::Kind::Letter:
            return wish_for_selected(key.letter, board);
        default:
            return std::nullopt;
    }
}

std::optional<Wish> Ui::wish_for_selected(char letter, Board const& board) {
    auto const rows = shown(board);
    auto const at = selected(board);
    auto const* row = at ? &rows[*at] : nullptr;
    auto const ask = [&](std::string path, std::string_view verb) -> std::optional<Wish> {
        if (row == nullptr) {
            tell("no model is chosen", true);
            return std::nullopt;
        }
        return Wish{
            std::move(path),
            {{"model", row->name}, {"upstream", row->upstream}},
            std::string(verb) + " " + row->name
        };
    };
    switch (letter) {
        case 'q':
            has_ended_ = true;
            return std::nullopt;
        case 'j':
            move(1, board);
            return std::nullopt;
        case 'k':
            move(-1, board);
            return std::nullopt;
        case 'u':
            return ask("/plimsoll/v1/models/unload", "unloading");
        case 'p':
            return row != nullptr && row->is_pinned ? ask("/plimsoll/v1/models/unpin", "unpinning")
                                                    : ask("/plimsoll/v1/models/pin", "pinning");
        case 'l':
            mode_ = Mode::Load;
            typed_.clear();
            return std::nullopt;
        case 'c':
            mode_ = Mode::ConfirmCleanup;
            return std::nullopt;
        case 'f':
        case '/':
            mode_ = Mode::Filter;
            typed_ = filter_;
            return std::nullopt;
        case '?':
        case 'h':
            mode_ = Mode::Help;
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<Wish> Ui::press_while_typing(Key key) {
    auto const mode = mode_;
    switch (key.kind) {
        case Key::Kind::Letter:
            if (typed_.size() < kLongestTyped) {
                typed_ += key.letter;
            }
            break;
        case Key::Kind::Backspace:
            if (!typed_.empty()) {
                typed_.pop_back();
            }
            break;
        case Key::Kind::Escape:
            mode_ = Mode::Watch;
            typed_.clear();
            break;
        case Key::Kind::Enter:
            mode_ = Mode::Watch;
            break;
        default:
            return std::nullopt;
    }
    if (mode == Mode::Filter) {
        filter_ = typed_;
    } else if (key.kind == Key::Kind::Enter && !trim(typed_).empty()) {
        std::string const model(trim(typed_));
        return Wish{"/plimsoll/v1/models/load", {{"model", model}}, "loading " + model};
    }
    return std::nullopt;
}

}  // namespace plimsoll::app::top
