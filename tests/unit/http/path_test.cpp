#include "support/catch.hpp"

#include <plimsoll/http/head.hpp>

#include <vector>

using namespace plimsoll::http;

TEST_CASE("path: hidden spellings become the path that the upstream sees", "[http][path]") {
    struct Case {
        std::string_view raw, path;
    };

    std::vector<Case> const cases{
        {"/", "/"},
        {"/api/generate", "/api/generate"},
        {"/api/%67enerate", "/api/generate"},
        {"/api%2Fgenerate", "/api/generate"},
        {"/api%2fgenerate", "/api/generate"},
        {"/%61%70%69/chat", "/api/chat"},
        {"/API/chat", "/API/chat"},
        {"/api/blobs/sha256:00ff", "/api/blobs/sha256:00ff"},
        {"/v1/models/a.b-c_d~e", "/v1/models/a.b-c_d~e"},
        {"/a..b/...", "/a..b/..."},
        {"/%252e%252e", "/%2e%2e"},
        {"/a%3Fb", "/a?b"},
        {"/a%20b", "/a b"},
        {"/plimsoll/", "/plimsoll/"},
    };
    for (auto const& one : cases) {
        INFO(one.raw);
        auto const result = canonical_path(one.raw);
        REQUIRE(result);
        CHECK(result->path == one.path);
        CHECK_FALSE(result->redirect_to);
        // What was matched is what is forwarded.
        auto const again = canonical_path(encode_path(result->path));
        REQUIRE(again);
        CHECK(again->path == one.path);
        CHECK_FALSE(again->redirect_to);
    }
}

TEST_CASE(
    "path: where Ollama redirects, the place is named and the path is canonical", "[http][path]"
) {
    struct Case {
        std::string_view raw, path, location;
    };

    std::vector<Case> const cases{
        {"//api/generate", "/api/generate", "/api/generate"},
        {"/api//generate", "/api/generate", "/api/generate"},
        {"/api/generate/", "/api/generate", "/api/generate"},
        {"/api/./generate", "/api/generate", "/api/generate"},
        {"/x/../api/generate", "/api/generate", "/api/generate"},
        {"/x/%2e%2E/api/generate", "/api/generate", "/api/generate"},
        {"/x/%2e%2e%2fapi/generate", "/api/generate", "/api/generate"},
        {"/%2Fapi/generate", "/api/generate", "/api/generate"},
        {"/..", "/", "/"},
        {"/../../etc", "/etc", "/etc"},
        {"/.", "/", "/"},
        {"//", "/", "/"},
        {"//evil.example/x", "/evil.example/x", "/evil.example/x"},
        {"/a%0", "", ""},
        {"/a//b%3F", "/a/b?", "/a/b%3F"},
    };
    for (auto const& one : cases) {
        INFO(one.raw);
        auto const result = canonical_path(one.raw);
        if (one.path.empty()) {
            CHECK_FALSE(result);
            continue;
        }
        REQUIRE(result);
        CHECK(result->path == one.path);
        CHECK(result->redirect_to == one.location);
    }
}

TEST_CASE(
    "path: control bytes, broken escapes and bytes that need one are refused", "[http][path]"
) {
    for (std::string_view const raw :
         {"",     "api",  "*",    "/%00",  "/a%0ab",    "/%7f",  "/%1F",
          "/%",   "/%4",  "/%zz", "/%4g",  "/a b",      "/a\\b", "/a\"b",
          "/a<b", "/a|b", "/a{b", "/\x01", "/\xC3\xA4", "/a?b"}) {
        INFO(raw);
        CHECK_FALSE(canonical_path(raw));
    }
}

TEST_CASE("path: every byte that may be encoded survives the way through", "[http][path]") {
    for (unsigned value = 0x20; value < 0x100; ++value) {
        if (value == 0x7F || value == '/' || value == '.') {
            continue;
        }
        std::string const path = std::string("/a") + static_cast<char>(value);
        auto const result = canonical_path(encode_path(path));
        REQUIRE(result);
        CHECK(result->path == path);
    }
}
