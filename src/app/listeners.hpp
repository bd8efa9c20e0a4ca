#pragma once
// Every address at which the daemon listens, as one. Loop thread only.

#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/server.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::app {

enum class ListenerRole : std::uint8_t { Public, Admin };

class Listeners {
  public:
    explicit Listeners(net::Loop& loop) : loop_(loop) {}

    // Listens from now on. Error Io: with the address.
    Result<void> add(ListenerRole role, net::ServerConfig config, net::Handler handler);
    // Limits, time-outs and TLS for all; each keeps its address.
    void reconfigure(net::ServerConfig const& config);
    void drain();
    void close();

    [[nodiscard]] std::size_t connections() const;
    // No other machine reaches any of them.
    [[nodiscard]] bool are_local() const;
    // The addresses of a role, as "http://127.0.0.1:11435" or "unix:/run/plimsoll/admin.sock".
    [[nodiscard]] std::vector<std::string> addresses(ListenerRole role) const;

  private:
    struct One {
        ListenerRole role = ListenerRole::Public;
        std::string scheme{};
        std::string address{};
        std::unique_ptr<net::Server> server{};
    };

    net::Loop& loop_;
    std::vector<One> all_;
};

}  // namespace plimsoll::app
