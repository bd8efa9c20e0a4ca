// Upstreams that break the protocol, die, or say nothing.
#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string interims(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += "HTTP/1.1 103 Early Hints\r\n\r\n";
    }
    return text;
}

}  // namespace

TEST_CASE(
    "faults: bytes that are not a valid answer are an error, and the connection is closed",
    "[net][component]"
) {
    std::string const garbage = GENERATE(
        std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        std::string("HTTP/1.1 2000 OK\r\n\r\n"),
        std::string("HTTP/2 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok"),
        std::string(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ),
        std::string("HTTP/1.1 200 OK\r\n Folded: yes\r\nContent-Length: 2\r\n\r\nok"),
        std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"),
        interims(21) + std::string(kOk)
    );
    CAPTURE(garbage);
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, garbage, *outcome));
    CHECK(outcome->failure() == Errc::UpstreamProtocol);
    CHECK(fixture.client.idle_connections() == 0);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE("faults: twenty interim answers are still borne", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, interims(20) + std::string(kOk), *outcome));
    CHECK(outcome->body == "ok");
}

TEST_CASE(
    "faults: a body longer than announced is not delivered, the connection not used again",
    "[net][component]"
) {
    std::string const answer = GENERATE(
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore"),
        std::string("HTTP/1.1 204 No Content\r\n\r\nmore"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore")
    );
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, answer, *outcome));
    CHECK(outcome->body.find("more") == std::string::npos);
    CHECK(fixture.client.idle_connections() == 0);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE(
    "faults: bytes on an idle connection drop it, noticed by the watcher or at its next use",
    "[net][component]"
) {
    bool const watcher_first = GENERATE(true, false);
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    peer->send(kOk);
    if (watcher_first) {
        CHECK(fixture.pump([&] { return fixture.client.idle_connections() == 0; }));
    }
    auto const next = fixture.get("/next");
    auto fresh = fixture.accept();
    REQUIRE(fixture.answer(*fresh, "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nnew", *next));
    CHECK(next->status == 201);
    CHECK(next->body == "new");
}

TEST_CASE(
    "faults: a truncated answer is ConnectionClosed, what came was delivered", "[net][component]"
) {
    std::string const answer = GENERATE(
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npart")
    );
    bool const by_reset = GENERATE(false, true);
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    peer->send(answer);
    REQUIRE(fixture.pump([&] { return outcome->body == "part"; }));
    by_reset ? peer->reset() : peer->close();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::ConnectionClosed);
    CHECK(outcome->body == "part");
    CHECK(fixture.upstream.accept() == nullptr);
}

TEST_CASE("faults: a head that is cut is ConnectionClosed and not retried", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    peer->send("HTTP/1.1 200 OK\r\nContent-Le");
    settle(fixture.loop);
    peer->close();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::ConnectionClosed);
    CHECK(fixture.upstream.accept() == nullptr);
}

TEST_CASE("faults: a reused connection that dies unanswered is replaced once", "[net][component]") {
    ClientFixture fixture;
    auto const first = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, kOk, *first));
    peer->take();
    bool const replayable = GENERATE(true, false);
    ClientRequest request;
    request.target = "/again";
    request.replayable = replayable;
    auto const outcome = fixture.start(std::move(request));
    REQUIRE(fixture.pump([&] { return peer->has("GET /again"); }));
    peer->reset();
    if (!replayable) {
        REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
        CHECK(outcome->failure() == Errc::ConnectionClosed);
        return;
    }
    auto fresh = fixture.accept();
    REQUIRE(fixture.pump([&] { return fresh->has("GET /again"); }));
    SECTION("the fresh one answers") {
        REQUIRE(fixture.answer(*fresh, kOk, *outcome));
        CHECK(outcome->body == "ok");
    }
    SECTION("the fresh one dies too") {
        fresh->close();
        REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
        CHECK(outcome->failure() == Errc::ConnectionClosed);
        CHECK(fixture.upstream.accept() == nullptr);
    }
}

TEST_CASE(
    "faults: a reused connection that dies after a first byte is not replaced", "[net][component]"
) {
    ClientFixture fixture;
    auto const first = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, kOk, *first));
    peer->take();
    auto const outcome = fixture.get("/again");
    REQUIRE(fixture.pump([&] { return peer->has("GET /again"); }));
    peer->send("H");
    settle(fixture.loop);
    peer->close();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::ConnectionClosed);
}

TEST_CASE("faults: a connection that ended while it idled is never tried", "[net][component]") {
    ClientFixture fixture;
    auto const first = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.answer(*peer, kOk, *first));
    peer->close();
    ClientRequest request;
    request.target = "/next";
    request.replayable = false;
    auto const outcome = fixture.start(std::move(request));
    auto fresh = fixture.accept();
    REQUIRE(fixture.answer(*fresh, kOk, *outcome));
    CHECK(outcome->body == "ok");
}

TEST_CASE("faults: nobody listening is UpstreamUnavailable, with the address", "[net][component]") {
    ClientFixture fixture;
    fixture.upstream.close();
    auto const outcome = fixture.get();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::UpstreamUnavailable);
    CHECK_THAT(outcome->sent->error().message, ContainsSubstring(fixture.client.authority()));
    CHECK_THAT(outcome->sent->error().message, ContainsSubstring("refused"));
}

TEST_CASE("faults: silence is a Timeout, counted from the last byte sent", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    REQUIRE(fixture.pump([&] { return peer->has("GET /"); }));
    settle(fixture.loop);
    SECTION("before the head") {
        fixture.loop.advance(29s);
        CHECK_FALSE(outcome->is_done());
        fixture.loop.advance(1s);
    }
    SECTION("between pieces") {
        peer->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
        REQUIRE(fixture.pump([&] { return outcome->body == "part"; }));
        settle(fixture.loop);
        fixture.loop.advance(59s);
        peer->send("y");
        REQUIRE(fixture.pump([&] { return outcome->body == "party"; }));
        settle(fixture.loop);
        fixture.loop.advance(59s);
        CHECK_FALSE(outcome->is_done());
        fixture.loop.advance(1s);
    }
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::Timeout);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(fixture.client.idle_connections() == 0);
}

TEST_CASE("faults: cancelling closes the connection at once, in every phase", "[net][component]") {
    ClientFixture fixture;
    auto const outcome = fixture.get();
    auto peer = fixture.accept();
    SECTION("before the answer") {
        REQUIRE(fixture.pump([&] { return peer->has("GET /"); }));
    }
    SECTION("inside of the head") {
        peer->send("HTTP/1.1 200 OK\r\n");
        settle(fixture.loop);
    }
    SECTION("inside of the body") {
        peer->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
        REQUIRE(fixture.pump([&] { return outcome->body == "part"; }));
    }
    settle(fixture.loop);
    outcome->canceller.cancel();
    CHECK(peer->has_ended());
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::Cancelled);
}

TEST_CASE("faults: dropping an answer before its end closes the connection", "[net][component]") {
    ClientFixture fixture;
    bool dropped = false;
    auto ask = [](Client& to, bool& out) -> Task<void> {
        ClientRequest request;
        request.target = "/";
        auto answer = co_await to.send(request, nullptr);
        REQUIRE(answer.has_value());
        answer = ClientResponse();
        out = true;
    };
    fixture.loop.spawn("ask", ask(fixture.client, dropped));
    auto peer = fixture.accept();
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
    REQUIRE(fixture.pump([&] { return dropped; }));
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK(fixture.client.idle_connections() == 0);
}
