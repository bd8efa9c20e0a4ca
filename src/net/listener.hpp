#pragma once
// A listening socket: binds, accepts in batches, and rests when the process has run out of
// descriptors.

#include "net/listen_socket.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/server.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace plimsoll::net {

struct Accepted {
    int fd = -1;  // non-blocking; the receiver owns it
    bool is_v6 = false;
    std::string peer;  // address without port, or "unix"
};

class Listener : public std::enable_shared_from_this<Listener> {
  public:
    using OnAccept = std::function<void(Accepted)>;

    Listener(Loop& loop, OnAccept on_accept);

    // Error Io: address, port and the system's words.
    Result<void> listen(ServerConfig const& config);
    // At once; nothing is accepted afterwards.
    void close();

    [[nodiscard]] bool is_open() const { return open_; }

    [[nodiscard]] std::uint16_t port() const { return socket_ ? socket_->port() : 0; }

  private:
    void arm();
    void accept_batch();
    void rest(int failure);

    Loop& loop_;
    OnAccept on_accept_;
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor_;
    Timer rest_timer_;
    std::optional<ListenSocket> socket_;  // its descriptor is the acceptor's
    std::string where_;                   // for the log
    bool open_ = false;
    std::optional<TimePoint> told_;  // when a shortage of descriptors was logged last
};

}  // namespace plimsoll::net
