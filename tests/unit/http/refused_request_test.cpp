// What the gate must not let through: each MUST of RFC 9112 and RFC 9110 on requests that concerns
// a proxy, and the ways in which parsers are known to disagree.

#include "parse.hpp"

#include <vector>

using namespace plimsoll::http;
using plimsoll::http::test::parse_request;
using namespace std::string_literals;

namespace {

struct Case {
    std::string what;
    std::string bytes;
    unsigned status;
};

void check_all(std::vector<Case> const& cases) {
    for (auto const& one : cases) {
        INFO(one.what << ": " << one.bytes);
        auto const parsed = parse_request(one.bytes);
        CHECK(parsed.progress.kind == ParseProgress::Kind::Refused);
        CHECK(parsed.progress.refusal.status == one.status);
        CHECK_FALSE(parsed.progress.refusal.message.empty());
    }
}

std::string post(std::string const& fields) {
    return "POST /api/chat HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("gate, RFC 9112 2.2: lines end with CRLF and nothing else", "[http][gate]") {
    check_all({
        {"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"all bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
        {"bare CR before CRLF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
        {"bare CR in the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
        {"blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"three empty lines first", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"LF before the request line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 3: the request line is three words and two spaces", "[http][gate]") {
    check_all({
        {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"tab", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"blank first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"blank last", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"HTTP/0.9", "GET /\r\n\r\n", 400},
        {"no version", "GET / \r\nHost: a\r\n\r\n", 400},
        {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"NUL in the target", "GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
        {"obs-text in the target", "GET /\xC3\xA4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"TLS on a plain port", "\x16\x03\x01\x02\x00\x01"s, 400},
    });
}

TEST_CASE(
    "gate, RFC 9110 9.1, 16.1: methods come from a list and are case-sensitive", "[http][gate]"
) {
    check_all({
        {"lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
        {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"WebDAV", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"prefix of a known one", "POS / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"longer than a known one", "POSTX / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"endless", std::string(5000, 'A'), 501},
        {"no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 2.3: only HTTP/1.0 and HTTP/1.1, in upper case", "[http][gate]") {
    check_all({
        {"2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
        {"no point", "GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
        {"letters", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400},
        {"another protocol", "GET / ICY/1.1\r\nHost: a\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 3.2: exactly one valid Host", "[http][gate]") {
    check_all({
        {"none", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"two equal", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
        {"two in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"userinfo", "GET / HTTP/1.1\r\nHost: x@a\r\n\r\n", 400},
        {"path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"blank inside", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
        {"port beyond 65535", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
        {"port without host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
        {"open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        {"bad literal", "GET / HTTP/1.1\r\nHost: [zz]\r\n\r\n", 400},
        {"percent-encoded", "GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n", 400},
        {"obs-text", "GET / HTTP/1.1\r\nHost: \xC3\xA4\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 3.2.2: an absolute target must name our own Host", "[http][gate]") {
    check_all({
        {"other authority", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"other port", "GET http://a:1/ HTTP/1.1\r\nHost: a:2\r\n\r\n", 400},
        {"userinfo", "GET http://x@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"no authority", "GET http:///api/tags HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"no scheme", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
        {"query instead of a path", "GET ?x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 3.2.4: the asterisk is for OPTIONS", "[http][gate]") {
    check_all({
        {"GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"POST", "POST * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"longer", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 5.1: no blank before the colon, names are tokens", "[http][gate]") {
    check_all({
        {"blank", post("Content-Length : 3\r\n"), 400},
        {"tab", post("Content-Length\t: 3\r\n"), 400},
        {"empty name", post(": x\r\n"), 400},
        {"no colon", post("Foo\r\n"), 400},
        {"bracket", post("F(oo: x\r\n"), 400},
        {"obs-text", post("F\xC3\xA4: x\r\n"), 400},
        {"NUL", post("F\0o: x\r\n"s), 400},
    });
}

TEST_CASE("gate, RFC 9112 5.2: folded lines are refused", "[http][gate]") {
    check_all({
        {"folded value", post("Foo: a\r\n b\r\n"), 400},
        {"tab", post("Foo: a\r\n\tb\r\n"), 400},
        {"folded framing", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
        {"blank line", post("Foo: a\r\n \r\n"), 400},
    });
}

TEST_CASE("gate, RFC 9110 5.5: values hold no control characters", "[http][gate]") {
    for (int value = 0; value < 0x20; ++value) {
        if (value != '\t') {
            check_all({{"control", post("Foo: a"s + static_cast<char>(value) + "b\r\n"), 400}});
        }
    }
    check_all({{"DEL", post("Foo: a\x7F\r\n"), 400}});
}

TEST_CASE(
    "gate, RFC 9112 6.1: Transfer-Encoding is chunked, once, alone and in 1.1", "[http][gate]"
) {
    check_all({
        {"with length", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
        {"length first", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"gzip with length", post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n"), 400},
        {"twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"cow first", post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"empty", post("Transfer-Encoding:\r\n"), 400},
        {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n"), 501},
        {"chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
        {"identity", post("Transfer-Encoding: identity\r\n"), 501},
        {"xchunked", post("Transfer-Encoding: xchunked\r\n"), 501},
        {"quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 501},
        {"parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 501},
        {"comma", post("Transfer-Encoding: ,chunked\r\n"), 501},
        {"vertical tab", post("Transfer-Encoding: \vchunked\r\n"), 400},
        {"HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    });
}

TEST_CASE("gate, RFC 9112 6.2, 6.3: Content-Length is digits, once", "[http][gate]") {
    for (std::string const value :
         {"",
          "+5",
          "-5",
          "5 5",
          "5,5",
          "5, 5",
          "0x5",
          "5.0",
          "1e3",
          "\"5\"",
          "five",
          "12345678901234567890",
          "99999999999999999999999999"}) {
        check_all({{"value " + value, post("Content-Length: " + value + "\r\n"), 400}});
    }
    check_all({
        {"different", post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
        {"equal", post("Content-Length: 3\r\ncontent-length: 3\r\n"), 400},
    });
}

TEST_CASE(
    "gate, RFC 9110 7.8, 10.1.1: no protocol switch, no unknown expectation", "[http][gate]"
) {
    check_all({
        {"websocket", post("Connection: upgrade\r\nUpgrade: websocket\r\n"), 400},
        {"h2c among others", post("Upgrade: h2c, websocket\r\n"), 400},
        {"expectation", post("Content-Length: 3\r\nExpect: 200-ok\r\n"), 417},
        {"two expectations", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417},
        {"list", post("Expect: 100-continue, x\r\n"), 417},
        {"bad option", post("Connection: a b\r\n"), 400},
    });
}

TEST_CASE(
    "gate, RFC 9110 5.4, 15.5.15: what is too large is refused before it is complete",
    "[http][gate]"
) {
    check_all({
        {"target", "GET /" + std::string(8 * 1024, 'a'), 414},
        {"head", post("Foo: " + std::string(16 * 1024, 'a')), 431},
        {"name", "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(16 * 1024, 'a'), 431},
    });
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += "F: x\r\n";
    }
    check_all({{"fields", post(many), 431}});
    std::string exact = "GET / HTTP/1.1\r\nHost: a\r\nF: ";
    exact.append(16 * 1024 - exact.size() - 4, 'x');
    CHECK(parse_request(exact + "\r\n\r\n").progress.kind == ParseProgress::Kind::Done);
    CHECK(parse_request(exact + "x\r\n\r\n").progress.refusal.status == 431);
    auto const target = "/" + std::string(8 * 1024 - 1, 'a');
    auto const request = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    CHECK(parse_request(request).progress.kind == ParseProgress::Kind::Done);
}
