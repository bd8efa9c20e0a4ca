#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("client: a request carries Host and framing, its pieces in order", "[net][component]") {
    ClientFixture fixture;
    std::vector<std::string_view> const pieces{"{\"model\":", "", "\"m\"}"};
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/api/chat?x=1";
    request.fields.add("Content-Type", "application/json");
    request.pieces = pieces;
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    REQUIRE(fixture.pump([&] { return peer->has("\"m\"}"); }));
    CHECK(
        peer->text() ==
        "POST /api/chat?x=1 HTTP/1.1\r\nHost: " + fixture.client.authority() +
            "\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}"
    );
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    CHECK(outcome->status == 200);
    CHECK(outcome->body == "ok");
}

TEST_CASE("client: connections are kept and used again, the latest first", "[net][component]") {
    ClientFixture fixture;
    auto const first = fixture.get("/1");
    auto const second = fixture.get("/2");
    auto one = fixture.accept();
    auto two = fixture.accept();
    REQUIRE(fixture.answer(*one, kOk, *first));
    REQUIRE(fixture.answer(*two, kOk, *second));
    CHECK(fixture.client.idle_connections() == 2);
    two->take();
    auto const third = fixture.get("/3");
    REQUIRE(fixture.pump([&] { return two->has("GET /3"); }));
    CHECK(fixture.client.idle_connections() == 1);
    REQUIRE(fixture.answer(*two, kOk, *third));
    CHECK(fixture.client.idle_connections() == 2);
    CHECK(fixture.upstream.accept() == nullptr);
}

TEST_CASE(
    "client: pieces arrive as they were flushed, a lone chunk header is no piece and no end",
    "[net][component]"
) {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    peer->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    REQUIRE(fixture.pump([&] { return outcome->sent.has_value(); }));
    for (std::string_view const token : {"one", "two", "six"}) {
        peer->send("3\r\n");
        settle(fixture.loop);
        CHECK_FALSE(outcome->is_done());
        peer->send(std::string(token) + "\r\n");
        REQUIRE(fixture.pump([&] { return outcome->body.ends_with(token); }));
    }
    REQUIRE(fixture.answer(*peer, "0\r\n\r\n", *outcome));
    CHECK(outcome->pieces == std::vector<std::string>{"one", "two", "six"});
    CHECK(fixture.client.idle_connections() == 1);
}

TEST_CASE("client: many chunks in one segment are one piece", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(
        *peer,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
        *outcome
    ));
    CHECK(outcome->pieces == std::vector<std::string>{"abc"});
}

TEST_CASE("client: answers that have no body leave the connection in step", "[net][component]") {
    ClientFixture fixture;
    ClientRequest request;
    request.target = "/";
    std::string answer;
    SECTION("HEAD") {
        request.method = http::Method::Head;
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n";
    }
    SECTION("204") {
        answer = "HTTP/1.1 204 No Content\r\n\r\n";
    }
    SECTION("304") {
        answer = "HTTP/1.1 304 Not Modified\r\nContent-Length: 4000\r\n\r\n";
    }
    SECTION("length zero") {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    }
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, answer, *outcome));
    CHECK_FALSE(outcome->failure().has_value());
    CHECK(outcome->body.empty());
    CHECK(fixture.client.idle_connections() == 1);
    auto const next = fixture.get();
    REQUIRE(fixture.answer(*peer, kOk, *next));
    CHECK(next->body == "ok");
}

TEST_CASE("client: an answer up to the close is complete at the close", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    peer->send("HTTP/1.1 200 OK\r\n\r\nsome ");
    REQUIRE(fixture.pump([&] { return outcome->body == "some "; }));
    peer->send("bytes");
    peer->receive();  // closing with unread bytes would be a reset
    peer->close();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK_FALSE(outcome->failure().has_value());
    CHECK(outcome->body == "some bytes");
    CHECK(fixture.client.idle_connections() == 0);
}

