#include "net/connect.hpp"

#include "net/tls_session.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/asio/ip/address.hpp>
#include <netdb.h>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plimsoll::net {

namespace {

using boost::asio::ip::tcp;

constexpr Duration kNameLife = std::chrono::seconds(60);

struct Lookup {
    explicit Lookup(Loop& loop) : done(loop) {}

    std::vector<tcp::endpoint> found;
    int code = 0;
    Flag done;
};

// On the worker thread.
void look_up(std::string const& host, std::uint16_t port, Lookup& lookup) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    lookup.code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    for (auto const* each = found; each != nullptr; each = each->ai_next) {
        tcp::endpoint endpoint;
        if (each->ai_addrlen <= endpoint.capacity()) {
            std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
            lookup.found.push_back(endpoint);
        }
    }
    if (found != nullptr) {
        ::freeaddrinfo(found);
    }
}

int socket_error(int fd) {
    int code = 0;
    socklen_t size = sizeof code;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

// A connect to a free port of the ephemeral range of this machine may meet itself (simultaneous
// open).
bool is_connected_to_itself(int fd) {
    sockaddr_storage own{};
    sockaddr_storage peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
           ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
           own_size == peer_size && std::memcmp(&own, &peer, own_size) == 0;
}

}  // namespace

std::string Connector::authority() const {
    if (!config_.unix_path.empty()) {
        return "unix:" + config_.unix_path;
    }
    return host_field();
}

std::string Connector::host_field() const {
    if (!config_.unix_path.empty()) {
        return "localhost";
    }
    bool const is_v6 = config_.host.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), config_.host, config_.port);
}

Error Connector::unavailable(std::string_view why) const {
    return {
        Errc::UpstreamUnavailable,
        fmt::format(
            "cannot connect to {}: {}; check that the server runs and listens there",
            authority(),
            why
        ),
        ErrorSource::Upstream
    };
}

Task<Result<std::shared_ptr<Stream>>> Connector::connect(Canceller* canceller) {
    TimePoint const deadline = deadline_after(loop_.now(), config_.connect_timeout);
    if (!config_.unix_path.empty()) {
        co_return co_await connect_unix(deadline, canceller);
    }
    auto const endpoints = co_await resolve(deadline, canceller);
    if (!endpoints) {
        co_return fail(endpoints.error());
    }
    Error last = unavailable("no address");
    for (auto const& endpoint : *endpoints) {
        auto stream = co_await try_one(endpoint, deadline, canceller);
        if (stream && config_.tls) {
            // Whoever answers at one address and is not trusted is not looked for at others.
            auto const agreed = co_await agree_on_tls(*stream, deadline, canceller);
            if (!agreed) {
                co_return fail(agreed.error());
            }
        }
        if (stream || stream.error().code == Errc::Cancelled) {
            co_return stream;
        }
        last = stream.error();
    }
    cached_.clear();
    co_return fail(std::move(last));
}

Task<Result<Connector::Endpoints>> Connector::resolve(TimePoint deadline, Canceller* canceller) {
    boost::system::error_code failure;
    auto const literal = boost::asio::ip::make_address(config_.host, failure);
    if (!failure) {
        co_return Endpoints{tcp::endpoint(literal, config_.port)};
    }
    if (iequals(config_.host, "localhost")) {
        co_return Endpoints{
            tcp::endpoint(boost::asio::ip::address_v4::loopback(), config_.port),
            tcp::endpoint(boost::asio::ip::address_v6::loopback(), config_.port)
        };
    }
    if (!cached_.empty() && loop_.now() < cached_until_) {
        co_return cached_;
    }
    // Shared: a look-up cannot be stopped, only left behind.
    auto const lookup = std::make_shared<Lookup>(loop_);
    loop_.run_blocking(
        [lookup, host = config_.host, port = config_.port] { look_up(host, port, *lookup); },
        [lookup] { lookup->done.set(); }
    );
    auto const waited = co_await lookup->done.wait(deadline, canceller);
    if (!waited && waited.error().code == Errc::Cancelled) {
        co_return fail(waited.error());
    }
    if (!waited) {
        co_return fail(unavailable("the name was not resolved in time"));
    }
    if (lookup->found.empty()) {
        co_return fail(unavailable(::gai_strerror(lookup->code)));
    }
    cached_ = lookup->found;
    cached_until_ = deadline_after(loop_.now(), kNameLife);
    co_return cached_;
}

