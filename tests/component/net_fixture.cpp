#include "component/net_fixture.hpp"

#include "support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace plimsoll::test {

using namespace std::chrono_literals;

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

net::ClientConfig client_config(std::uint16_t port) {
    net::ClientConfig config;
    config.port = port;
    return config;
}

net::Task<void> run_request(
    net::Client& client, net::ClientRequest request, std::shared_ptr<Outcome> out
) {
    auto response = co_await client.send(request, &out->canceller);
    if (!response) {
        out->sent = fail(response.error());
        co_return;
    }
    out->sent = Result<void>();
    out->status = response->head().status;
    while (true) {
        auto const piece = co_await response->read_some(60s, &out->canceller);
        if (!piece) {
            out->read = fail(piece.error());
            co_return;
        }
        if (piece->empty()) {
            break;
        }
        out->body += *piece;
        out->pieces.emplace_back(*piece);
    }
    out->read = Result<void>();
}

}  // namespace

bool pump(net::Loop& loop, std::function<bool()> const& done) {
    auto const end = std::chrono::steady_clock::now() + 5s;
    while (true) {
        loop.poll();
        if (done()) {
            return true;
        }
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(100us);
    }
}

void settle(net::Loop& loop) {
    for (int i = 0; i < 20; ++i) {
        loop.poll();
        std::this_thread::sleep_for(200us);
    }
}

Raw::Raw(int fd) : fd_(fd) {
    int const on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Raw::~Raw() {
    close();
}

std::unique_ptr<Raw> Raw::connect(std::uint16_t port) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const address = loopback(port);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    return std::make_unique<Raw>(fd);
}

std::size_t Raw::send(std::string_view bytes) {
    std::size_t total = 0;
    while (total < bytes.size()) {
        auto const rest = bytes.substr(total);
        auto const sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            break;
        }
        total += static_cast<std::size_t>(sent);
    }
    return total;
}

void Raw::receive() {
    std::array<char, 65536> buffer;
    while (fd_ >= 0 && !ended_) {
        auto const got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) {
            text_.append(buffer.data(), static_cast<std::size_t>(got));
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            ended_ = true;
            reset_ = got < 0;
        }
        return;
    }
}

std::string const& Raw::text() {
    receive();
    return text_;
}

bool Raw::has(std::string_view part) {
    return text().find(part) != std::string::npos;
}

bool Raw::has_ended() {
    receive();
    return ended_;
}

bool Raw::was_reset() {
    receive();
    return reset_;
}

std::string Raw::take() {
    receive();
    return std::exchange(text_, {});
}

void Raw::stop_sending() {
    ::shutdown(fd_, SHUT_WR);
}

void Raw::close() {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

void Raw::reset() {
    linger const at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void Raw::shrink_window() {
    int const size = 128 * 1024;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

std::size_t Raw::send_until_full(std::size_t at_most) {
    std::string const block(65536, 'x');
    std::size_t total = 0;
    while (total < at_most) {
        auto const size = std::min(block.size(), at_most - total);
        auto const sent = ::send(fd_, block.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            break;
        }
        total += static_cast<std::size_t>(sent);
    }
    return total;
}

RawServer::RawServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    auto address = loopback(0);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
}

RawServer::~RawServer() {
    close();
}

void RawServer::close() {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

int RawServer::accept_fd() {
    return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
}

std::unique_ptr<Raw> RawServer::accept() {
    int const fd = accept_fd();
    return fd < 0 ? nullptr : std::make_unique<Raw>(fd);
}

ServerFixture::ServerFixture(net::Handler handler, net::ServerConfig config)
    : server(loop, std::move(config), std::move(handler)) {
    auto const listening = server.listen();
    REQUIRE(listening.has_value());
}

bool ServerFixture::exchange(Raw& peer, std::string_view request, std::string_view part) {
    peer.send(request);
    return pump([&] { return peer.has(part); });
}

ClientFixture::ClientFixture() : client(loop, client_config(upstream.port())) {}

ClientFixture::~ClientFixture() = default;

std::optional<Errc> Outcome::failure() const {
    if (sent && !*sent) {
        return sent->error().code;
    }
    if (read && !*read) {
        return read->error().code;
    }
    return std::nullopt;
}

std::shared_ptr<Outcome> start_request(
    net::Loop& loop, net::Client& client, net::ClientRequest request
) {
    auto out = std::make_shared<Outcome>();
    loop.spawn("request", run_request(client, std::move(request), out));
    loop.poll();
    return out;
}

std::shared_ptr<ClientFixture::Outcome> ClientFixture::start(net::ClientRequest request) {
    return start_request(loop, client, std::move(request));
}

std::shared_ptr<ClientFixture::Outcome> ClientFixture::get(std::string target) {
    net::ClientRequest request;
    request.target = std::move(target);
    return start(std::move(request));
}

std::unique_ptr<Raw> ClientFixture::accept() {
    std::unique_ptr<Raw> peer;
    pump([&] {
        peer = upstream.accept();
        return peer != nullptr;
    });
    REQUIRE(peer);
    return peer;
}

bool ClientFixture::answer(Raw& peer, std::string_view bytes, Outcome const& outcome) {
    peer.send(bytes);
    return pump([&] { return outcome.is_done(); });
}

}  // namespace plimsoll::test
