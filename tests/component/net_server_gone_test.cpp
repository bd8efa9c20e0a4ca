// Clients that leave, in each phase of a request, by FIN and by reset.
#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

enum class Leave { Close, Reset, HalfClose };

void leave(Raw& peer, Leave how) {
    switch (how) {
        case Leave::Close:
            peer.close();
            break;
        case Leave::Reset:
            peer.reset();
            break;
        case Leave::HalfClose:
            peer.stop_sending();
            break;
    }
}

struct Work {
    bool begun = false;
    bool ended = false;
    std::optional<Errc> waited;
    std::optional<Errc> wrote;
};

// Works for an hour unless the client leaves: as a request does that waits for its model.
Handler working(Work& work) {
    return [&work](Exchange& exchange) -> Task<void> {
        Body body;
        auto const read = co_await exchange.read_body(body, 1 << 20);
        work.begun = true;
        if (!read) {
            work.waited = read.error().code;
            work.ended = true;
            co_return;
        }
        auto const slept = co_await sleep_until(
            exchange.loop(), exchange.loop().now() + 1h, &exchange.canceller()
        );
        if (!slept) {
            work.waited = slept.error().code;
        }
        auto const answered = co_await exchange.respond(http::text_reply(200, "late"));
        if (!answered) {
            work.wrote = answered.error().code;
        }
        work.ended = true;
    };
}

}  // namespace

TEST_CASE(
    "gone: a client that leaves while its request waits cancels it at once", "[net][component]"
) {
    auto const how = GENERATE(Leave::Close, Leave::Reset, Leave::HalfClose);
    std::string const request = GENERATE(
        std::string(kGet),
        std::string("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
    );
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send(request);
    REQUIRE(fixture.pump([&] { return work.begun; }));
    settle(fixture.loop);
    CHECK_FALSE(work.ended);
    leave(*peer, how);
    REQUIRE(fixture.pump([&] { return work.ended; }));
    CHECK(work.waited == Errc::Cancelled);
    CHECK(work.wrote == Errc::Cancelled);
    CHECK(fixture.pump([&] { return fixture.server.connections() == 0; }));
    CHECK(fixture.loop.running_tasks() == 0);
}

TEST_CASE("gone: leaving in the middle of the body ends the request", "[net][component]") {
    auto const how = GENERATE(Leave::Close, Leave::Reset, Leave::HalfClose);
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\nabc");
    settle(fixture.loop);
    CHECK_FALSE(work.begun);
    leave(*peer, how);
    REQUIRE(fixture.pump([&] { return work.ended; }));
    CHECK(work.waited == Errc::ConnectionClosed);
    CHECK(fixture.pump([&] { return fixture.server.connections() == 0; }));
}

TEST_CASE(
    "gone: leaving in the middle of a head or between requests frees the connection",
    "[net][component]"
) {
    auto const how = GENERATE(Leave::Close, Leave::Reset, Leave::HalfClose);
    std::string const sent = GENERATE(std::string(), std::string("GET / HT"));
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send(sent);
    REQUIRE(fixture.pump([&] { return fixture.server.connections() == 1; }));
    settle(fixture.loop);
    leave(*peer, how);
    CHECK(fixture.pump([&] { return fixture.server.connections() == 0; }));
    CHECK_FALSE(work.begun);
}

TEST_CASE("gone: leaving mid-stream is noticed without a write", "[net][component]") {
    auto const how = GENERATE(Leave::Close, Leave::Reset, Leave::HalfClose);
    bool cancelled = false;
    std::optional<Errc> wrote;
    ServerFixture fixture([&](Exchange& exchange) -> Task<void> {
        http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
        co_await exchange.start(200, "OK", {}, framing, false);
        co_await exchange.write("first");
        auto const slept = co_await sleep_until(
            exchange.loop(), exchange.loop().now() + 1h, &exchange.canceller()
        );
        cancelled = !slept && slept.error().code == Errc::Cancelled;
        auto const second = co_await exchange.write("second");
        wrote = second.error().code;
    });
    auto peer = fixture.connect();
    REQUIRE(fixture.exchange(*peer, kGet, "first"));
    leave(*peer, how);
    REQUIRE(fixture.pump([&] { return wrote.has_value(); }));
    CHECK(cancelled);
    CHECK(wrote == Errc::Cancelled);
}

TEST_CASE(
    "gone: a pipelined request is no departure, and does not make the server spin",
    "[net][component]"
) {
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send(kGet);
    REQUIRE(fixture.pump([&] { return work.begun; }));
    peer->send(kGet);
    settle(fixture.loop);
    CHECK_FALSE(work.ended);
    work.begun = false;
    fixture.loop.advance(1h);
    REQUIRE(fixture.pump([&] { return work.begun; }));
    CHECK(peer->has("late"));
    CHECK_FALSE(work.waited.has_value());
    // Both are answered, the second after another hour.
    peer->take();
    fixture.loop.advance(1h);
    CHECK(fixture.pump([&] { return peer->has("late"); }));
}

TEST_CASE("gone: leaving is seen behind a pipelined request too", "[net][component]") {
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send(kGet);
    REQUIRE(fixture.pump([&] { return work.begun; }));
    peer->send(kGet);
    settle(fixture.loop);
    peer->close();
    REQUIRE(fixture.pump([&] { return work.ended; }));
    CHECK(work.waited == Errc::Cancelled);
}

TEST_CASE("gone: a flood of pipelined bytes is bounded", "[net][component]") {
    Work work;
    ServerFixture fixture(working(work));
    auto peer = fixture.connect();
    peer->send(kGet);
    REQUIRE(fixture.pump([&] { return work.begun; }));
    // The kernel's buffers are full and the server takes no more: in the end nothing moves, however
    // long it takes the kernel to hand over what it holds.
    constexpr std::size_t kMost = 64 << 20;
    std::size_t total = 0;
    for (int quiet = 0; quiet < 3 && total < kMost;) {
        std::size_t const sent = peer->send_until_full(kMost - total);
        total += sent;
        quiet = sent == 0 ? quiet + 1 : 0;
        settle(fixture.loop);
    }
    CHECK(total < kMost);
    fixture.loop.advance(1h);
    CHECK(fixture.pump([&] { return peer->has("late"); }));
}
