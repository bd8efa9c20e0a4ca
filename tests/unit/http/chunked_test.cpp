#include "support/catch.hpp"

#include <plimsoll/http/chunked.hpp>

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

struct Outcome {
    std::string payload;
    std::size_t consumed = 0;
    bool done = false;
    std::string error;
    bool operator==(Outcome const&) const = default;
};

// Feeds the pieces as reads would bring them.
Outcome decode(std::vector<std::string_view> const& reads) {
    ChunkedDecoder decoder;
    Outcome out;
    for (auto read : reads) {
        while (!read.empty() && !out.done) {
            auto const step = decoder.next(read);
            if (!step) {
                out.error = step.error().message;
                out.consumed = 0;
                return out;
            }
            REQUIRE(step->consumed > 0);
            REQUIRE(step->payload.size() <= step->consumed);
            out.payload += step->payload;
            out.consumed += step->consumed;
            out.done = step->done;
            read.remove_prefix(step->consumed);
        }
    }
    CHECK(decoder.is_done() == out.done);
    return out;
}

std::vector<std::string_view> bytes_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out.push_back(text.substr(i, 1));
    }
    return out;
}

constexpr std::string_view kBody =
    "5\r\nhello\r\n1;x=\"y;z\"\r\n,\r\n00b\r\n big world!\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n";

}  // namespace

TEST_CASE("chunked, RFC 9112 7.1: payload is the same at every split point", "[http][chunked]") {
    auto const whole = decode({kBody});
    CHECK(whole.payload == "hello, big world!");
    CHECK(whole.done);
    CHECK(whole.consumed == kBody.size());
    CHECK(decode(bytes_of(kBody)) == whole);
    for (std::size_t i = 0; i <= kBody.size(); ++i) {
        for (std::size_t j = i; j <= kBody.size(); ++j) {
            auto const split =
                decode({kBody.substr(0, i), kBody.substr(i, j - i), kBody.substr(j)});
            CHECK(split == whole);
        }
    }
}

TEST_CASE(
    "chunked: a chunk header alone yields nothing and never ends the body", "[http][chunked]"
) {
    ChunkedDecoder decoder;
    auto const header = decoder.next("5\r\n");
    REQUIRE(header);
    CHECK(header->consumed == 3);
    CHECK(header->payload.empty());
    CHECK_FALSE(header->done);
    CHECK(decoder.next("")->consumed == 0);
    CHECK(decoder.next("hello")->payload == "hello");
}

TEST_CASE("chunked: what follows the last chunk is left alone", "[http][chunked]") {
    ChunkedDecoder decoder;
    auto const step = decoder.next("0\r\n\r\nHTTP/1.1 200 OK");
    REQUIRE(step);
    CHECK(step->consumed == 5);
    CHECK(step->done);
    CHECK(decoder.next("more")->consumed == 0);
}

TEST_CASE(
    "chunked, RFC 9112 7.1: what breaks the grammar is refused at every split", "[http][chunked]"
) {
    std::vector<std::string> const cases{
        "\r\n",
        "x\r\n",
        "-1\r\na\r\n",
        "+1\r\na\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "1\na\r\n",
        "1\r\na\n",
        "1\r\nab\r\n",
        "1\r\na\rb",
        "1\rX",
        "1;x\ny\r\n",
        std::string("1;x\0\r\n", 6),
        ";x\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "0000000000000001\r\na\r\n",
        "1;" + std::string(1100, 'x'),
        "0\r\nno colon\r\n\r\n",
        "0\r\n : x\r\n\r\n",
        "0\r\nX : x\r\n\r\n",
        "0\r\nX: a\n\r\n",
        "0\r\nX: a\rb\r\n\r\n",
        "0\r\n\n",
        "0\r\nX: " + std::string(9000, 'x'),
    };
    for (auto const& text : cases) {
        INFO(text);
        auto const whole = decode({text});
        CHECK_FALSE(whole.error.empty());
        CHECK_FALSE(whole.done);
        CHECK(decode(bytes_of(text)).error == whole.error);
    }
}

TEST_CASE("chunked, RFC 9110 6.5.1: framing fields in trailers are refused", "[http][chunked]") {
    for (std::string const name :
         {"Content-Length",
          "transfer-encoding",
          "Host",
          "Connection",
          "Trailer",
          "TE",
          "Upgrade",
          "Expect"}) {
        INFO(name);
        CHECK_FALSE(decode({"0\r\n" + name + ": 1\r\n\r\n"}).error.empty());
    }
}

TEST_CASE(
    "chunked: single bytes under long extensions are cut off, single bytes are not",
    "[http][chunked]"
) {
    std::string costly;
    std::string honest;
    for (int i = 0; i < 1000; ++i) {
        costly += "1;" + std::string(100, 'x') + "\r\na\r\n";
        honest += "1\r\na\r\n";
    }
    CHECK_THAT(decode({costly}).error, ContainsSubstring("out of proportion"));
    CHECK(decode({honest + "0\r\n\r\n"}).payload == std::string(1000, 'a'));
}

TEST_CASE("chunked: what is encoded decodes to itself", "[http][chunked]") {
    char buffer[20];
    CHECK(chunk_header(0x1a, buffer) == "1a\r\n");
    CHECK(chunk_header(~std::uint64_t{0}, buffer) == "ffffffffffffffff\r\n");
    std::string body;
    std::string wanted;
    for (std::size_t size : {1U, 15U, 16U, 255U, 4096U, 70'000U}) {
        std::string const piece(size, 'p');
        body.append(chunk_header(size, buffer)).append(piece).append(kChunkEnd);
        wanted += piece;
    }
    CHECK(decode({body.append(kLastChunk)}).payload == wanted);
}
