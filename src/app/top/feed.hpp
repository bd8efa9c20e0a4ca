#pragma once
// Keeps a board up to date from a running daemon: looks at it again and again and follows its
// events, and finds it again after a restart. Loop thread only.

#include "app/top/board.hpp"
#include "app/top/ui.hpp"

#include <plimsoll/net/client.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <functional>
#include <optional>
#include <string>

namespace plimsoll::app::top {

class Feed {
  public:
    struct Told {
        std::string text;
        bool is_error = false;
    };

    // `on_change` is called when the board has changed, `on_told` with what a wish came to.
    Feed(
        net::Loop& loop,
        net::ClientConfig config,
        Duration interval,
        Board& board,
        std::function<void()> on_change,
        std::function<void(Told)> on_told
    );

    void start();
    void ask(Wish wish);
    // Ends all that is under way; the loop runs dry.
    void stop();

  private:
    net::Task<void> look_again_and_again();
    net::Task<Result<void>> look();
    net::Task<Result<boost::json::value>> get(std::string path);
    net::Task<void> follow_events();
    net::Task<Result<void>> read_events();
    net::Task<void> perform(Wish wish);
    void found(boost::json::value const& status);
    net::Task<void> look_at_runs();
    [[nodiscard]] std::optional<TimePoint> time_of(boost::json::value const& event) const;
    [[nodiscard]] std::string from_the_start() const;

    net::Loop& loop_;
    net::Client client_;
    Duration interval_;
    Board& board_;
    std::function<void()> on_change_;
    std::function<void(Told)> on_told_;
    net::Canceller over_;
    net::Flag news_;                    // an event came: look at once
    std::optional<double> wall_ahead_;  // the daemon's clock less that of the loop, in seconds
    bool has_looked_ = false;
    std::uint64_t past_ = 0;  // requests, loads and unloads that the daemon has counted
};

}  // namespace plimsoll::app::top
