#pragma once
// The datagram socket on which a service manager is told how a service stands, as sd_notify(3)
// describes it for programs without libsystemd (docs/decisions/0021). Value; any thread.

#include <plimsoll/base/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::app {

class NotifySocket {
  public:
    // $NOTIFY_SOCKET; without it, or with an address of a kind that is not supported, one that
    // nothing is sent to.
    static NotifySocket from_environment();
    // A path, or "@" and the name of an abstract socket.
    explicit NotifySocket(std::string address);

    [[nodiscard]] bool is_there() const { return !address_.empty(); }

    // Lines of NAME=VALUE. Never waits: false if the manager did not take it.
    [[nodiscard]] bool send(std::string_view lines) const;

  private:
    std::string address_;
};

// How often the manager wants a sign of life: $WATCHDOG_USEC, where it is meant for this process.
std::optional<Duration> watchdog_from_environment();

}  // namespace plimsoll::app
