// Clients with TLS: whom they trust, what they say if they do not, and ends that may be cuts.
#include "support/catch.hpp"

#include <plimsoll/net/tls.hpp>

#include "component/tls_fixture.hpp"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

// A client in front of a TLS server that the test plays.
struct TlsUpstream {
    explicit TlsUpstream(TlsClientSettings settings = {}, std::string const& host = "127.0.0.1") {
        certificates.make("good", "127.0.0.1");
        if (settings.verify && settings.ca_file.empty()) {
            settings.ca_file = certificates.ca();
        }
        auto made = make_client_tls(settings);
        REQUIRE(made);
        ClientConfig config;
        config.host = host;
        config.port = listener.port();
        config.tls = *made;
        client = std::make_unique<Client>(loop, config);
    }

    std::unique_ptr<TlsPeer> accept(std::string const& name = "good") {
        int fd = -1;
        REQUIRE(pump(loop, [&] {
            fd = listener.accept_fd();
            return fd >= 0;
        }));
        auto const files = certificates.files(name);
        return std::make_unique<TlsPeer>(
            fd, PeerOptions{.is_server = true, .certificate = files.certificate, .key = files.key}
        );
    }

    // The error of a request to a server that shows this certificate.
    Error refusal(std::string const& name) {
        auto const outcome = start_request(loop, *client, {});
        auto const peer = accept(name);
        REQUIRE(pump(loop, [&] {
            peer->poll();
            return outcome->is_done();
        }));
        REQUIRE(outcome->sent);
        REQUIRE_FALSE(*outcome->sent);
        return outcome->sent->error();
    }

    Loop loop{ClockMode::Manual};
    Certificates certificates;
    RawServer listener;
    std::unique_ptr<Client> client;
};

}  // namespace

TEST_CASE("tls client: a request, its answer, and the connection again", "[net][component]") {
    TlsUpstream up;
    auto const first = start_request(up.loop, *up.client, {});
    auto const peer = up.accept();
    REQUIRE(pump(up.loop, [&] { return peer->has("\r\n\r\n"); }));
    CHECK(peer->has("Host: 127.0.0.1:"));
    CHECK(peer->protocol().empty());  // this server has no list of its own
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    REQUIRE(pump(up.loop, [&] { return first->is_done(); }));
    CHECK(first->body == "ok");
    // Session tickets have come after the handshake; they are no reason to drop the connection.
    settle(up.loop);
    CHECK(up.client->idle_connections() == 1);

    peer->take();
    auto const second = start_request(up.loop, *up.client, {});
    REQUIRE(pump(up.loop, [&] { return peer->has("\r\n\r\n"); }));
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
    REQUIRE(pump(up.loop, [&] { return second->is_done(); }));
    CHECK(second->body == "again");

    peer->send_close_notify();
    CHECK(pump(up.loop, [&] { return up.client->idle_connections() == 0; }));
}

TEST_CASE("tls client: certificates that do not prove the server are refused", "[net][component]") {
    TlsUpstream up;
    up.certificates.make("expired", "127.0.0.1", -30, -2);
    up.certificates.make("early", "127.0.0.1", 2, 30);
    up.certificates.make("other", "other.example.org");
    auto const expired = up.refusal("expired");
    CHECK(expired.code == Errc::UpstreamUnavailable);
    CHECK_THAT(expired.message, ContainsSubstring("its certificate expired on 20"));
    CHECK_THAT(up.refusal("early").message, ContainsSubstring("check the clocks"));
    CHECK_THAT(
        up.refusal("other").message,
        ContainsSubstring("its certificate is for other.example.org, not for 127.0.0.1")
    );
}

TEST_CASE("tls client: an unknown CA is refused, and named as the reason", "[net][component]") {
    Certificates others;
    TlsUpstream up({.ca_file = others.ca()});
    auto const error = up.refusal("good");
    CHECK_THAT(error.message, ContainsSubstring("comes from no CA that is trusted here"));
    CHECK_THAT(error.message, ContainsSubstring("tls_ca_file"));
}

TEST_CASE("tls client: without verification whoever answers is believed", "[net][component]") {
    TlsUpstream up({.verify = false});
    up.certificates.make("other", "other.example.org", -30, -2);
    auto const outcome = start_request(up.loop, *up.client, {});
    auto const peer = up.accept("other");
    REQUIRE(pump(up.loop, [&] { return peer->has("\r\n\r\n"); }));
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    REQUIRE(pump(up.loop, [&] { return outcome->is_done(); }));
    CHECK(outcome->body == "ok");
}

TEST_CASE("tls client: a server without TLS is told apart", "[net][component]") {
    TlsUpstream up;
    auto const outcome = start_request(up.loop, *up.client, {});
    std::unique_ptr<Raw> peer;
    REQUIRE(pump(up.loop, [&] {
        peer = up.listener.accept();
        return peer != nullptr;
    }));
    peer->send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    REQUIRE(pump(up.loop, [&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::UpstreamUnavailable);
    CHECK_THAT(outcome->sent->error().message, ContainsSubstring("does not speak TLS there"));
}

TEST_CASE("tls client: a handshake that does not end is a time-out", "[net][component]") {
    TlsUpstream up;
    auto const outcome = start_request(up.loop, *up.client, {});
    std::unique_ptr<Raw> peer;
    REQUIRE(pump(up.loop, [&] {
        peer = up.listener.accept();
        return peer != nullptr;
    }));
    settle(up.loop);
    bool const cancels = GENERATE(false, true);
    if (cancels) {
        outcome->canceller.cancel();
    } else {
        up.loop.advance(2s);
    }
    REQUIRE(pump(up.loop, [&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == (cancels ? Errc::Cancelled : Errc::UpstreamUnavailable));
    CHECK(pump(up.loop, [&] { return peer->has_ended(); }));
}

TEST_CASE("tls client: an end without a goodbye is no end of an answer", "[net][component]") {
    bool const says_goodbye = GENERATE(true, false);
    TlsUpstream up;
    auto const outcome = start_request(up.loop, *up.client, {});
    auto const peer = up.accept();
    REQUIRE(pump(up.loop, [&] { return peer->has("\r\n\r\n"); }));
    peer->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
    if (says_goodbye) {
        peer->send_close_notify();
    }
    peer->close();
    REQUIRE(pump(up.loop, [&] { return outcome->is_done(); }));
    CHECK(outcome->body == "until the end");
    CHECK(
        outcome->failure() == (says_goodbye ? std::nullopt : std::optional(Errc::ConnectionClosed))
    );
}

TEST_CASE("tls client: a Unix socket instead of host and port", "[net][component]") {
    Certificates const folder;  // for its folder
    auto const path = folder.path("s.sock");
    int const listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    REQUIRE(::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening, 4) == 0);

    Loop loop{ClockMode::Manual};
    ClientConfig config;
    config.unix_path = path;
    Client client(loop, config);
    CHECK(client.authority() == "unix:" + path);
    auto const outcome = start_request(loop, client, {});
    Raw peer(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(pump(loop, [&] { return peer.has("Host: localhost\r\n"); }));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    REQUIRE(pump(loop, [&] { return outcome->is_done(); }));
    CHECK(outcome->body == "ok");
    client.drop_idle();
    ::close(listening);

    auto const refused = start_request(loop, client, {});
    REQUIRE(pump(loop, [&] { return refused->is_done(); }));
    CHECK(refused->sent->error().message.starts_with("cannot connect to unix:" + path));
}
