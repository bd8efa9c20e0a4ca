// Slow, silent and too many clients, on the manual clock.
#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>

#include "component/net_fixture.hpp"
#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Task<void> ok(Exchange& exchange) {
    co_await exchange.respond(http::text_reply(200, "ok"));
}

struct BodyOutcome {
    std::optional<Errc> error;
    bool cancelled = false;
};

Handler body_reader(BodyOutcome& out) {
    return [&out](Exchange& exchange) -> Task<void> {
        Body body;
        auto const read = co_await exchange.read_body(body, 1 << 20);
        out.cancelled = exchange.canceller().is_cancelled();
        if (!read) {
            out.error = read.error().code;
            co_return;
        }
        co_await exchange.respond(http::text_reply(200, "ok"));
    };
}

}  // namespace

TEST_CASE(
    "limits: a head that does not end is answered with 408 when its time is over",
    "[net][component]"
) {
    ServerFixture fixture(ok);
    auto peer = fixture.connect();
    peer->send("GET / HTTP/1.1\r\n");
    settle(fixture.loop);
    for (int i = 0; i < 29; ++i) {
        peer->send("X-A: b\r\n");
        settle(fixture.loop);
        fixture.loop.advance(1s);
        REQUIRE_FALSE(peer->has_ended());
    }
    fixture.loop.advance(2s);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(peer->text().starts_with("HTTP/1.1 408"));
}

TEST_CASE(
    "limits: a connection that never sends a byte is closed without an answer", "[net][component]"
) {
    ServerFixture fixture(ok);
    auto peer = fixture.connect();
    fixture.pump([&] { return fixture.server.connections() == 1; });
    fixture.loop.advance(29s);
    CHECK_FALSE(peer->has_ended());
    fixture.loop.advance(1s);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(peer->text().empty());
}

TEST_CASE(
    "limits: a kept-alive connection is closed when it has idled long enough", "[net][component]"
) {
    ServerFixture fixture(ok);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, kGet, "ok"));
    fixture.loop.advance(4min);
    peer->take();
    REQUIRE(fixture.exchange(*peer, kGet, "ok"));
    fixture.loop.advance(4min + 59s);
    settle(fixture.loop);
    CHECK_FALSE(peer->has_ended());
    fixture.loop.advance(1s);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(fixture.pump([&] { return fixture.server.connections() == 0; }));
}

TEST_CASE("limits: a body that makes no progress ends the request", "[net][component]") {
    BodyOutcome out;
    ServerFixture fixture(body_reader(out));
    auto peer = fixture.connect();
    peer->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    settle(fixture.loop);
    fixture.loop.advance(59s);
    peer->send("d");  // progress: a whole time-out more
    settle(fixture.loop);
    fixture.loop.advance(59s);
    CHECK_FALSE(out.error.has_value());
    fixture.loop.advance(1s);
    REQUIRE(fixture.pump([&] { return out.error.has_value(); }));
    CHECK(*out.error == Errc::Timeout);
    CHECK(out.cancelled);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(peer->text().starts_with("HTTP/1.1 408"));
}

TEST_CASE(
    "limits: a client that reads nothing is given up, and the handler is told", "[net][component]"
) {
    std::optional<Errc> error;
    bool cancelled = false;
    ServerFixture fixture([&](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
        co_await exchange.start(200, "OK", {}, framing, true);
        std::string const block(1 << 20, 'x');
        while (!error) {
            auto const written = co_await exchange.write(block);
            if (!written) {
                error = written.error().code;
            }
        }
        cancelled = exchange.canceller().is_cancelled();
    });
    auto peer = fixture.connect();
    peer->shrink_window();
    peer->send(kGet);
    settle(fixture.loop);
    fixture.loop.advance(59s);
    CHECK_FALSE(error.has_value());
    fixture.loop.advance(2s);
    REQUIRE(fixture.pump([&] { return error.has_value(); }));
    CHECK(*error == Errc::Timeout);
    CHECK(cancelled);
    CHECK(fixture.pump([&] { return fixture.server.connections() == 0; }));
}

TEST_CASE("limits: a slow reader gets every byte", "[net][component]") {
    std::string sent;
    for (int i = 0; sent.size() < 3'000'000; ++i) {
        sent += std::to_string(i) + ",";
    }
    ServerFixture fixture([&sent](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Length, .length = sent.size()};
        co_await exchange.start(200, "OK", {}, framing, false);
        std::string_view rest = sent;
        while (!rest.empty()) {
            auto const size = std::min<std::size_t>(rest.size(), 70'001);
            auto const written = co_await exchange.write(rest.substr(0, size));
            REQUIRE(written.has_value());
            rest.remove_prefix(size);
        }
        co_await exchange.finish();
    });
    auto peer = fixture.connect();
    peer->shrink_window();
    peer->send(kGet);
    settle(fixture.loop);
    REQUIRE(fixture.pump([&] { return peer->text().size() > sent.size(); }));
    CHECK(fixture.pump([&] { return peer->text().ends_with(sent); }));
    peer->take();
    peer->send(kGet);
    CHECK(fixture.pump([&] { return peer->text().ends_with(sent); }));
}

