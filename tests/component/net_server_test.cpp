#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

// Answers with what it was asked: method, target, body.
Task<void> echo(Exchange& exchange) {
    Body body;
    auto const read = co_await exchange.read_body(body, 1 << 20);
    if (!read) {
        auto reply = http::text_reply(http::status_of(read.error().code), read.error().message);
        co_await exchange.respond(std::move(reply));
        co_return;
    }
    std::string text(http::to_string(exchange.head().method));
    text += " " + exchange.head().target + " [" + std::string(body.view()) + "]";
    co_await exchange.respond(http::text_reply(200, text));
}

Task<void> stream_three(Exchange& exchange) {
    http::Fields fields;
    fields.add("Content-Type", "application/x-ndjson");
    http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
    co_await exchange.start(200, "OK", fields, framing, false);
    co_await exchange.write("one");
    co_await exchange.write("");
    co_await exchange.write("two");
    co_await exchange.finish();
}

std::string post(std::string_view body) {
    return "POST /api/chat HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("server: a connection serves one request after another", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    for (int i = 0; i < 5; ++i) {
        REQUIRE(fixture.exchange(*peer, post("hello"), "POST /api/chat [hello]"));
        auto const answer = peer->take();
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK_THAT(answer, ContainsSubstring("Date: "));
        CHECK(answer.find("Connection:") == std::string::npos);
    }
    CHECK(fixture.server.connections() == 1);
}

TEST_CASE("server: a request may come byte by byte", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    for (char const byte : post("{\"model\":\"m\"}")) {
        peer->send({&byte, 1});
        fixture.loop.poll();
    }
    CHECK(fixture.pump([&] { return peer->has("[{\"model\":\"m\"}]"); }));
}

TEST_CASE("server: pipelined requests are answered in order, each once", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    std::string requests;
    for (int i = 0; i < 50; ++i) {
        requests += post("n" + std::to_string(i) + ".");
    }
    peer->send(requests);
    REQUIRE(fixture.pump([&] { return peer->has("[n49.]"); }));
    std::size_t where = 0;
    for (int i = 0; i < 50; ++i) {
        where = peer->text().find("[n" + std::to_string(i) + ".]", where);
        REQUIRE(where != std::string::npos);
    }
}

TEST_CASE("server: a chunked request body is decoded", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    std::string const head = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    REQUIRE(fixture.exchange(*peer, head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "[abcde]"));
    peer->take();
    CHECK(fixture.exchange(*peer, post("again"), "[again]"));
}

TEST_CASE(
    "server: broken chunked coding is answered and the connection closed", "[net][component]"
) {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    std::string const head = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    REQUIRE(fixture.exchange(*peer, head + "zz\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 400"));
    CHECK(peer->has("Connection: close"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK_FALSE(peer->was_reset());
}

TEST_CASE(
    "server: a streamed answer leaves as it is written, an empty write ends nothing",
    "[net][component]"
) {
    ServerFixture fixture(stream_three);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "0\r\n\r\n"));
    auto const answer = peer->take();
    CHECK_THAT(answer, ContainsSubstring("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
    CHECK_THAT(answer, ContainsSubstring("Transfer-Encoding: chunked"));
    CHECK(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "0\r\n\r\n"));
}

TEST_CASE(
    "server: HTTP/1.0 gets a streamed answer up to the close of the connection", "[net][component]"
) {
    ServerFixture fixture(stream_three);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.0\r\n\r\n", "onetwo"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK_FALSE(peer->has("Transfer-Encoding"));
    CHECK(peer->text().ends_with("onetwo"));
}

TEST_CASE("server: HTTP/1.0 closes unless keep-alive was asked for", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "[]"));
    CHECK(peer->has("Connection: keep-alive"));
    peer->take();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.0\r\n\r\n", "[]"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE("server: Connection: close is kept", "[net][component]") {
    ServerFixture fixture(echo);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "[]")
    );
    CHECK(peer->has("Connection: close"));
    CHECK(fixture.pump([&] { return peer->has_ended() && fixture.server.connections() == 0; }));
}

