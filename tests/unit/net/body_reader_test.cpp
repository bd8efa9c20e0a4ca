#include "net/body_reader.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <string>

using namespace plimsoll;
using namespace plimsoll::net;

namespace {

void add(Buffer& buffer, std::string_view bytes) {
    std::ranges::copy(bytes, buffer.prepare(bytes.size()).begin());
    buffer.commit(bytes.size());
}

constexpr http::Framing kChunked{.kind = http::Framing::Kind::Chunked, .length = 0};

}  // namespace

TEST_CASE("body reader: the chunks of one read leave as one piece", "[net][unit]") {
    Buffer in;
    BodyReader reader(kChunked);
    add(in, "5\r\nhello\r\n1\r\n \r\n5;x=y\r\nworld\r\n3\r\n!!");
    auto const piece = reader.take(in);
    REQUIRE(piece.has_value());
    CHECK(*piece == "hello world!!");
    CHECK_FALSE(reader.is_done());
}

TEST_CASE("body reader: a chunk header alone is no piece and no end", "[net][unit]") {
    Buffer in;
    BodyReader reader(kChunked);
    for (std::string_view const bytes : {"5", "\r", "\n"}) {
        add(in, bytes);
        auto const piece = reader.take(in);
        REQUIRE(piece.has_value());
        CHECK(piece->empty());
        CHECK_FALSE(reader.is_done());
    }
    add(in, "hello\r\n0\r\n\r\n");
    auto const piece = reader.take(in);
    REQUIRE(piece.has_value());
    CHECK(*piece == "hello");
    CHECK(reader.is_done());
}

TEST_CASE("body reader: cut at any two places, the payload is the same", "[net][unit]") {
    std::string const coded =
        "5\r\nhello\r\nc\r\n, wide wor\n\r\r\n2\r\nld\r\n0\r\nX-Trailer: 1\r\n\r\n";
    for (std::size_t first = 0; first <= coded.size(); ++first) {
        for (std::size_t second = first; second <= coded.size(); ++second) {
            Buffer in;
            BodyReader reader(kChunked);
            std::string payload;
            std::string_view const all = coded;
            for (auto const part :
                 {all.substr(0, first), all.substr(first, second - first), all.substr(second)}) {
                add(in, part);
                auto const piece = reader.take(in);
                REQUIRE(piece.has_value());
                payload += *piece;
            }
            CHECK(payload == "hello, wide wor\n\rld");
            CHECK(reader.is_done());
            CHECK(in.empty());
        }
    }
}

TEST_CASE("body reader: nothing beyond the message is taken", "[net][unit]") {
    Buffer in;
    SECTION("length") {
        BodyReader reader({.kind = http::Framing::Kind::Length, .length = 5});
        add(in, "helloHTTP/1.1 200 OK");
        CHECK(*reader.take(in) == "hello");
        CHECK(reader.is_done());
        CHECK(reader.take(in)->empty());
    }
    SECTION("chunked") {
        BodyReader reader(kChunked);
        add(in, "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK");
        CHECK(*reader.take(in) == "hello");
        CHECK(reader.is_done());
    }
    SECTION("none") {
        BodyReader reader({.kind = http::Framing::Kind::None, .length = 7});
        add(in, "HTTP/1.1 200 OK");
        CHECK(reader.is_done());
        CHECK(reader.take(in)->empty());
    }
    CHECK(in.view() == "HTTP/1.1 200 OK");
}

TEST_CASE("body reader: broken chunked coding is an error", "[net][unit]") {
    Buffer in;
    BodyReader reader(kChunked);
    add(in, "xyz\r\nhello\r\n");
    CHECK_FALSE(reader.take(in).has_value());
}