TEST_CASE("client: Connection: close and HTTP/1.0 answers are not pooled", "[net][component]") {
    std::string const answer = GENERATE(
        std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    );
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, answer, *outcome));
    CHECK(outcome->body == "ok");
    CHECK(fixture.client.idle_connections() == 0);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE("client: interim answers are handed on in order", "[net][component]") {
    ClientFixture fixture;
    std::vector<unsigned> interims;
    ClientRequest request;
    request.target = "/";
    request.on_interim = [&interims](unsigned status, http::Fields const&) -> Task<Result<void>> {
        interims.push_back(status);
        co_return Result<void>();
    };
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(
        *peer,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" +
            std::string(kOk),
        *outcome
    ));
    CHECK(interims == std::vector<unsigned>{100, 103});
    CHECK(outcome->status == 200);
}

TEST_CASE("client: an idle connection is dropped after its limit", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    fixture.loop.advance(59s);
    CHECK(fixture.client.idle_connections() == 1);
    fixture.loop.advance(1s);
    CHECK(fixture.client.idle_connections() == 0);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE("client: the pool keeps no more than it may", "[net][component]") {
    Loop loop(ClockMode::Manual);
    RawServer upstream;
    ClientConfig config;
    config.port = upstream.port();
    config.max_idle = 1;
    Client client(loop, config);
    std::vector<std::unique_ptr<Raw>> peers;
    auto ask = [](Client& to) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto answer = co_await to.send(request, nullptr);
        REQUIRE(answer.has_value());
        co_await answer->read_all(10, 1s, nullptr);
    };
    for (int i = 0; i < 3; ++i) {
        loop.spawn("ask", ask(client));
    }
    REQUIRE(pump(loop, [&] {
        if (auto peer = upstream.accept()) {
            peer->send(kOk);
            peers.push_back(std::move(peer));
        }
        return loop.running_tasks() == 0 && peers.size() == 3;
    }));
    CHECK(client.idle_connections() == 1);
    client.drop_idle();
    CHECK(client.idle_connections() == 0);
}

TEST_CASE("client: read_all stops at its limit", "[net][component]") {
    ClientFixture fixture;
    std::optional<Errc> error;
    auto ask = [](Client& to, std::optional<Errc>& out) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto answer = co_await to.send(request, nullptr);
        auto const all = co_await answer->read_all(1, 1s, nullptr);
        out = all.error().code;
    };
    fixture.loop.spawn("ask", ask(fixture.client, error));
    auto peer = fixture.accept();
    peer->send(kOk);
    REQUIRE(fixture.pump([&] { return error.has_value(); }));
    CHECK(error == Errc::TooLarge);
}

TEST_CASE("client: a name is resolved off the loop, localhost without asking", "[net][component]") {
    Loop loop(ClockMode::Manual);
    ClientConfig config;
    config.host = GENERATE(std::string("no-such-host.invalid"), std::string("localhost"));
    config.port = 1;  // nobody listens on tcpmux
    Client client(loop, config);
    std::optional<Error> error;
    auto ask = [](Client& to, std::optional<Error>& out) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto const answer = co_await to.send(request, nullptr);
        out = answer.error();
    };
    loop.spawn("ask", ask(client, error));
    REQUIRE(pump(loop, [&] { return error.has_value(); }));
    CHECK(error->code == Errc::UpstreamUnavailable);
    CHECK_THAT(error->message, ContainsSubstring(config.host));
}

TEST_CASE(
    "client: requests under way when the loop ends are torn down with it", "[net][component]"
) {
    // The leak checker is the judge: each of these holds its connection while the connection holds
    // it.
    ClientFixture fixture;
    auto const silent = fixture.get("/silent");
    auto first = fixture.accept();
    auto const streaming = fixture.get("/streaming");
    auto second = fixture.accept();
    second->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
    REQUIRE(fixture.pump([&] { return streaming->body == "part"; }));
    CHECK(fixture.loop.running_tasks() == 2);
}
