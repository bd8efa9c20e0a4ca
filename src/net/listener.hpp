#pragma once
// A listening socket: binds, accepts in batches, and rests when the process has run out of
// descriptors.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/loop.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

struct sockaddr_storage;

namespace plimsoll::net {

struct Accepted {
    int fd = -1;  // non-blocking; the receiver owns it
    bool is_v6 = false;
    std::string peer;  // address without port
};

class Listener : public std::enable_shared_from_this<Listener> {
  public:
    using OnAccept = std::function<void(Accepted)>;

    Listener(Loop& loop, OnAccept on_accept);

    // Error Io: address, port and the system's words.
    Result<void> listen(std::string const& address, std::uint16_t port);
    // At once; nothing is accepted afterwards.
    void close();

    [[nodiscard]] bool is_open() const { return open_; }

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    void arm();
    void accept_batch();
    void rest(int failure);

    Loop& loop_;
    OnAccept on_accept_;
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor_;
    Timer rest_timer_;
    std::uint16_t port_ = 0;
    bool is_v6_ = false;
    bool open_ = false;
    bool told_ = false;  // the shortage of descriptors was logged
};

}  // namespace plimsoll::net
