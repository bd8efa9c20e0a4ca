#pragma once
// What the keys of `plimsoll top` do: which row is chosen, what is being typed, what the daemon is
// asked. Pure.

#include "app/top/board.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::app::top {

struct Key {
    enum class Kind : std::uint8_t {
        Letter,
        Up,
        Down,
        PageUp,
        PageDown,
        Home,
        End,
        Enter,
        Escape,
        Backspace
    };
    Kind kind = Kind::Letter;
    char letter = '\0';  // of Letter: ASCII, printable
};

// A request to the control API, in words for the line that tells of it.
struct Wish {
    std::string path;
    boost::json::object body;
    std::string doing;  // "unloading gemma3:12b"
};

class Ui {
  public:
    enum class Mode : std::uint8_t { Watch, Help, Filter, Load, ConfirmCleanup };

    // nullopt: nothing is to be asked.
    std::optional<Wish> press(Key key, Board const& board);
    // An answer to a wish: what it came to.
    void tell(std::string text, bool is_error);

    [[nodiscard]] Mode mode() const { return mode_; }

    [[nodiscard]] bool has_ended() const { return has_ended_; }

    [[nodiscard]] std::string const& filter() const { return filter_; }

    [[nodiscard]] std::string const& typed() const { return typed_; }

    [[nodiscard]] std::string const& notice() const { return notice_; }

    [[nodiscard]] bool notice_is_error() const { return notice_is_error_; }

    // Models that pass the filter.
    [[nodiscard]] std::vector<ModelRow> shown(Board const& board) const;
    // Into shown(); nullopt: none is there. Follows the chosen model when rows come and go.
    [[nodiscard]] std::optional<std::size_t> selected(Board const& board) const;

  private:
    std::optional<Wish> press_while_watching(Key key, Board const& board);
    std::optional<Wish> press_while_typing(Key key);
    std::optional<Wish> wish_for_selected(char letter, Board const& board);
    void move(std::ptrdiff_t by, Board const& board);

    Mode mode_ = Mode::Watch;
    bool has_ended_ = false;
    std::string filter_, typed_, notice_;
    bool notice_is_error_ = false;
    std::string chosen_model_, chosen_upstream_;
    std::size_t last_index_ = 0;
};

}  // namespace plimsoll::app::top
