// Request bodies that are passed through, and answers that come before their end.
#include "support/catch.hpp"

#include "component/net_fixture.hpp"

#include <deque>
#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Hands out pieces when the test gives them.
struct Feed {
    explicit Feed(Loop& loop) : more(loop) {}

    void give(std::string piece) {
        pieces.push_back(std::move(piece));
        more.set();
    }

    Task<Result<std::string_view>> next() {
        ++asked;
        while (pieces.empty()) {
            more.reset();
            co_await more.wait();
        }
        current = std::move(pieces.front());
        pieces.pop_front();
        co_return std::string_view(current);
    }

    Flag more;
    std::deque<std::string> pieces;
    std::string current;
    int asked = 0;
};

ClientRequest upload(Feed& feed, http::Framing framing) {
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/api/blobs/x";
    request.source = [&feed] { return feed.next(); };
    request.source_framing = framing;
    return request;
}

constexpr http::Framing kChunked{.kind = http::Framing::Kind::Chunked, .length = 0};

}  // namespace

TEST_CASE("upload: pieces are sent on as they come", "[net][component]") {
    ClientFixture fixture;
    Feed feed(fixture.loop);
    auto const outcome = fixture.start(upload(feed, kChunked));
    auto peer = fixture.accept();
    REQUIRE(fixture.pump([&] { return peer->has("\r\n\r\n"); }));
    feed.give("hello");
    REQUIRE(fixture.pump([&] { return peer->has("5\r\nhello\r\n"); }));
    feed.give("world!");
    REQUIRE(fixture.pump([&] { return peer->has("6\r\nworld!\r\n"); }));
    CHECK_FALSE(peer->has("0\r\n\r\n"));
    feed.give("");
    REQUIRE(fixture.pump([&] { return peer->has("0\r\n\r\n"); }));
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    CHECK(outcome->body == "ok");
    CHECK(fixture.client.idle_connections() == 1);
}

TEST_CASE("upload: a length is kept to the byte", "[net][component]") {
    ClientFixture fixture;
    Feed feed(fixture.loop);
    auto const outcome =
        fixture.start(upload(feed, {.kind = http::Framing::Kind::Length, .length = 6}));
    auto peer = fixture.accept();
    feed.give("abc");
    SECTION("as announced") {
        feed.give("def");
        feed.give("");
        REQUIRE(fixture.pump([&] { return peer->has("abcdef"); }));
        REQUIRE(fixture.answer(*peer, kOk, *outcome));
        CHECK(outcome->body == "ok");
    }
    SECTION("too short") {
        feed.give("");
        REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
        CHECK(outcome->failure() == Errc::BadRequest);
        CHECK(fixture.pump([&] { return peer->has_ended(); }));
    }
    SECTION("too long") {
        feed.give("defg");
        REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
        CHECK(outcome->failure() == Errc::BadRequest);
        CHECK_FALSE(peer->has("defg"));
    }
}

TEST_CASE("upload: an answer that comes early stops the upload", "[net][component]") {
    ClientFixture fixture;
    Feed feed(fixture.loop);
    auto const outcome = fixture.start(upload(feed, kChunked));
    auto peer = fixture.accept();
    feed.give("first");
    REQUIRE(fixture.pump([&] { return peer->has("first"); }));
    peer->send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    settle(fixture.loop);
    feed.give("second");
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->status == 403);
    CHECK(outcome->body == "no");
    CHECK_FALSE(peer->has("second"));
    CHECK(feed.asked == 2);
    CHECK(fixture.client.idle_connections() == 0);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
}

TEST_CASE("upload: an early answer is read although the server takes no more", "[net][component]") {
    ClientFixture fixture;
    std::string const large(64 << 20, 'x');
    std::string_view const piece = large;
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/";
    request.pieces = {&piece, 1};
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    settle(fixture.loop);
    bool const closes = GENERATE(false, true);
    peer->send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    if (closes) {
        peer->stop_sending();
    }
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->status == 413);
    CHECK(outcome->body == "no");
    CHECK(fixture.client.idle_connections() == 0);
}

TEST_CASE("upload: an interim answer does not stop it", "[net][component]") {
    ClientFixture fixture;
    Feed feed(fixture.loop);
    auto const outcome = fixture.start(upload(feed, kChunked));
    auto peer = fixture.accept();
    feed.give("first");
    REQUIRE(fixture.pump([&] { return peer->has("first"); }));
    peer->send("HTTP/1.1 100 Continue\r\n\r\n");
    settle(fixture.loop);
    feed.give("second");
    feed.give("");
    REQUIRE(fixture.pump([&] { return peer->has("second\r\n0\r\n\r\n"); }));
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    CHECK(outcome->body == "ok");
    CHECK(fixture.client.idle_connections() == 1);
}

TEST_CASE("upload: a large body arrives whole at a slow server", "[net][component]") {
    ClientFixture fixture;
    std::string large;
    for (int i = 0; large.size() < 5'000'000; ++i) {
        large += std::to_string(i) + ";";
    }
    std::string_view const piece = large;
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/";
    request.pieces = {&piece, 1};
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    settle(fixture.loop);
    REQUIRE(fixture.pump([&] { return peer->text().size() > large.size(); }));
    CHECK(fixture.pump([&] { return peer->text().ends_with(large); }));
    REQUIRE(fixture.answer(*peer, kOk, *outcome));
    CHECK(fixture.client.idle_connections() == 1);
}

TEST_CASE("upload: a server that takes nothing is given up", "[net][component]") {
    ClientFixture fixture;
    std::string const large(64 << 20, 'x');
    std::string_view const piece = large;
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/";
    request.pieces = {&piece, 1};
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    settle(fixture.loop);
    fixture.loop.advance(31s);
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->failure() == Errc::Timeout);
}

TEST_CASE("upload: the source's error is the request's", "[net][component]") {
    ClientFixture fixture;
    ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/";
    request.source_framing = kChunked;
    request.source = []() -> Task<Result<std::string_view>> {
        co_return fail(Errc::ConnectionClosed, "the client left", ErrorSource::Client);
    };
    auto const outcome = fixture.start(std::move(request));
    auto peer = fixture.accept();
    REQUIRE(fixture.pump([&] { return outcome->is_done(); }));
    CHECK(outcome->sent->error().source == ErrorSource::Client);
    CHECK(fixture.pump([&] { return peer->has_ended(); }));
    CHECK_FALSE(peer->has("0\r\n\r\n"));
}
