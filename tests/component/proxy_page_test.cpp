#include "control/page.hpp"
#include "support/catch.hpp"

#include "proxy_fixture.hpp"

#include <regex>
#include <string>

using namespace plimsoll;
using namespace plimsoll::test;

TEST_CASE(
    "page: its files come with their types and with what keeps them from harm",
    "[control][component]"
) {
    ProxyFixture f;
    auto const index = f.get("/plimsoll/");
    CHECK(status_of(index) == 200);
    CHECK(field_of(index, "Content-Type") == "text/html; charset=utf-8");
    CHECK(body_of(index).starts_with("<!doctype html>"));
    auto const script = f.get("/plimsoll/page/app.js");
    CHECK(status_of(script) == 200);
    CHECK(field_of(script, "Content-Type") == "text/javascript; charset=utf-8");
    CHECK(field_of(f.get("/plimsoll/page/base.css"), "Content-Type") == "text/css; charset=utf-8");
    CHECK(field_of(f.get("/plimsoll/page/mark.svg"), "Content-Type") == "image/svg+xml");
    for (auto const& answer : {index, script}) {
        auto const policy = field_of(answer, "Content-Security-Policy");
        CHECK(policy.starts_with("default-src 'none';"));
        CHECK_THAT(policy, ContainsSubstring("frame-ancestors 'none'"));
        CHECK_THAT(policy, !ContainsSubstring("unsafe"));
        CHECK(field_of(answer, "X-Content-Type-Options") == "nosniff");
        CHECK(field_of(answer, "Referrer-Policy") == "no-referrer");
        CHECK(field_of(answer, "Cross-Origin-Opener-Policy") == "same-origin");
        CHECK(field_of(answer, "Cross-Origin-Resource-Policy") == "same-origin");
        CHECK_THAT(field_of(answer, "Permissions-Policy"), ContainsSubstring("camera=()"));
        CHECK(field_of(answer, "Cache-Control") == "no-cache");
    }
}

TEST_CASE("page: a browser that has a file gets no second copy", "[control][component]") {
    ProxyFixture f;
    auto const tag = field_of(f.get("/plimsoll/page/app.js"), "ETag");
    REQUIRE(tag.size() == 34);
    for (auto const& sent : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
        auto const again = f.get("/plimsoll/page/app.js", "If-None-Match: " + sent + "\r\n");
        CHECK(status_of(again) == 304);
        CHECK(field_of(again, "ETag") == tag);
        CHECK(body_of(again).empty());
    }
    CHECK(status_of(f.get("/plimsoll/page/app.js", "If-None-Match: \"other\"\r\n")) == 200);
    CHECK(field_of(f.get("/plimsoll/page/api.js"), "ETag") != tag);
}

TEST_CASE("page: what is beside it", "[control][component]") {
    ProxyFixture f;
    auto const short_of_slash = f.get("/plimsoll");
    CHECK(status_of(short_of_slash) == 308);
    CHECK(field_of(short_of_slash, "Location") == "/plimsoll/");
    auto const absent = f.get("/plimsoll/page/absent.js");
    CHECK(status_of(absent) == 404);
    CHECK_THAT(
        body_of(absent), ContainsSubstring("/plimsoll/page/absent.js is no file of the dashboard")
    );
    auto const posted = f.post("/plimsoll/", "{}");
    CHECK(status_of(posted) == 405);
    CHECK(field_of(posted, "Allow") == "GET, HEAD");
}

TEST_CASE("page: small, and nothing in it that its policy forbids", "[control][component]") {
    std::size_t total = 0;
    for (auto const& file : control::page_files()) {
        CAPTURE(file.name);
        total += file.bytes.size();
        std::string const text(file.bytes);
        CHECK_THAT(text, !ContainsSubstring("innerHTML"));
        CHECK_THAT(text, !ContainsSubstring("https://"));
        if (file.name.ends_with(".html")) {
            CHECK_THAT(text, !ContainsSubstring(" style="));
            CHECK_THAT(text, !ContainsSubstring("<style"));
            CHECK_FALSE(std::regex_search(text, std::regex("\\son[a-z]+=")));
            CHECK_THAT(text, !ContainsSubstring("javascript:"));
        }
    }
    CHECK(total > 10'000);
    CHECK(total <= 150'000);
}

TEST_CASE("control: an event id from before our start asks for all since", "[control][component]") {
    ProxyFixture f;
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    auto const peer = f.connect();
    peer->send("GET /plimsoll/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 4711\r\n\r\n"
    );
    CHECK(f.pump([&] { return peer->has("event: load\n"); }));
    peer->close();
}