TEST_CASE("limits: connections beyond the cap are told 503 and closed", "[net][component]") {
    ServerConfig config;
    config.max_connections = 2;
    ServerFixture fixture(ok, config);
    auto first = fixture.connect();
    auto second = fixture.connect();
    REQUIRE(fixture.exchange(*first, kGet, "ok"));
    REQUIRE(fixture.exchange(*second, kGet, "ok"));
    auto third = fixture.connect();
    REQUIRE(fixture.exchange(*third, kGet, "HTTP/1.1 503"));
    CHECK(fixture.pump([&] { return third->has_ended(); }));
    CHECK_FALSE(third->was_reset());
    third->close();
    second->close();
    REQUIRE(fixture.pump([&] { return fixture.server.connections() == 1; }));
    auto fourth = fixture.connect();
    CHECK(fixture.exchange(*fourth, kGet, "HTTP/1.1 200"));
}

TEST_CASE(
    "limits: without descriptors accepting rests, says so once, and recovers", "[net][component]"
) {
    std::string logged;
    log::capture_for_test([&](std::string_view line) { logged += line; });
    ServerFixture fixture(ok);
    auto early = fixture.connect();
    REQUIRE(fixture.exchange(*early, kGet, "ok"));
    auto waiting = fixture.connect();
    // UBSan opens a pipe when it sees a type for the first time: let it see the logger's now.
    log::write(log::Level::Error, "test", "first", {{"port", std::uint64_t{1}}, {"error", "none"}});
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 3;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    settle(fixture.loop);
    for (int i = 0; i < 10; ++i) {
        fixture.loop.advance(100ms);
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    waiting->send(kGet);
    settle(fixture.loop);
    CHECK(waiting->text().empty());  // still resting: no spinning on the listener
    fixture.loop.advance(100ms);
    CHECK(fixture.pump([&] { return waiting->has("ok"); }));
    log::capture_for_test({});
    auto const where = logged.find("accepting pauses");
    CHECK(where != std::string::npos);
    CHECK(logged.find("accepting pauses", where + 1) == std::string::npos);
}

TEST_CASE("limits: a head above its limits is refused before it is complete", "[net][component]") {
    ServerFixture fixture(ok);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(
        *peer, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'a'), "HTTP/1.1 431"
    ));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE(
    "limits: a handler's exception is a 500, or a cut where the answer had begun",
    "[net][component]"
) {
    log::capture_for_test([](std::string_view) {});
    bool begun = false;
    ServerFixture fixture([&begun](Exchange& exchange) -> Task<void> {
        if (begun) {
            http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
            co_await exchange.start(200, "OK", {}, framing, false);
            co_await exchange.write("part");
        }
        throw std::runtime_error("broken");
    });
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, kGet, "HTTP/1.1 500"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK_FALSE(peer->has("broken"));
    begun = true;
    auto second = fixture.connect();
    REQUIRE(fixture.exchange(*second, kGet, "part"));
    CHECK(fixture.pump([&] { return second->has_ended(); }));
    CHECK_FALSE(second->has("\r\n0\r\n"));
    log::capture_for_test({});
}

TEST_CASE(
    "limits: an answer shorter or longer than announced is cut, never completed", "[net][component]"
) {
    bool const longer = GENERATE(false, true);
    ServerFixture fixture([longer](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Length, .length = 5};
        co_await exchange.start(200, "OK", {}, framing, false);
        auto const first = co_await exchange.write("abc");
        CHECK(first.has_value());
        if (longer) {
            auto const second = co_await exchange.write("defg");
            CHECK(second.error().code == Errc::UpstreamProtocol);
        } else {
            auto const end = co_await exchange.finish();
            CHECK(end.error().code == Errc::UpstreamProtocol);
        }
    });
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, kGet, "abc"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(peer->text().ends_with("abc"));
}

TEST_CASE("limits: cutting an answer that ends with the connection resets it", "[net][component]") {
    ServerFixture fixture([](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
        co_await exchange.start(200, "OK", {}, framing, false);
        co_await exchange.write("part");
        exchange.abort();
    });
    auto peer = fixture.connect();
    peer->send("GET / HTTP/1.0\r\n\r\n");
    CHECK(fixture.pump([&] { return peer->was_reset(); }));
}
