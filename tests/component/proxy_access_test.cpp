#include "support/catch.hpp"

#include <plimsoll/access/guard.hpp>

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;

namespace {

access::Key key(std::string name, access::Role role, std::vector<std::string> models = {}) {
    access::Key out;
    out.hash = access::to_hex(access::digest_of("plk_" + name));
    out.name = std::move(name);
    out.role = role;
    out.models = std::move(models);
    return out;
}

proxy::ProxyConfig with_keys(std::vector<access::Key> keys) {
    proxy::ProxyConfig config;
    config.access = {.keys = std::move(keys), .is_closed = true};
    return config;
}

std::string bearer(std::string const& name) {
    return "Authorization: Bearer plk_" + name + "\r\n";
}

constexpr auto* kChat = R"({"model":"smollm2:135m","messages":[{"role":"user","content":"x"}]})";

struct Fixture : ProxyFixture {
    explicit Fixture(std::vector<access::Key> keys)
        : ProxyFixture({}, with_keys(std::move(keys))) {}
};

}  // namespace

TEST_CASE("access: nothing of an anonymous request goes upstream", "[proxy][access]") {
    Fixture f({key("k", access::Role::Admin)});
    for (auto const& answer :
         {f.post("/api/chat", kChat),
          f.post("/api/chat", kChat, "Authorization: Bearer ollama\r\n"),
          f.post("/api/chat", kChat, "Authorization: Basic cGxrX2s6\r\n"),
          f.post("/api/chat", kChat, bearer("k") + bearer("k")),
          f.post("/api/pull", R"({"model":"a"})"),
          f.post("/api/unknown", R"({"model":"smollm2:135m"})"),
          f.get("/api/tags"),
          f.get("/api//tags"),
          f.get("/api/future"),
          f.get("/plimsoll/v1/status")}) {
        CHECK(status_of(answer) == 401);
        CHECK_THAT(field_of(answer, "WWW-Authenticate"), ContainsSubstring("Bearer"));
        CHECK_FALSE(field_of(answer, "X-Request-Id").empty());
    }
    CHECK(f.ollama.seen.empty());
    CHECK(status_of(f.get("/healthz")) == 200);
    CHECK(status_of(f.get("/readyz")) == 200);
}

TEST_CASE("access: a key opens in either field, and ends here", "[proxy][access]") {
    Fixture f({key("k", access::Role::Inference)});
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 200);
    CHECK(status_of(f.post("/api/chat", kChat, "X-API-Key: plk_k\r\n")) == 200);
    CHECK(status_of(f.post("/api/chat", kChat, "authorization: bearer   plk_k\r\n")) == 200);
    // Some clients always send a word of their own in one of the two.
    CHECK(
        status_of(f.post("/api/chat", kChat, "Authorization: Bearer x\r\nx-api-key: plk_k\r\n")) ==
        200
    );
    CHECK(f.ollama.count("POST /api/chat") == 4);
    for (auto const& seen : f.ollama.seen) {
        for (auto const field : seen.fields) {
            CHECK(field.value.find("plk_") == std::string_view::npos);
        }
    }
}

TEST_CASE("access: refusals have the shape of the API that was called", "[proxy][access]") {
    Fixture f({key("k", access::Role::Inference, {"qwen*"})});
    auto const body =
        R"({"model":"smollm2:135m","max_tokens":5,"messages":[{"role":"user","content":"x"}]})";
    CHECK_THAT(
        body_of(f.post("/v1/messages", body)),
        ContainsSubstring(R"({"type":"error","error":{"type":"authentication_error")")
    );
    CHECK_THAT(
        body_of(f.post("/v1/chat/completions", body)),
        ContainsSubstring(R"("type":"authentication_error")")
    );
    auto const denied = f.post("/v1/messages", body, "x-api-key: plk_k\r\n");
    CHECK(status_of(denied) == 403);
    CHECK_THAT(body_of(denied), ContainsSubstring(R"("type":"permission_error")"));
    CHECK_THAT(body_of(denied), ContainsSubstring("smollm2:135m"));
    CHECK_THAT(
        body_of(f.post("/api/chat", kChat, bearer("k"))), ContainsSubstring(R"({"error":"the key)")
    );
    CHECK(f.ollama.seen.empty());
}

