#pragma once
// The terminal of `plimsoll top`: full screen while it lives, as it was before afterwards, even
// where the process is ended by a signal or crashes. One at a time.

#include "app/top/frame.hpp"
#include "app/top/ui.hpp"

#include <plimsoll/base/result.hpp>

#include <memory>
#include <optional>

namespace plimsoll::app::top {

// Of standard output where nothing is drawn on it: without colours, and of any number of lines.
Look plain_look();

class Screen {
  public:
    // Error Unsupported: no terminal, or one that cannot be drawn on, with what to do instead.
    static Result<std::unique_ptr<Screen>> open();
    ~Screen();
    Screen(Screen const&) = delete;
    Screen& operator=(Screen const&) = delete;

    // Its size now, and whether it shows UTF-8.
    [[nodiscard]] Look look() const;
    void put(std::vector<Line> const& lines);

    // What was pressed, without waiting. `is_resized` is set where the size has changed.
    std::optional<Key> read_key(bool& is_resized);

  private:
    explicit Screen(bool has_colours) : has_colours_(has_colours) {}

    bool has_colours_;
};

}  // namespace plimsoll::app::top