TEST_CASE(
    "server: HEAD gets the head alone, and the connection stays in step", "[net][component]"
) {
    auto handler = GENERATE(0, 1) == 0 ? Handler(echo) : Handler(stream_three);
    ServerFixture fixture(handler);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n"));
    settle(fixture.loop);
    CHECK(peer->text().ends_with("\r\n\r\n"));
    CHECK(peer->text().find("\r\n\r\n") == peer->text().size() - 4);
    peer->take();
    CHECK(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200"));
}

TEST_CASE("server: answers without a body are ended by their head", "[net][component]") {
    unsigned const status = GENERATE(204U, 304U);
    ServerFixture fixture([status](Exchange& exchange) -> Task<void> {
        http::Reply reply;
        reply.status = status;
        co_await exchange.respond(std::move(reply));
    });
    auto peer = fixture.connect();
    for (int i = 0; i < 2; ++i) {
        REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n"));
        auto const answer = peer->take();
        CHECK(answer.ends_with("\r\n\r\n"));
        CHECK(answer.find("Transfer-Encoding") == std::string::npos);
    }
}

TEST_CASE(
    "server: 100-continue is sent when the body is wanted, and only then", "[net][component]"
) {
    std::string const head =
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    SECTION("wanted") {
        ServerFixture fixture(echo);
        auto peer = fixture.connect();
        REQUIRE(fixture.exchange(*peer, head, "HTTP/1.1 100 Continue\r\n\r\n"));
        CHECK_FALSE(peer->has("200 OK"));
        peer->take();
        CHECK(fixture.exchange(*peer, "hello", "[hello]"));
        peer->take();
        CHECK(fixture.exchange(*peer, post("next"), "[next]"));
    }
    SECTION("too large") {
        ServerFixture fixture([](Exchange& exchange) -> Task<void> {
            Body body;
            auto const read = co_await exchange.read_body(body, 4);
            CHECK(read.error().code == Errc::TooLarge);
            co_await exchange.respond(http::text_reply(413, "too large"));
        });
        auto peer = fixture.connect();
        REQUIRE(fixture.exchange(*peer, head, "HTTP/1.1 413"));
        CHECK_FALSE(peer->has("100 Continue"));
        CHECK(peer->has("Connection: close"));
    }
    SECTION("on its way already") {
        ServerFixture fixture(echo);
        auto peer = fixture.connect();
        REQUIRE(fixture.exchange(*peer, head + "hello", "[hello]"));
        CHECK_FALSE(peer->has("100 Continue"));
    }
}

TEST_CASE(
    "server: an answer that leaves the body unread closes, and is not lost to a reset",
    "[net][component]"
) {
    ServerFixture fixture([](Exchange& exchange) -> Task<void> {
        co_await exchange.respond(http::text_reply(403, "no"));
    });
    auto peer = fixture.connect();
    peer->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
    for (int i = 0; i < 200 && !peer->has_ended(); ++i) {
        peer->send_until_full(10'000);
        fixture.loop.poll();
    }
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(peer->has("HTTP/1.1 403"));
    CHECK(peer->has("Connection: close"));
    CHECK_FALSE(peer->was_reset());
}

TEST_CASE(
    "server: what the gate refuses is answered in the application's shape and closed",
    "[net][component]"
) {
    ServerConfig config;
    config.refuse = [](http::Refusal const& refusal) {
        return http::json_reply(
            refusal.status, "{\"error\":" + http::json_quote(refusal.message) + "}"
        );
    };
    ServerFixture fixture(echo, config);
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(
        *peer, "GET / HTTP/1.1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "{\"error\":"
    ));
    CHECK(peer->text().starts_with("HTTP/1.1 400"));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK_FALSE(peer->has("smuggled"));
}

TEST_CASE("server: body pieces come as they arrive", "[net][component]") {
    std::vector<std::string> pieces;
    ServerFixture fixture([&pieces](Exchange& exchange) -> Task<void> {
        while (true) {
            auto const piece = co_await exchange.read_body_some();
            if (!piece || piece->empty()) {
                break;
            }
            pieces.emplace_back(*piece);
        }
        co_await exchange.respond(http::text_reply(200, "done"));
    });
    auto peer = fixture.connect();
    peer->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab");
    REQUIRE(fixture.pump([&] { return pieces.size() == 1; }));
    peer->send("cd");
    REQUIRE(fixture.pump([&] { return pieces.size() == 2; }));
    REQUIRE(fixture.exchange(*peer, "ef", "done"));
    CHECK(pieces == std::vector<std::string>{"ab", "cd", "ef"});
}

TEST_CASE(
    "server: interim answers precede the final one, but not for HTTP/1.0", "[net][component]"
) {
    ServerFixture fixture([](Exchange& exchange) -> Task<void> {
        http::Fields fields;
        fields.add("Link", "</style.css>");
        co_await exchange.write_interim(103, fields);
        co_await exchange.respond(http::text_reply(200, "final"));
    });
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "final"));
    CHECK(peer->text().starts_with(
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\n"
    ));
    auto old = fixture.connect();
    REQUIRE(fixture.exchange(*old, "GET / HTTP/1.0\r\n\r\n", "final"));
    CHECK(old->text().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE(
    "server: an answer that was begun but not sent can still become another", "[net][component]"
) {
    ServerFixture fixture([](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Length, .length = 5};
        co_await exchange.start(200, "OK", {}, framing, false);
        CHECK_FALSE(exchange.has_started());
        co_await exchange.respond(http::text_reply(502, "the upstream failed"));
        CHECK(exchange.has_started());
        auto const again = co_await exchange.respond(http::text_reply(200, "twice"));
        CHECK_FALSE(again.has_value());
        auto const more = co_await exchange.write("more");
        CHECK_FALSE(more.has_value());
    });
    auto peer = fixture.connect();
    for (int i = 0; i < 2; ++i) {
        REQUIRE(fixture.exchange(*peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "the upstream failed")
        );
        auto const answer = peer->take();
        CHECK(answer.starts_with("HTTP/1.1 502"));
        CHECK(answer.find("200 OK") == std::string::npos);
    }
}

TEST_CASE("server: a large body that lies there whole is read whole", "[net][component]") {
    std::size_t size = 0;
    ServerFixture fixture([&size](Exchange& exchange) -> Task<void> {
        Body body;
        auto const read = co_await exchange.read_body(body, 100 << 20);
        REQUIRE(read.has_value());
        size = body.size();
        co_await exchange.respond(http::text_reply(200, "done"));
    });
    // At once in the kernel's buffers, or more than they hold.
    std::size_t const length = GENERATE(std::size_t{1} << 20, std::size_t{30} << 20);
    auto peer = fixture.connect();
    peer->send(
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n"
    );
    std::size_t sent = 0;
    REQUIRE(fixture.pump([&] {
        sent += peer->send_until_full(length - sent);
        return peer->has("done");
    }));
    CHECK(size == length);
}
