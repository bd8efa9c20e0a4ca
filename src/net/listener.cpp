#include "net/listener.hpp"

#include <plimsoll/log/log.hpp>

#include <boost/asio/ip/address.hpp>
#include <netdb.h>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr log::Logger kLog("net");
constexpr int kBatch = 64;
constexpr Duration kRest = std::chrono::milliseconds(100);
// What a client that does not read may leave unsent in the kernel on our account.
constexpr int kUnsentLimit = 128 * 1024;

using boost::asio::ip::tcp;

// Once, before the first request: a name may block here.
Result<boost::asio::ip::address> find_address(std::string const& text) {
    boost::system::error_code failure;
    auto const literal = boost::asio::ip::make_address(text, failure);
    if (!failure) {
        return literal;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    int const code = ::getaddrinfo(text.c_str(), nullptr, &hints, &found);
    if (code != 0 || found == nullptr) {
        return fail(
            Errc::Io,
            fmt::format(
                "cannot listen on \"{}\": {}; give an IP address of this machine",
                text,
                ::gai_strerror(code)
            )
        );
    }
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return endpoint.address();
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

std::string peer_text(sockaddr_storage const& from) {
    std::array<char, NI_MAXHOST> text{};
    auto const size = from.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    auto const* const address = reinterpret_cast<sockaddr const*>(&from);
    if (::getnameinfo(
            address,
            static_cast<socklen_t>(size),
            text.data(),
            text.size(),
            nullptr,
            0,
            NI_NUMERICHOST
        ) != 0) {
        return "unknown";
    }
    std::string_view const peer = text.data();
    constexpr std::string_view kMapped = "::ffff:";  // an IPv4 client on a socket for both
    return std::string(peer.starts_with(kMapped) ? peer.substr(kMapped.size()) : peer);
}

bool is_shortage(int code) {
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

// Errors of a connection that was already gone; accept(2) tells to treat them like EAGAIN.
bool is_passing(int code) {
    return code == ECONNABORTED || code == EINTR || code == EPROTO || code == ENETDOWN ||
           code == ENETUNREACH || code == EHOSTDOWN || code == EHOSTUNREACH ||
           code == ENOPROTOOPT || code == ENONET || code == EOPNOTSUPP || code == EPERM;
}

}  // namespace

Listener::Listener(Loop& loop, OnAccept on_accept)
    : loop_(loop),
      on_accept_(std::move(on_accept)),
      acceptor_(loop.executor()),
      rest_timer_(loop) {}

Result<void> Listener::listen(std::string const& address, std::uint16_t port) {
    auto const found = find_address(address);
    if (!found) {
        return fail(found.error());
    }
    tcp::endpoint const endpoint(*found, port);
    boost::system::error_code failure;
    acceptor_.open(endpoint.protocol(), failure);
    if (!failure) {
        int const fd = acceptor_.native_handle();
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        // Accepted sockets inherit these, which spares two calls for each connection.
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentLimit);
        acceptor_.non_blocking(true, failure);
    }
    if (!failure) {
        acceptor_.bind(endpoint, failure);
    }
    if (!failure) {
        acceptor_.listen(boost::asio::socket_base::max_listen_connections, failure);
    }
    if (failure) {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        Error error(
            Errc::Io,
            fmt::format(
                "cannot listen on {} port {}: {}", address, port, std::strerror(failure.value())
            )
        );
        error.cause = failure;
        return fail(std::move(error));
    }
    port_ = acceptor_.local_endpoint().port();
    is_v6_ = endpoint.protocol() == tcp::v6();
    open_ = true;
    arm();
    return {};
}

void Listener::close() {
    open_ = false;
    rest_timer_.cancel();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

void Listener::arm() {
    acceptor_.async_wait(
        acceptor_.wait_read,
        [self = shared_from_this()](boost::system::error_code const& failure) {
            if (!failure && self->open_) {
                self->accept_batch();
            }
        }
    );
}

void Listener::accept_batch() {
    for (int i = 0; i < kBatch; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        int const fd = ::accept4(
            acceptor_.native_handle(),
            reinterpret_cast<sockaddr*>(&from),
            &size,
            SOCK_NONBLOCK | SOCK_CLOEXEC
        );
        if (fd >= 0) {
            told_ = false;
            on_accept_({.fd = fd, .is_v6 = is_v6_, .peer = peer_text(from)});
            if (!open_) {
                return;
            }
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        }
        if (!is_passing(errno)) {
            rest(errno);
            return;
        }
    }
    arm();
}

// The connection that could not be taken stays readable: without a pause the loop would spin on it.
void Listener::rest(int failure) {
    if (!std::exchange(told_, true)) {
        auto const* const what = is_shortage(failure)
                                     ? "out of file descriptors or memory: accepting pauses"
                                     : "accept failed: accepting pauses";
        kLog.error(what, {{"port", std::uint64_t{port_}}, {"error", std::strerror(failure)}});
    }
    rest_timer_.arm(loop_.now() + kRest, [this] { arm(); });
}

}  // namespace plimsoll::net
