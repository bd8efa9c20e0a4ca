#include "support/catch.hpp"

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;

TEST_CASE(
    "gate: a foreign Host or Origin gets an empty 403 and nothing goes upstream", "[proxy][gate]"
) {
    ProxyFixture f;
    auto const request = GENERATE(
        "GET /api/blobs HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n",
        "GET /plimsoll/v1/status HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n",
        "GET /api/blobs HTTP/1.1\r\nHost: localhost\r\nOrigin: "
        "https://evil.example.org\r\nConnection: close\r\n\r\n",
        "POST /plimsoll/v1/cleanup HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: "
        "0\r\nConnection: close\r\n\r\n"
    );
    auto const answer = f.ask(request);
    CHECK(status_of(answer) == 403);
    CHECK(body_of(answer).empty());
    CHECK(f.ollama.seen.empty());
}

TEST_CASE("gate: CORS is ours, on relayed answers, errors and our own paths", "[proxy][gate]") {
    ProxyFixture f;
    std::string const origin = "Origin: http://localhost:3000\r\n";
    for (auto const* path : {"/api/tags", "/plimsoll/v1/status", "/v2/none"}) {
        auto const answer = f.get(path, origin);
        CAPTURE(path);
        CHECK(field_of(answer, "Access-Control-Allow-Origin") == "http://localhost:3000");
        CHECK(field_of(answer, "Vary") == "Origin");
    }
    CHECK_FALSE(f.ollama.last("GET /v2/none").fields.get("Origin").has_value());
    auto const preflight = f.ask(
        "OPTIONS /api/generate HTTP/1.1\r\nHost: localhost\r\n" + origin +
        "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    CHECK(status_of(preflight) == 204);
    CHECK(field_of(preflight, "Allow") == "POST");
    CHECK(f.ollama.seen.size() == 1);
}

TEST_CASE("gate: spellings that the upstream redirects are redirected by us", "[proxy][gate]") {
    ProxyFixture f;
    auto const post = f.post("/api//generate?x=1", R"({"model":"smollm2:135m","prompt":"x"})");
    CHECK(status_of(post) == 307);
    CHECK(field_of(post, "Location") == "/api/generate?x=1");
    auto const get = f.get("/api/tags/");
    CHECK(status_of(get) == 301);
    CHECK(field_of(get, "Location") == "/api/tags");
    CHECK(f.ollama.seen.empty());
}

TEST_CASE("gate: the list of loaded models is answered with our expiry", "[proxy][gate]") {
    ProxyFixture f;
    CHECK(body_of(f.get("/api/ps")) == R"({"models":[]})");
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    auto const rows = body_of(f.get("/api/ps"));
    CHECK_THAT(rows, ContainsSubstring(R"("smollm2:135m")"));
}

TEST_CASE("gate: uploads are passed through as they come, with their length", "[proxy][gate]") {
    ProxyFixture f;
    std::string const blob(300'000, 'b');
    auto const answer = f.post("/api/blobs/sha256:" + std::string(64, '0'), blob);
    CHECK(status_of(answer) == 200);
    auto const& seen = f.ollama.last("POST /api/blobs/sha256:" + std::string(64, '0'));
    CHECK(seen.body == blob);
    CHECK(seen.fields.get("Content-Length") == "300000");
}
