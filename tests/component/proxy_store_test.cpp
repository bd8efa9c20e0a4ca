#include "support/catch.hpp"

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;

TEST_CASE(
    "store: a loaded model is unloaded before its name is deleted or replaced", "[proxy][store]"
) {
    ProxyFixture f;
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    REQUIRE(f.ollama.loaded.size() == 1);
    bool was_loaded = true;
    f.ollama.on_inference = [&](net::Exchange& exchange) -> net::Task<void> {
        was_loaded = !f.ollama.loaded.empty();
        auto const sent =
            co_await exchange.respond(http::json_reply(200, R"({"status":"success"})"));
        static_cast<void>(sent);
    };

    struct Row {
        char const* method;
        char const* path;
        char const* body;
    };

    auto const row = GENERATE(
        Row{"DELETE", "/api/delete", R"({"model":"SMOLLM2:135m"})"},
        Row{"DELETE", "/api/delete", R"({"name":"smollm2:135m"})"},
        Row{"POST", "/api/pull", R"({"model":"smollm2:135m"})"},
        Row{"POST", "/api/create", R"({"model":"smollm2:135m","from":"other"})"},
        Row{"POST", "/api/copy", R"({"source":"other","destination":"smollm2:135m"})"}
    );
    std::string const body = row.body;
    auto const answer = f.ask(
        std::string(row.method) + " " + row.path +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body
    );
    CAPTURE(row.path);
    CHECK(status_of(answer) == 200);
    CHECK_FALSE(was_loaded);
    CHECK(f.ollama.last(std::string(row.method) + " " + row.path).body == body);
}

TEST_CASE("store: a request that concerns no loaded model unloads nothing", "[proxy][store]") {
    ProxyFixture f;
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    f.post("/api/push", R"({"model":"smollm2:135m"})");
    f.post("/api/pull", R"({"model":"another:1"})");
    f.post("/api/copy", R"({"source":"smollm2:135m","destination":"alias:1"})");
    CHECK(f.ollama.loaded.size() == 1);
    CHECK(f.engine->snapshot().counters.unloads == 0);
}
