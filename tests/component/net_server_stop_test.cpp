// Listening, draining and ending.
#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Task<void> ok(Exchange& exchange) {
    co_await exchange.respond(http::text_reply(200, "ok"));
}

Handler waiting_for(Flag& flag, std::optional<Errc>& broken) {
    return [&flag, &broken](Exchange& exchange) -> Task<void> {
        auto const waited = co_await flag.wait(std::nullopt, &exchange.canceller());
        if (!waited) {
            broken = waited.error().code;
        }
        co_await exchange.respond(http::text_reply(200, "ok"));
    };
}

bool can_connect(std::uint16_t port) {
    Loop loop(ClockMode::Manual);
    ClientConfig config;
    config.port = port;
    Client client(loop, config);
    std::optional<bool> reached;
    auto probe = [](Client& to, std::optional<bool>& out) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto const answer = co_await to.send(request, nullptr);
        out = answer || answer.error().code != Errc::UpstreamUnavailable;
    };
    loop.spawn("probe", probe(client, reached));
    for (int i = 0; i < 20 && !reached; ++i) {
        settle(loop);
    }
    return reached.value_or(true);
}

}  // namespace

TEST_CASE("stop: a port in use is an error with address, port and reason", "[net][component]") {
    ServerFixture fixture(ok);
    ServerConfig config;
    config.port = fixture.server.port();
    Server second(fixture.loop, config, ok);
    auto const listening = second.listen();
    REQUIRE_FALSE(listening.has_value());
    CHECK(listening.error().code == Errc::Io);
    CHECK_THAT(listening.error().message, ContainsSubstring("127.0.0.1"));
    CHECK_THAT(listening.error().message, ContainsSubstring(std::to_string(config.port)));
    CHECK_THAT(listening.error().message, ContainsSubstring("in use"));
}

TEST_CASE("stop: an address that is none is an error that says so", "[net][component]") {
    Loop loop(ClockMode::Manual);
    ServerConfig config;
    config.address = "not an address";
    Server server(loop, config, ok);
    auto const listening = server.listen();
    REQUIRE_FALSE(listening.has_value());
    CHECK_THAT(listening.error().message, ContainsSubstring("not an address"));
}

TEST_CASE("stop: it listens on IPv6 and by name", "[net][component]") {
    std::string const address = GENERATE(std::string("::1"), std::string("localhost"));
    Loop loop(ClockMode::Manual);
    ServerConfig config;
    config.address = address;
    Server server(loop, config, ok);
    auto const listening = server.listen();
    if (!listening && address == "::1") {
        WARN("skipped: no IPv6 here: " << listening.error().message);
        return;
    }
    CHECK(listening.has_value());
    CHECK(server.port() != 0);
}

TEST_CASE(
    "stop: draining ends listening and idling at once, and lets requests finish", "[net][component]"
) {
    std::optional<Errc> broken;
    Loop loop(ClockMode::Manual);
    Flag go(loop);
    Server server(loop, {}, waiting_for(go, broken));
    REQUIRE(server.listen().has_value());
    auto const port = server.port();
    auto busy = Raw::connect(port);
    auto idle = Raw::connect(port);
    busy->send(kGet);
    pump(loop, [&] { return server.connections() == 2; });
    settle(loop);
    server.drain();
    CHECK_FALSE(can_connect(port));
    CHECK(pump(loop, [&] { return idle->has_ended(); }));
    CHECK_FALSE(busy->has_ended());
    CHECK(server.connections() == 1);
    go.set();
    REQUIRE(pump(loop, [&] { return busy->has("ok"); }));
    CHECK(busy->has("Connection: close"));
    CHECK(pump(loop, [&] { return busy->has_ended() && server.connections() == 0; }));
    CHECK_FALSE(broken.has_value());
    CHECK(loop.running_tasks() == 0);
}

TEST_CASE("stop: closing cancels what runs", "[net][component]") {
    std::optional<Errc> broken;
    Loop loop(ClockMode::Manual);
    Flag never(loop);
    Server server(loop, {}, waiting_for(never, broken));
    REQUIRE(server.listen().has_value());
    auto busy = Raw::connect(server.port());
    auto slow = Raw::connect(server.port());
    busy->send(kGet);
    slow->send("GET / HT");
    pump(loop, [&] { return server.connections() == 2; });
    settle(loop);
    server.close();
    CHECK(pump(loop, [&] { return server.connections() == 0; }));
    CHECK(broken == Errc::Cancelled);
    CHECK(busy->has_ended());
    CHECK(slow->has_ended());
    CHECK(loop.running_tasks() == 0);
}

TEST_CASE(
    "stop: run() returns once the server is drained and pooled connections are all that is left",
    "[net][component]"
) {
    Loop loop;
    Server server(loop, {}, ok);
    REQUIRE(server.listen().has_value());
    ClientConfig config;
    config.port = server.port();
    Client client(loop, config);
    unsigned status = 0;
    auto ask = [](Client& to, Server& serving, unsigned& out) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto answer = co_await to.send(request, nullptr);
        if (answer) {
            out = answer->head().status;
            co_await answer->read_all(100, 1s, nullptr);
        }
        serving.drain();
    };
    loop.spawn("ask", ask(client, server, status));
    loop.run();
    CHECK(status == 200);
    CHECK(client.idle_connections() == 0);
}

TEST_CASE("stop: new limits hold for new connections, old ones keep theirs", "[net][component]") {
    ServerFixture fixture(ok);
    auto old = fixture.connect();
    REQUIRE(fixture.exchange(*old, kGet, "ok"));
    ServerConfig config;
    config.idle_timeout = 1s;
    fixture.server.reconfigure(config);
    auto fresh = fixture.connect();
    REQUIRE(fixture.exchange(*fresh, kGet, "ok"));
    fixture.loop.advance(2s);
    CHECK(fixture.pump([&] { return fresh->has_ended(); }));
    CHECK_FALSE(old->has_ended());
}

TEST_CASE(
    "stop: a server destroyed under a running request leaves nothing behind", "[net][component]"
) {
    std::optional<Errc> broken;
    Loop loop(ClockMode::Manual);
    Flag never(loop);
    {
        Server server(loop, {}, waiting_for(never, broken));
        REQUIRE(server.listen().has_value());
        auto busy = Raw::connect(server.port());
        busy->send(kGet);
        pump(loop, [&] { return loop.running_tasks() == 1; });
        settle(loop);
    }
    CHECK(pump(loop, [&] { return loop.running_tasks() == 0; }));
    CHECK(broken == Errc::Cancelled);
}