TEST_CASE("access: a key for some models reaches no other by any way", "[proxy][access]") {
    Fixture f(
        {key("i", access::Role::Inference, {"smollm2:*"}),
         key("o", access::Role::Operator, {"smollm2:*"})}
    );
    f.ollama.models["llama3:8b"] = {.weights = std::string(64, 'b')};
    auto const status = [&f](std::string const& path, std::string const& body) {
        return status_of(f.post(path, body, bearer("o")));
    };
    CHECK(status("/api/generate", R"({"model":"smollm2:135m","prompt":"x"})") == 200);
    CHECK(status("/api/generate", R"({"model":"library/SMOLLM2:135m","prompt":"x"})") == 200);
    auto const good = f.ollama.seen.size();
    for (auto const* body :
         {R"({"model":"llama3:8b","prompt":"x"})",
          R"({"model":"smollm2:135m","MODEL":"llama3:8b","prompt":"x"})",
          R"({"model":"smollm2:135m","prompt":"x","mod\u0065l":"llama3:8b"})",
          R"({"model":"smollm2-x/llama3:8b","prompt":"x"})",
          R"({"model":"llama3:8b","keep_alive":0})",
          R"({"model":"chain/any","prompt":"x"})",
          R"({"model":"unknown:1b","prompt":"x"})"}) {
        CAPTURE(body);
        CHECK(status("/api/generate", body) == 403);
    }
    CHECK(status("/api/embed", R"({"model":"llama3:8b","input":"x"})") == 403);
    CHECK(
        status(
            "/v1/chat/completions",
            R"({"model":"llama3:8b","messages":[{"role":"user","content":"x"}]})"
        ) == 403
    );
    CHECK(status("/api/show", R"({"model":"llama3:8b"})") == 403);
    CHECK(status("/api/show", R"({"name":"llama3:8b"})") == 403);
    CHECK(status("/api/show", R"({"model":"llama3:8b")") == 400);
    CHECK(status("/api/show", R"({"model":"smollm2:135m"})") == 200);
    CHECK(
        status(
            "/api/show", R"({"model":"llama3:8b","system":")" + std::string(40'000, 'x') + "\"}"
        ) != 200
    );
    CHECK(status("/api/pull", R"({"model":"llama3:8b"})") == 403);
    CHECK(status("/api/pull", R"({"model":"smollm2:135m","name":"llama3:8b"})") == 403);
    CHECK(status("/api/push", R"({"model":"llama3:8b"})") == 403);
    CHECK(status("/api/copy", R"({"source":"llama3:8b","destination":"smollm2:x"})") == 403);
    CHECK(status("/api/create", R"({"model":"smollm2:x","from":"llama3:8b"})") == 403);
    CHECK(status("/plimsoll/v1/models/load", R"({"model":"llama3:8b"})") == 403);
    CHECK(status("/plimsoll/v1/models/load", R"({"model":"smollm2:135m"})") == 403);
    CHECK(status("/api/new", R"({"model":"smollm2:135m"})") == 403);
    CHECK(status_of(f.get("/v1/models/llama3:8b", bearer("i"))) == 403);
    CHECK(f.ollama.seen.size() == good);
    CHECK(status("/api/pull", R"({"model":"smollm2:135m"})") == 200);
    CHECK(f.ollama.count("POST /api/pull") == 1);
}

TEST_CASE("access: lists show a key its models", "[proxy][access]") {
    Fixture f(
        {key("some", access::Role::Inference, {"smollm2:*"}), key("all", access::Role::Inference)}
    );
    f.ollama.models["llama3:8b"] = {.weights = std::string(64, 'b')};
    REQUIRE(status_of(f.post("/api/generate", R"({"model":"llama3:8b"})", bearer("all"))) == 200);
    for (auto const* path : {"/api/tags", "/api/ps"}) {
        CAPTURE(path);
        CHECK_THAT(body_of(f.get(path, bearer("all"))), ContainsSubstring("llama3:8b"));
        auto const seen = body_of(f.get(path, bearer("some")));
        CHECK_THAT(seen, ContainsSubstring("models"));
        CHECK_THAT(seen, !ContainsSubstring("llama3:8b"));
    }
    CHECK_THAT(body_of(f.get("/api/tags", bearer("some"))), ContainsSubstring("smollm2:135m"));
}

TEST_CASE("access: a pass-through looks at the model of a limited key, too", "[proxy][access]") {
    engine::EngineConfig config;
    config.enabled = false;
    ProxyFixture f(config, with_keys({key("o", access::Role::Operator, {"smollm2:*"})}));
    f.ollama.models["llama3:8b"] = {.weights = std::string(64, 'b')};
    auto const status = [&f](std::string const& path, std::string const& body) {
        return status_of(f.post(path, body, bearer("o")));
    };
    CHECK(status("/api/generate", R"({"model":"smollm2:135m","prompt":"x"})") == 200);
    CHECK(f.ollama.seen.size() == 1);
    CHECK(status("/api/generate", R"({"model":"llama3:8b","prompt":"x"})") == 403);
    CHECK(status("/api/pull", R"({"model":"llama3:8b"})") == 403);
    CHECK(f.ollama.seen.size() == 1);
    CHECK(status("/api/pull", R"({"model":"smollm2:135m"})") == 200);
    CHECK(f.ollama.last("POST /api/pull").body == R"({"model":"smollm2:135m"})");
}

