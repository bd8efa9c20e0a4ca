// The upstream's heads: as strict as the client's, because a misread answer poisons the connection
// for the next one.

#include "parse.hpp"

#include <vector>

using namespace plimsoll::http;
using plimsoll::http::test::parse_response;
using namespace std::string_literals;

namespace {

ResponseHead accept(std::string_view bytes, Method request = Method::Get) {
    INFO(bytes);
    auto parsed = parse_response(bytes, request);
    INFO(parsed.progress.refusal.message);
    REQUIRE(parsed.progress.kind == ParseProgress::Kind::Done);
    return std::move(parsed.head);
}

void refuse(std::vector<std::string> const& cases) {
    for (auto const& bytes : cases) {
        INFO(bytes);
        auto const parsed = parse_response(bytes);
        CHECK(parsed.progress.kind == ParseProgress::Kind::Refused);
        CHECK(parsed.progress.refusal.status == 502);
    }
}

std::string ok(std::string const& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("response, RFC 9112 4: the status line", "[http][gate]") {
    auto const head = accept("HTTP/1.1 404 Not \xC3\x9F Found\r\nContent-Length: 2\r\n\r\n");
    CHECK(head.status == 404);
    CHECK(head.reason == "Not \xC3\x9F Found");
    CHECK(accept("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").reason.empty());
    CHECK(accept("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").status == 200);
    refuse({
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\n\r\n"s,
        "HTTP/1.1 200 OK\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "garbage",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    });
}

TEST_CASE("response, RFC 9112 5: fields are as strict as in requests", "[http][gate]") {
    refuse({
        ok("Foo : x\r\n"),
        ok("Foo: a\r\n b\r\n"),
        ok(" Foo: a\r\n"),
        ok("Foo: a\nBar: b\r\n"),
        ok("Foo: a\rb\r\n"),
        ok("Foo: a\0b\r\n"s),
        ok("Foo\r\n"),
        ok("F: " + std::string(20'000, 'x') + "\r\n"),
    });
}

TEST_CASE("response, RFC 9112 6.3: how long the body is", "[http][gate]") {
    CHECK(accept(ok("Transfer-Encoding: chunked\r\n")).framing.kind == Framing::Kind::Chunked);
    auto const sized = accept(ok("Content-Length: 12\r\n"));
    CHECK(sized.framing.kind == Framing::Kind::Length);
    CHECK(sized.framing.length == 12);
    auto const until_close = accept(ok(""));
    CHECK(until_close.framing.kind == Framing::Kind::UntilClose);
    CHECK_FALSE(until_close.keep_alive);
    refuse({
        ok("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
        ok("Content-Length: 3\r\nTransfer-Encoding: gzip\r\n"),
        ok("Transfer-Encoding: gzip, chunked\r\n"),
        ok("Transfer-Encoding: identity\r\n"),
        ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ok("Content-Length: 3\r\nContent-Length: 3\r\n"),
        ok("Content-Length: 3, 3\r\n"),
        ok("Content-Length: -1\r\n"),
        ok("Content-Length:\r\n"),
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    });
}

TEST_CASE("response, RFC 9112 6.3: HEAD, 1xx, 204 and 304 have no body", "[http][gate]") {
    auto const head = accept(ok("Content-Length: 17\r\n"), Method::Head);
    CHECK(head.framing.kind == Framing::Kind::None);
    CHECK(head.framing.length == 17);
    CHECK(head.keep_alive);
    auto const unsized = accept(ok("Transfer-Encoding: chunked\r\n"), Method::Head);
    CHECK(unsized.framing.length == Framing::kUnstated);
    for (std::string const line :
         {"HTTP/1.1 100 Continue\r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
          "HTTP/1.1 204 No Content\r\n\r\n",
          "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"}) {
        auto const bodiless = accept(line);
        CHECK(bodiless.framing.kind == Framing::Kind::None);
        CHECK(bodiless.keep_alive);
    }
    refuse({
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    });
}

TEST_CASE("response, RFC 9112 9.3: persistence", "[http][gate]") {
    CHECK(accept(ok("Content-Length: 0\r\n")).keep_alive);
    CHECK_FALSE(accept(ok("Content-Length: 0\r\nConnection: close\r\n")).keep_alive);
    CHECK_FALSE(accept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    CHECK(
        accept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").keep_alive
    );
}

TEST_CASE("response: a written head reads back as it was meant", "[http][gate]") {
    Fields fields;
    fields.add("Content-Type", "application/json");
    fields.add("Connection", "x");       // never from the list
    fields.add("Content-Length", "99");  // never from the list
    fields.add("Set-Cookie", "a");
    fields.add("Set-Cookie", "b");
    auto const write = [&](unsigned status, Framing framing, bool keep_alive, int minor) {
        return write_response_head(
            status, reason_phrase(status), fields, framing, keep_alive, minor
        );
    };
    std::string const common =
        "Content-Type: application/json\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n";
    Framing const five{Framing::Kind::Length, 5};
    CHECK(
        write(200, five, true, 1) == "HTTP/1.1 200 OK\r\n" + common + "Content-Length: 5\r\n\r\n"
    );
    CHECK(
        write(503, five, false, 1) == "HTTP/1.1 503 Service Unavailable\r\n" + common +
                                          "Content-Length: 5\r\nConnection: close\r\n\r\n"
    );
    CHECK(
        write(200, five, true, 0) ==
        "HTTP/1.1 200 OK\r\n" + common + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"
    );
    CHECK(
        write(200, {Framing::Kind::Chunked, 0}, true, 1) ==
        "HTTP/1.1 200 OK\r\n" + common + "Transfer-Encoding: chunked\r\n\r\n"
    );
    CHECK(
        write(200, {Framing::Kind::UntilClose, 0}, true, 1) ==
        "HTTP/1.1 200 OK\r\n" + common + "Connection: close\r\n\r\n"
    );
    CHECK(write(200, {}, true, 1) == "HTTP/1.1 200 OK\r\n" + common + "Content-Length: 0\r\n\r\n");
    CHECK(write(204, {}, true, 1) == "HTTP/1.1 204 No Content\r\n" + common + "\r\n");
    CHECK(write(100, {}, false, 1) == "HTTP/1.1 100 Continue\r\n" + common + "\r\n");
}

TEST_CASE("response: the length that a HEAD answer states goes through", "[http][gate]") {
    auto const head = accept(ok("Content-Length: 17\r\nX: y\r\n"), Method::Head);
    auto const written = write_response_head(
        head.status, head.reason, end_to_end(head.fields), head.framing, true, 1
    );
    CHECK(written == "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 17\r\n\r\n");
    auto const unsized = accept(ok("Transfer-Encoding: chunked\r\n"), Method::Head);
    CHECK(
        write_response_head(200, "OK", {}, unsized.framing, true, 1) == "HTTP/1.1 200 OK\r\n\r\n"
    );
}
