#include "net/listener.hpp"

#include <plimsoll/log/log.hpp>

#include <netdb.h>
#include <netinet/in.h>
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
// Under a flood every closed connection makes room for one more, and the shortage begins anew.
constexpr Duration kTellAgain = std::chrono::minutes(1);

using boost::asio::ip::tcp;

std::string peer_text(sockaddr_storage const& from) {
    if (from.ss_family == AF_UNIX) {
        return "unix";
    }
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

Result<void> Listener::listen(ServerConfig const& config) {
    auto opened = ListenSocket::open(config);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    socket_.emplace(std::move(*opened));
    // Of a Unix socket Asio keeps the descriptor alone, so a TCP acceptor serves it as well.
    boost::system::error_code failure;
    acceptor_.assign(
        socket_->family() == AF_INET6 ? tcp::v6() : tcp::v4(), socket_->release_fd(), failure
    );
    if (failure) {
        return fail(Errc::Io, "cannot watch " + config.address + ": " + failure.message());
    }
    where_ = socket_->family() == AF_UNIX ? config.address
                                          : fmt::format("{} port {}", config.address, port());
    open_ = true;
    arm();
    return {};
}

void Listener::close() {
    open_ = false;
    rest_timer_.cancel();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (socket_) {
        socket_->remove_file();
    }
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
            on_accept_({.fd = fd, .is_v6 = socket_->family() == AF_INET6, .peer = peer_text(from)});
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
    TimePoint const now = loop_.now();
    if (!told_ || now - *told_ >= kTellAgain) {
        told_ = now;
        auto const* const what = is_shortage(failure)
                                     ? "out of file descriptors or memory: accepting pauses"
                                     : "accept failed: accepting pauses";
        kLog.error(what, {{"where", where_}, {"error", std::strerror(failure)}});
    }
    rest_timer_.arm(now + kRest, [this] { arm(); });
}

}  // namespace plimsoll::net
