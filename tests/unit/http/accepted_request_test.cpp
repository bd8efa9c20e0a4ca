// What the gate accepts, what it makes of it, and that it goes on as exactly one canonical request.

#include "parse.hpp"

#include <vector>

using namespace plimsoll::http;
using plimsoll::http::test::parse_request;

namespace {

RequestHead accept(std::string_view bytes) {
    INFO(bytes);
    auto parsed = parse_request(bytes);
    INFO(parsed.progress.refusal.message);
    REQUIRE(parsed.progress.kind == ParseProgress::Kind::Done);
    return std::move(parsed.head);
}

std::string forward(RequestHead const& head) {
    auto target = encode_path(head.path);
    if (head.has_query) {
        target += '?' + head.query;
    }
    return write_request_head(
        head.method, target, "upstream:11434", end_to_end(head.fields), head.framing
    );
}

}  // namespace

TEST_CASE("gate: an ordinary request is read and goes on in canonical form", "[http][gate]") {
    auto const head = accept(
        "POST /api/chat?x=1 HTTP/1.1\r\nhost: LocalHost:11435\r\nUser-Agent:  curl/8 \t\r\n"
        "Accept: */*\r\nConnection: keep-alive, X-Drop\r\nX-Drop: 1\r\nX-Empty:\r\n"
        "Content-Length: 007\r\n\r\n"
    );
    CHECK(head.method == Method::Post);
    CHECK(head.path == "/api/chat");
    CHECK(head.query == "x=1");
    CHECK(head.host == "LocalHost:11435");
    CHECK(head.framing.kind == Framing::Kind::Length);
    CHECK(head.framing.length == 7);
    CHECK(head.keep_alive);
    CHECK(head.fields.get("user-agent") == "curl/8");
    CHECK(
        forward(head) ==
        "POST /api/chat?x=1 HTTP/1.1\r\nHost: upstream:11434\r\nUser-Agent: curl/8\r\n"
        "Accept: */*\r\nX-Empty: \r\nContent-Length: 7\r\n\r\n"
    );
}

TEST_CASE("gate: consumed ends behind the empty line, whatever follows", "[http][gate]") {
    std::string const first = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    auto const parsed = parse_request(first + first);
    CHECK(parsed.progress.consumed == first.size());
    CHECK(parse_request("\r\n\r\n" + first).progress.consumed == first.size() + 4);
}

TEST_CASE("gate: every accepted request re-serialises to one that reads the same", "[http][gate]") {
    std::vector<std::string> const requests{
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "\r\nGET /api/tags HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /api/version HTTP/1.1\r\nHost: a.b-c_d:1\r\nAccept: x\r\n\r\n",
        "PUT /x?a=b%zz&c={} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "PATCH /plimsoll/v1/settings HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
        "DELETE /api/delete HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST http://A:1/api/generate?q HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n",
        "POST /api%2Fgenerate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "POST /a%20b%25%3F%C3%A4 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: \xC3\xA4\t!\r\nX: 2\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAM\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X\r\nKeep-Alive: 5\r\n"
        "Proxy-Connection: x\r\nProxy-Authorization: x\r\nExpect: 100-Continue\r\n"
        "Content-Length: 9223372036854775807\r\n\r\n",
    };
    for (auto const& bytes : requests) {
        auto const head = accept(bytes);
        auto const once = forward(head);
        INFO(once);
        auto const again = accept(once);
        CHECK(again.path == head.path);
        CHECK(again.query == head.query);
        CHECK(again.framing.length == head.framing.length);
        CHECK(again.keep_alive);
        CHECK_FALSE(again.expects_continue);
        CHECK(again.fields.count("host") == 1);
        CHECK(again.fields.count("content-length") + again.fields.count("transfer-encoding") <= 1);
        for (std::string_view const name :
             {"connection",
              "upgrade",
              "te",
              "trailer",
              "keep-alive",
              "proxy-connection",
              "proxy-authorization",
              "http2-settings",
              "expect"}) {
            CHECK(again.fields.count(name) == 0);
        }
        CHECK(forward(again) == once);
    }
}

TEST_CASE(
    "gate, RFC 9112 3.2.2: an absolute target of our own is reduced to its path", "[http][gate]"
) {
    auto const head =
        accept("GET HTTP://LOCALHOST:1/api/ps?a HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
    CHECK(head.target == "/api/ps?a");
    CHECK(head.path == "/api/ps");
    CHECK(head.query == "a");
    CHECK(accept("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path == "/");
    CHECK(accept("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n").target == "/?q");
    CHECK(accept("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").path == "*");
    CHECK(accept("GET http://a/ HTTP/1.0\r\n\r\n").host == "a");
}

TEST_CASE("gate, RFC 9112 9.3: persistence follows version and Connection", "[http][gate]") {
    CHECK(accept("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
    CHECK_FALSE(accept("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").keep_alive);
    CHECK_FALSE(accept("GET / HTTP/1.1\r\nHost: a\r\nConnection: x,close\r\n\r\n").keep_alive);
    CHECK_FALSE(accept("GET / HTTP/1.0\r\n\r\n").keep_alive);
    CHECK(accept("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    CHECK_FALSE(accept("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST_CASE(
    "gate, RFC 9110 10.1.1: 100-continue counts only with a body and in 1.1", "[http][gate]"
) {
    std::string const expect = "Host: a\r\nExpect: 100-continue\r\n";
    auto const with = [&](std::string const& version, std::string const& framing) {
        return accept("POST / HTTP/" + version + "\r\n" + expect + framing + "\r\n")
            .expects_continue;
    };
    CHECK(with("1.1", "Content-Length: 5\r\n"));
    CHECK(with("1.1", "Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(with("1.1", "Content-Length: 0\r\n"));
    CHECK_FALSE(with("1.1", ""));
    CHECK_FALSE(with("1.0", "Content-Length: 5\r\n"));
}

TEST_CASE("gate, RFC 9112 6.3: without framing fields a request has no body", "[http][gate]") {
    CHECK(accept("POST / HTTP/1.1\r\nHost: a\r\n\r\n").framing.kind == Framing::Kind::None);
    CHECK(accept("POST / HTTP/1.0\r\n\r\n").framing.kind == Framing::Kind::None);
}

TEST_CASE("gate: an offer of h2c is ignored, as RFC 9110 7.8 allows", "[http][gate]") {
    auto const head = accept(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQ\r\n\r\n"
    );
    CHECK(end_to_end(head.fields).size() == 0);
}

TEST_CASE("gate: a head that is used again keeps nothing of the last one", "[http][gate]") {
    RequestHead head;
    parse_request_head(
        "POST /a//b?q HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        {},
        head
    );
    CHECK(head.redirect_to == "/a/b?q");
    parse_request_head("GET / HTTP/1.1\r\nHost: b\r\n\r\n", {}, head);
    CHECK(head.method == Method::Get);
    CHECK_FALSE(head.redirect_to);
    CHECK_FALSE(head.has_query);
    CHECK(head.query.empty());
    CHECK_FALSE(head.expects_continue);
    CHECK(head.framing.kind == Framing::Kind::None);
    CHECK(head.framing.length == 0);
    CHECK(head.fields.size() == 1);
}