TEST_CASE("access: too many requests are told when to come back", "[proxy][access]") {
    auto limited = key("k", access::Role::Inference);
    limited.requests_per_minute = 2;
    Fixture f({limited});
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 200);
    CHECK(status_of(f.post("/v1/messages", kChat, bearer("k"))) != 429);
    auto const answer = f.post("/v1/chat/completions", kChat, bearer("k"));
    CHECK(status_of(answer) == 429);
    CHECK_THAT(body_of(answer), ContainsSubstring("rate_limit_error"));
    auto const seconds = std::stoi(field_of(answer, "Retry-After"));
    CHECK(seconds > 0);
    CHECK(seconds <= 60);
    f.loop.advance(std::chrono::seconds(seconds));
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 200);
}

TEST_CASE(
    "access: a running answer holds its key's place, and a reload leaves it", "[proxy][access]"
) {
    auto limited = key("k", access::Role::Inference);
    limited.max_concurrent = 1;
    Fixture f({limited});
    bool may_end = false;
    f.ollama.on_inference = [&](net::Exchange& exchange) -> net::Task<void> {
        while (!may_end) {
            co_await net::sleep_until(
                exchange.loop(), exchange.loop().now() + std::chrono::milliseconds(5)
            );
        }
        auto const sent = co_await exchange.respond(http::json_reply(200, R"({"done":true})"));
        static_cast<void>(sent);
    };
    auto client = f.connect();
    client->send(post_text("/api/chat", kChat, bearer("k")));
    REQUIRE(f.pump([&] { return f.ollama.count("POST /api/chat") == 1; }));
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 429);
    f.proxy->reconfigure(with_keys({}));  // revoked
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 401);
    may_end = true;
    REQUIRE(f.pump([&] { return client->has("done"); }));
    CHECK(status_of(client->text()) == 200);
    f.proxy->reconfigure(with_keys({limited}));
    CHECK(status_of(f.post("/api/chat", kChat, bearer("k"))) == 200);
}

TEST_CASE("access: with an admin door our own paths are behind it", "[proxy][access]") {
    proxy::ProxyConfig config;
    config.has_admin_door = true;
    ProxyFixture f({}, config);
    for (auto const* path : {"/plimsoll/", "/plimsoll/v1/status", "/metrics", "/plimsoll"}) {
        auto const answer = f.get(path);
        CAPTURE(path);
        CHECK(status_of(answer) == 404);
        CHECK_THAT(body_of(answer), ContainsSubstring("admin"));
    }
    CHECK(status_of(f.get("/healthz")) == 200);
    CHECK(status_of(f.post("/api/chat", kChat)) == 200);
    net::Server admin(f.loop, net::ServerConfig{}, [&f](net::Exchange& exchange) {
        return f.proxy->handle(exchange, access::Door::Admin);
    });
    REQUIRE(admin.listen().has_value());
    auto client = Raw::connect(admin.port());
    client->send("GET /plimsoll/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    REQUIRE(f.pump([&] { return client->has("\"ready\""); }));
    CHECK(status_of(client->text()) == 200);
}

TEST_CASE("access: the queue names the key, and its class is the key's", "[proxy][access]") {
    auto low = key("batch", access::Role::Inference);
    low.priority = core::Priority::Low;
    Fixture f({low, key("op", access::Role::Operator)});
    f.ollama.load_time = std::chrono::seconds(5);
    auto client = f.connect();
    client->send(post_text("/api/chat", kChat, bearer("batch") + "Priority: u=0\r\n"));
    f.settle();
    auto const queue = body_of(f.get("/plimsoll/v1/queue", bearer("op")));
    CHECK_THAT(queue, ContainsSubstring(R"("client":"batch")"));
    CHECK_THAT(queue, ContainsSubstring(R"("priority":"low")"));
}

TEST_CASE(
    "access: foreign hosts and pages are refused before any key is looked at", "[proxy][access]"
) {
    Fixture f({key("a", access::Role::Admin)});
    for (auto const* path :
         {"/", "/api/tags", "/api/ps", "/v1/models", "/healthz", "/plimsoll/v1/status", "/x"}) {
        for (std::string const fields :
             {"Host: evil.example.org\r\n",
              "Host: localhost\r\nOrigin: https://evil.example.org\r\n",
              "Host: localhost.evil.example\r\n",
              "Host: localhost\r\nOrigin: null\r\n"}) {
            auto const answer = f.ask(
                "GET " + std::string(path) + " HTTP/1.1\r\n" + fields + bearer("a") +
                "Connection: close\r\n\r\n"
            );
            CAPTURE(path, fields);
            CHECK(status_of(answer) == 403);
            CHECK(body_of(answer).empty());
        }
    }
    // A preflight has no key by its nature, and tells nothing.
    auto const preflight = f.ask(
        "OPTIONS /api/chat HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n"
        "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    CHECK(status_of(preflight) == 204);
    auto const denied = f.get("/api/tags", "Origin: http://localhost:3000\r\n");
    CHECK(status_of(denied) == 401);
    CHECK(field_of(denied, "Access-Control-Allow-Origin") == "http://localhost:3000");
    CHECK(f.ollama.seen.empty());
}
