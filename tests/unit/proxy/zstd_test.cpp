#include "proxy/zstd.hpp"

#include "support/catch.hpp"

#include <zstd.h>

#include <string>

using namespace plimsoll;

namespace {

std::string pack(std::string const& plain) {
    std::string out(ZSTD_compressBound(plain.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 1));
    return out;
}

}  // namespace

TEST_CASE("zstd: decodes what was encoded, several frames too", "[proxy][zstd]") {
    std::string const plain(300'000, 'x');
    net::Body out;
    REQUIRE(proxy::decode_zstd(pack(plain) + pack("end"), 1 << 20, out).has_value());
    CHECK(out.view() == plain + "end");
}

TEST_CASE("zstd: a bomb stops at the limit", "[proxy][zstd]") {
    net::Body out;
    auto const result = proxy::decode_zstd(pack(std::string(50'000'000, 'x')), 1'000'000, out);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::TooLarge);
    CHECK(out.size() <= 1'000'000 + ZSTD_DStreamOutSize());
}

TEST_CASE("zstd: every cut of a frame, and bytes that are none, are refused", "[proxy][zstd]") {
    auto const packed = pack("{\"model\":\"a\",\"messages\":[]}");
    for (std::size_t size = 0; size < packed.size(); ++size) {
        net::Body out;
        CAPTURE(size);
        CHECK_FALSE(
            proxy::decode_zstd(std::string_view(packed).substr(0, size), 1 << 20, out).has_value()
        );
    }
    net::Body out;
    auto const result = proxy::decode_zstd("{\"model\":\"a\"}", 1 << 20, out);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::BadRequest);
}