Task<Result<std::shared_ptr<Stream>>> Connector::connect_unix(
    TimePoint deadline, Canceller* canceller
) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (config_.unix_path.size() >= sizeof address.sun_path) {
        co_return fail(unavailable("the path is too long for a socket"));
    }
    std::ranges::copy(config_.unix_path, address.sun_path);
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        co_return fail(unavailable(std::strerror(errno)));
    }
    auto const* const raw = reinterpret_cast<sockaddr const*>(&address);
    int const code = ::connect(fd, raw, sizeof address) == 0 ? 0 : errno;
    auto stream = std::make_shared<Stream>(loop_, fd, false);
    auto const finished = co_await finish(stream, code, deadline, canceller);
    if (!finished) {
        co_return fail(finished.error());
    }
    co_return stream;
}

Task<Result<std::shared_ptr<Stream>>> Connector::try_one(
    tcp::endpoint endpoint, TimePoint deadline, Canceller* canceller
) {
    bool const is_v6 = endpoint.protocol() == tcp::v6();
    int const fd =
        ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        co_return fail(unavailable(std::strerror(errno)));
    }
    int const on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int const code =
        ::connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 ? 0 : errno;
    auto stream = std::make_shared<Stream>(loop_, fd, is_v6);
    auto const finished = co_await finish(stream, code, deadline, canceller);
    if (!finished) {
        co_return fail(finished.error());
    }
    co_return stream;
}

Task<Result<void>> Connector::finish(
    std::shared_ptr<Stream> stream, int code, TimePoint deadline, Canceller* canceller
) {
    int const fd = stream->fd();
    if (code == EINPROGRESS) {
        Canceller::Registration registration;
        if (canceller != nullptr) {
            registration = Canceller::Registration(*canceller, [&stream] { stream->close(); });
        }
        Ready const ready = co_await stream->wait(Stream::Write, deadline);
        if (ready == Ready::Closed) {
            co_return fail(Errc::Cancelled, "cancelled while connecting");
        }
        code = ready == Ready::TimedOut ? ETIMEDOUT : socket_error(fd);
    }
    if (code == 0 && is_connected_to_itself(fd)) {
        code = ECONNREFUSED;
    }
    if (code != 0) {
        stream->close();
        Error error = unavailable(std::strerror(code));
        error.cause = std::error_code(code, std::system_category());
        co_return fail(std::move(error));
    }
    co_return Result<void>();
}

Task<Result<void>> Connector::agree_on_tls(
    std::shared_ptr<Stream> stream, TimePoint deadline, Canceller* canceller
) {
    stream->use_tls(TlsSession::connect(config_.tls, stream->fd(), config_.host));
    Canceller::Registration registration;
    if (canceller != nullptr) {
        registration = Canceller::Registration(*canceller, [&stream] { stream->close(); });
    }
    auto const agreed = co_await stream->handshake(deadline);
    if (agreed) {
        co_return agreed;
    }
    stream->close();
    if (agreed.error().code == Errc::Cancelled) {
        co_return fail(Errc::Cancelled, "cancelled while connecting");
    }
    Error error(
        Errc::UpstreamUnavailable,
        fmt::format("no TLS with {}: {}", authority(), printable(agreed.error().message)),
        ErrorSource::Upstream
    );
    error.cause = std::make_error_code(std::errc::protocol_error);
    co_return fail(std::move(error));
}

}  // namespace plimsoll::net
