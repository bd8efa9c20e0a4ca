#include "support/catch.hpp"

#include <plimsoll/upstream/provider.hpp>

namespace plimsoll::upstream {
namespace {

TEST_CASE("url: host and port are taken from the usual forms", "[upstream][unit]") {
    struct Case {
        std::string text, host;
        std::uint16_t port;
        bool is_tls = false;
    };

    auto const one = GENERATE(
        Case{"http://127.0.0.1:11434", "127.0.0.1", 11434},
        Case{"http://127.0.0.1:11434/", "127.0.0.1", 11434},
        Case{"HTTP://gpu.local", "gpu.local", 80},
        Case{"https://gpu.local", "gpu.local", 443, true},
        Case{"HTTPS://gpu.local:11434/", "gpu.local", 11434, true},
        Case{"http://[::1]:11434", "::1", 11434},
        Case{" http://localhost:1 ", "localhost", 1}
    );
    CAPTURE(one.text);
    auto const url = parse_url(one.text);
    REQUIRE(url);
    CHECK(url->host == one.host);
    CHECK(url->port == one.port);
    CHECK(url->is_tls == one.is_tls);
}

TEST_CASE("url: what cannot be meant is refused with the right form", "[upstream][unit]") {
    auto const text = GENERATE(
        as<std::string>{},
        "",
        "127.0.0.1:11434",
        "https://",
        "https://a/api",
        "ftp://a",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:65536",
        "http://a:x",
        "http://a:",
        "http://a/api",
        "http://a?x",
        "http://u@a",
        "http://[::1",
        "http://[::1]x"
    );
    CAPTURE(text);
    auto const url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == Errc::Invalid);
    CHECK_THAT(url.error().message, ContainsSubstring("http://HOST:PORT"));
}

}  // namespace
}  // namespace plimsoll::upstream
