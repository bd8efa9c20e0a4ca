#include "support/catch.hpp"

#include <plimsoll/http/head.hpp>

using namespace plimsoll::http;

TEST_CASE("fields: look-up ignores case, order and spelling stay", "[http][fields]") {
    Fields fields;
    fields.add("X-One", "1");
    fields.add("Set-Cookie", "a");
    fields.add("set-cookie", "b");
    CHECK(fields.get("x-ONE") == "1");
    CHECK(fields.get("SET-COOKIE") == "a");
    CHECK_FALSE(fields.get("X-On"));
    CHECK(fields.count("set-cookie") == 2);
    fields.set("X-One", "2");
    CHECK(fields.size() == 3);
    CHECK(fields[2].name == "X-One");
    CHECK(fields[2].value == "2");
    fields.remove("Set-Cookie");
    CHECK(fields.size() == 1);
    fields.clear();
    CHECK(fields.begin() == fields.end());
}

TEST_CASE(
    "fields, RFC 9110 7.6.1: hop-by-hop fields and those named in Connection stay here",
    "[http][fields]"
) {
    Fields fields;
    for (auto const* const name :
         {"Host",
          "Connection",
          "Keep-Alive",
          "Proxy-Connection",
          "TE",
          "Trailer",
          "Transfer-Encoding",
          "Upgrade",
          "Proxy-Authenticate",
          "Proxy-Authorization",
          "Content-Length",
          "Expect",
          "HTTP2-Settings"}) {
        fields.add(name, "x");
    }
    fields.add("connection", "close, X-Hop ,, x-other");
    fields.add("X-HOP", "1");
    fields.add("X-Other", "2");
    fields.add("Accept", "*/*");
    fields.add("authorization", "Bearer k");
    fields.add("X-Hopp", "3");
    auto const kept = end_to_end(fields);
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].name == "Accept");
    CHECK(kept[1].name == "authorization");
    CHECK(kept[2].name == "X-Hopp");
}

TEST_CASE("fields: a request head is written from its parts alone", "[http][fields]") {
    Fields fields;
    fields.add("Host", "evil");
    fields.add("Content-Length", "1");
    fields.add("Transfer-Encoding", "chunked");
    fields.add("Accept", "*/*");
    Framing const seven{Framing::Kind::Length, 7};
    CHECK(
        write_request_head(Method::Post, "/api/chat", "127.0.0.1:11434", fields, seven) ==
        "POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1:11434\r\nAccept: */*\r\nContent-Length: "
        "7\r\n\r\n"
    );
    CHECK(write_request_head(Method::Get, "/", "u", {}, {}) == "GET / HTTP/1.1\r\nHost: u\r\n\r\n");
    CHECK(
        write_request_head(Method::Post, "/", "u", {}, {}) ==
        "POST / HTTP/1.1\r\nHost: u\r\nContent-Length: 0\r\n\r\n"
    );
    CHECK(
        write_request_head(Method::Post, "/", "u", {}, {Framing::Kind::Chunked, 0}) ==
        "POST / HTTP/1.1\r\nHost: u\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
}
