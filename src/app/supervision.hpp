#pragma once
// What a service manager (systemd) is told: when the daemon is ready, how it stands, that it reads
// its configuration anew, that it ends, and, from the event loop itself, that it is alive: a loop
// that hangs gives no sign. Does nothing where no manager listens. Loop thread only.

#include "app/notify_socket.hpp"

#include <plimsoll/net/loop.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace plimsoll::app {

struct Standing {
    bool is_settled = false;
    std::string line;
};

class Supervision {
  public:
    // `look` is asked while the loop runs. `watchdog`: the longest silence that the manager bears.
    Supervision(
        net::Loop& loop,
        NotifySocket socket,
        std::optional<Duration> watchdog,
        std::function<Standing()> look
    );

    // Once the daemon listens. Readiness is told when `look` calls it settled, or after 15 s.
    void start();
    void reloading();
    // `problems` of a configuration that was not taken over; 0: it is in force.
    void reloaded(std::size_t problems);
    // `limit`: what the end may take.
    void stopping(std::size_t connections, Duration limit);

  private:
    void tick();
    void ping();
    [[nodiscard]] std::string status(std::string const& line) const;

    net::Loop& loop_;
    NotifySocket socket_;
    std::optional<Duration> watchdog_;
    std::function<Standing()> look_;
    // Neither keeps a loop alive that has nothing else to do.
    net::Timer tick_;
    net::Timer ping_;
    TimePoint started_{};
    bool is_ready_ = false;     // and told
    bool is_stopping_ = false;  // the last word is said
    std::size_t problems_ = 0;  // of the last reload
    std::string told_;          // the last status that was taken
    // When the worker was asked for a sign; empty: it has given it. Shared with the answer.
    std::shared_ptr<std::optional<TimePoint>> worker_asked_;
    bool is_worker_silent_ = false;
};

}  // namespace plimsoll::app
