#pragma once
// What a person sees of a run that goes on: lines that stay, and one that is redrawn. Pure; all
// text that comes out is printable.

#include "app/terminal.hpp"

#include <plimsoll/base/time.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::app {

class ChainProgress {
  public:
    struct Line {
        Colour colour = Colour::None;
        std::string text;
    };

    // The lines that the event adds for good.
    std::vector<Line> on_event(boost::json::value const& event, TimePoint now);

    // "step 2/3  mistral-small:22b  loading 3.1 s of ~12 s  [#####...............]  18.9 GiB";
    // empty: nothing goes on. At most `width` columns: a line that wraps cannot be redrawn.
    [[nodiscard]] std::string status(TimePoint now, std::size_t width) const;

    // A model that loads, whose time is not known. Told once each load.
    std::optional<std::string> unknown_load();
    // What a plan of the daemon says about one that loads.
    void on_plan(boost::json::value const& plan, TimePoint now);

    [[nodiscard]] std::string const& run() const { return run_; }

  private:
    struct Active {
        std::string place, name, kind, model;
        TimePoint started;
        std::uint64_t tokens = 0;
        std::uint64_t attempt = 1;
        bool is_thinking = false;
    };

    struct Load {
        std::string model;
        TimePoint began;
        std::optional<Duration> expected;
        std::uint64_t bytes = 0;  // charged
        bool is_loading = false;
        bool is_asked = false;
    };

    static bool is_leaf(Active const& step);
    static std::string state_of(Active const& step, Load const* load, TimePoint now);
    Line begin(boost::json::value const& event);
    std::optional<Line> end_step(boost::json::value const& event);
    void count_token(boost::json::value const& event);
    void note_load(boost::json::value const& event, TimePoint now);
    void give_up_loads_ahead();
    [[nodiscard]] Active const* focus() const;
    [[nodiscard]] std::string loads_besides(std::string const& key, TimePoint now) const;
    [[nodiscard]] std::string of_all(std::string const& place) const;

    std::string run_;
    std::uint64_t steps_ = 0;     // of the outermost list
    std::vector<Active> active_;  // in the order they began
    std::map<std::string, Load> loads_;
};

}  // namespace plimsoll::app
