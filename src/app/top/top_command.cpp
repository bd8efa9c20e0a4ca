#include "app/control_client.hpp"
#include "app/run.hpp"
#include "app/top/feed.hpp"
#include "app/top/frame.hpp"
#include "app/top/screen.hpp"

#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace plimsoll::app {
namespace {

using namespace top;

constexpr Duration kKeys = std::chrono::milliseconds(30);   // how often keys are looked for
constexpr Duration kMoving = std::chrono::seconds(1);       // how often what counts up is drawn
constexpr Duration kOnce = std::chrono::milliseconds(600);  // for the kept decisions to come

int failed(Error const& error, int status) {
    std::fprintf(stderr, "plimsoll top: %s\n", error.message.c_str());
    return status;
}

// All that is shown, asked for once. Error: no daemon there, or what it said.
Result<void> fill(ControlClient& client, Board& board) {
    auto const status = client.get("/plimsoll/v1/status");
    if (!status) {
        return fail(status.error());
    }
    auto const models = client.get("/plimsoll/v1/models");
    if (!models) {
        return fail(models.error());
    }
    auto const queue = client.get("/plimsoll/v1/queue");
    if (!queue) {
        return fail(queue.error());
    }
    board.take_status(*status);
    board.take_models(*models);
    board.take_queue(*queue);
    if (auto const runs = client.get("/plimsoll/v1/runs?limit=5")) {
        board.take_runs(*runs);
    }
    board.set_link(Link::Live, "", TimePoint{});
    return {};
}

// With what the daemon keeps of its last decisions.
int print_once(Board& board, TopOptions const& options, net::ClientConfig config) {
    net::Loop loop;
    Feed feed(loop, std::move(config), kMoving, board, [] {}, [](Feed::Told const&) {});
    net::Timer end(loop);
    end.arm(loop.now() + kOnce, [&feed] { feed.stop(); });
    feed.start();
    loop.run();
    auto look = plain_look();
    look.url = options.url;
    std::fputs(plain(draw(board, {}, loop.now(), look)).c_str(), stdout);
    return 0;
}

// The loop of a person looking at it.
class Watch {
  public:
    Watch(Screen& screen, TopOptions const& options, Board& board, net::ClientConfig config)
        : screen_(screen),
          options_(options),
          board_(board),
          signals_(loop_.context(), SIGINT, SIGTERM, SIGHUP),
          keys_(loop_),
          feed_(
              loop_,
              std::move(config),
              options.interval,
              board,
              [this] { put(); },
              [this](Feed::Told told) {
                  ui_.tell(std::move(told.text), told.is_error);
                  put();
              }
          ) {}

    // The number of the signal that ended it; 0: by key.
    int run() {
        signals_.async_wait([this](boost::system::error_code const& error, int number) {
            if (!error) {
                signal_ = number;
                stop();
            }
        });
        feed_.start();
        put();
        look_for_keys();
        loop_.run();
        return signal_;
    }

  private:
    void stop() {
        if (!has_stopped_) {
            has_stopped_ = true;
            keys_.cancel();
            signals_.cancel();
            feed_.stop();
        }
    }

    void put() {
        if (has_stopped_) {
            return;
        }
        auto look = screen_.look();
        look.url = options_.url;
        screen_.put(draw(board_, ui_, loop_.now(), look));
        drawn_ = loop_.now();
    }

    void look_for_keys() {
        bool has_changed = loop_.now() - drawn_ >= kMoving;
        while (auto const key = screen_.read_key(has_changed)) {
            has_changed = true;
            if (auto wish = ui_.press(*key, board_)) {
                feed_.ask(std::move(*wish));
            }
            if (ui_.has_ended()) {
                stop();
                return;
            }
        }
        if (has_changed) {
            put();
        }
        keys_.arm(loop_.now() + kKeys, [this] { look_for_keys(); });
    }

    net::Loop loop_;
    Screen& screen_;
    TopOptions const& options_;
    Board& board_;
    Ui ui_;
    boost::asio::signal_set signals_;
    net::Timer keys_;
    Feed feed_;
    TimePoint drawn_{};
    int signal_ = 0;
    bool has_stopped_ = false;
};

}  // namespace

int run_top(TopOptions const& options) {
    auto client = ControlClient::make(options.url, options.key_file);
    if (!client) {
        return failed(client.error(), 2);
    }
    Board board;
    if (auto const filled = fill(*client, board); !filled) {
        return failed(filled.error(), 1);
    }
    if (options.once) {
        return print_once(board, options, client->config());
    }
    int number = 0;
    {
        auto const screen = Screen::open();
        if (!screen) {
            return failed(screen.error(), 1);
        }
        number = Watch(**screen, options, board, client->config()).run();
    }
    return number == 0 ? 0 : 128 + number;
}

}  // namespace plimsoll::app
