// Where a server listens: Unix sockets, and sockets that were opened for us.
#include "support/catch.hpp"

#include "component/net_fixture.hpp"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Task<void> tell_peer(Exchange& exchange) {
    co_await exchange.respond(http::text_reply(200, "peer=" + exchange.peer()));
}

struct Folder {
    Folder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "plimsoll-net-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }

    ~Folder() { std::filesystem::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::filesystem::path path;
};

int unix_socket(std::string const& path, bool listens) {
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    auto const* const raw = reinterpret_cast<sockaddr const*>(&address);
    if (listens) {
        REQUIRE(::bind(fd, raw, sizeof address) == 0);
        REQUIRE(::listen(fd, 16) == 0);
    } else {
        REQUIRE(::connect(fd, raw, sizeof address) == 0);
    }
    return fd;
}

ServerConfig at(std::string const& address) {
    ServerConfig config;
    config.address = address;
    return config;
}

unsigned mode_of(std::string const& path) {
    struct stat found{};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    return found.st_mode & 07777U;
}

}  // namespace

TEST_CASE("listen: a Unix socket serves owner and group, and goes at the end", "[net][component]") {
    Folder const folder;
    std::string const path = folder.path / "s.sock";
    {
        ServerFixture fixture(tell_peer, at("unix:" + path));
        CHECK(mode_of(path) == 0660);
        CHECK(fixture.server.port() == 0);
        Raw peer(unix_socket(path, false));
        CHECK(fixture.exchange(peer, kGet, "peer=unix"));
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("listen: a socket file that nobody listens at is replaced", "[net][component]") {
    Folder const folder;
    std::string const path = folder.path / "s.sock";
    ::close(unix_socket(path, true));
    REQUIRE(std::filesystem::exists(path));
    ServerFixture fixture(tell_peer, at("unix:" + path));
    Raw peer(unix_socket(path, false));
    CHECK(fixture.exchange(peer, kGet, "peer=unix"));
}

TEST_CASE("listen: a socket file in use, or a file that is none, stays", "[net][component]") {
    Folder const folder;
    std::string const path = folder.path / "s.sock";
    Loop loop(ClockMode::Manual);
    Server server(loop, at("unix:" + path), tell_peer);
    SECTION("another program listens there") {
        int const other = unix_socket(path, true);
        auto const listening = server.listen();
        REQUIRE_FALSE(listening);
        CHECK(listening.error().code == Errc::Io);
        CHECK_THAT(listening.error().message, ContainsSubstring("another program listens there"));
        ::close(unix_socket(path, false));  // it still answers
        ::close(other);
    }
    SECTION("an ordinary file") {
        std::ofstream(path) << "notes";
        auto const listening = server.listen();
        REQUIRE_FALSE(listening);
        CHECK_THAT(listening.error().message, ContainsSubstring("no socket is in the way"));
    }
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("listen: the file of a successor is not removed", "[net][component]") {
    Folder const folder;
    std::string const path = folder.path / "s.sock";
    ServerFixture fixture(tell_peer, at("unix:" + path));
    std::filesystem::rename(path, path + ".old");
    int const successor = unix_socket(path, true);
    fixture.server.close();
    CHECK(std::filesystem::exists(path));
    ::close(successor);
}

TEST_CASE("listen: a Unix path that cannot be is an error with the path", "[net][component]") {
    std::string const path =
        GENERATE(std::string("/no/such/folder/s.sock"), "/" + std::string(200, 'x'));
    Loop loop(ClockMode::Manual);
    Server server(loop, at("unix:" + path), tell_peer);
    auto const listening = server.listen();
    REQUIRE_FALSE(listening);
    CHECK(listening.error().message.starts_with("cannot listen on unix:" + path));
}

TEST_CASE("listen: an inherited TCP socket is served, blocking or not", "[net][component]") {
    int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);

    ServerConfig config;
    config.inherited = fd;
    ServerFixture fixture(tell_peer, config);
    CHECK(fixture.server.port() == ntohs(address.sin_port));
    auto const peer = fixture.connect();
    CHECK(fixture.exchange(*peer, kGet, "peer=127.0.0.1"));
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    fixture.server.close();
    CHECK(::fcntl(fd, F_GETFD) < 0);
}

TEST_CASE("listen: the file of an inherited Unix socket stays", "[net][component]") {
    Folder const folder;
    std::string const path = folder.path / "s.sock";
    {
        ServerConfig config = at("unix:" + path);
        config.inherited = unix_socket(path, true);
        ServerFixture fixture(tell_peer, config);
        Raw peer(unix_socket(path, false));
        CHECK(fixture.exchange(peer, kGet, "peer=unix"));
    }
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("listen: an inherited descriptor that does not listen is refused", "[net][component]") {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ServerConfig config;
    config.inherited = fd;
    Loop loop(ClockMode::Manual);
    Server server(loop, config, tell_peer);
    auto const listening = server.listen();
    REQUIRE_FALSE(listening);
    CHECK_THAT(listening.error().message, ContainsSubstring("no listening socket"));
    ::close(fd);
}
