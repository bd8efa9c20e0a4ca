#include "support/catch.hpp"

#include <plimsoll/http/members.hpp>

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kGenerate = "POST /api/generate";

}  // namespace

TEST_CASE(
    "proxy: a cold request loads over our own connection, then is relayed as it came",
    "[proxy][component]"
) {
    ProxyFixture f;
    std::string const body = R"({"model":"smollm2:135m","prompt":"hi","stream":false})";
    auto const answer =
        f.post("/api/generate", body, "Authorization: Bearer key\r\nAccept-Encoding: gzip\r\n");
    CHECK(status_of(answer) == 200);
    CHECK(body_of(answer) == R"({"response":"hello","done":true})");
    CHECK_FALSE(field_of(answer, "X-Request-Id").empty());
    REQUIRE(f.ollama.count(kGenerate) == 2);  // the load and the work
    auto const& work = f.ollama.last(kGenerate);
    auto const members = http::find_members(work.body);
    REQUIRE(members.has_value());
    CHECK(members->prompt.has_value());
    CHECK_FALSE(members->keep_alive.has_value());
    CHECK_FALSE(work.fields.get("Authorization").has_value());
    CHECK_FALSE(work.fields.get("Accept-Encoding").has_value());
    CHECK(work.fields.get("X-Forwarded-Host") == "localhost");
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE("proxy: a trace goes on to the upstream", "[proxy][component]") {
    ProxyFixture f;
    std::string const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    auto const answer = f.post(
        "/api/generate",
        R"({"model":"smollm2:135m","prompt":"hi","stream":false})",
        "traceparent: " + parent + "\r\ntracestate: congo=t61rcWkgMzE\r\n"
    );
    CHECK(status_of(answer) == 200);
    auto const& work = f.ollama.last(kGenerate);
    CHECK(work.fields.get("traceparent") == parent);
    CHECK(work.fields.get("tracestate") == "congo=t61rcWkgMzE");
}

TEST_CASE("proxy: a chunked body goes upstream whole, with its length", "[proxy][component]") {
    ProxyFixture f;
    std::string const body =
        R"({"model":"smollm2:135m","messages":[{"role":"user","content":"x"}]})";
    auto const peer = f.connect();
    peer->send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: "
        "close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for (char const c : body) {
        peer->send(std::string("1\r\n") + c + "\r\n");
    }
    peer->send("0\r\n\r\n");
    REQUIRE(f.pump([&] { return peer->has_ended(); }));
    CHECK(status_of(peer->text()) == 200);
    auto const& seen = f.ollama.last("POST /v1/chat/completions");
    CHECK(seen.body == body);
    CHECK(seen.fields.get("Content-Length") == std::to_string(body.size()));
}

TEST_CASE(
    "proxy: a stream passes piece by piece, its head as soon as it is there", "[proxy][component]"
) {
    ProxyFixture f;
    net::Flag go(f.loop);
    f.ollama.on_inference = [&go](net::Exchange& exchange) -> net::Task<void> {
        http::Fields fields;
        fields.add("Content-Type", "application/x-ndjson");
        auto sent =
            co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
        for (auto const* line :
             {"{\"response\":\"a\",\"done\":false}\n", "{\"response\":\"\",\"done\":true}\n"}) {
            co_await go.wait();
            go.reset();
            sent = co_await exchange.write(line);
        }
        sent = co_await exchange.finish();
    };
    auto const peer = f.connect();
    peer->send(post_text("/api/generate", R"({"model":"smollm2:135m","prompt":"hi"})"));
    REQUIRE(f.pump([&] { return peer->has("\r\n\r\n"); }));
    CHECK(field_of(peer->text(), "Content-Type") == "application/x-ndjson");
    CHECK(body_of(peer->text()).empty());
    CHECK(f.engine->snapshot().instances.at(0).leases == 1);
    go.set();
    REQUIRE(f.pump([&] { return peer->has("false}\n\r\n"); }));
    CHECK(peer->text().find("true") == std::string::npos);
    go.set();
    REQUIRE(f.pump([&] { return peer->has_ended(); }));
    CHECK_THAT(peer->text(), ContainsSubstring("1e\r\n{\"response\":\"a\",\"done\":false}\n\r\n"));
    CHECK_THAT(peer->text(), ContainsSubstring("\r\n0\r\n\r\n"));
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "proxy: an answer says how long its request waited, and at which place", "[proxy][component]"
) {
    ProxyFixture f;
    f.ollama.load_time = 2s;
    std::string const body = R"({"model":"smollm2:135m","prompt":"hi","stream":false})";
    auto const first = f.connect();
    first->send(post_text("/api/generate", body));
    REQUIRE(f.pump([&] { return f.engine->snapshot().counters.loads == 1; }));
    auto const second = f.connect();
    second->send(post_text("/v1/chat/completions", R"({"model":"smollm2:135m","messages":[{}]})"));
    REQUIRE(f.pump([&] { return first->has_ended() && second->has_ended(); }));
    CHECK_THAT(
        field_of(first->text(), "X-Plimsoll-Queue"), ContainsSubstring("position=1, waited=2.")
    );
    CHECK_THAT(
        field_of(second->text(), "X-Plimsoll-Queue"), ContainsSubstring("position=2, waited=")
    );
    auto const third = f.post("/api/generate", body);
    CHECK(status_of(third) == 200);
    CHECK(field_of(third, "X-Plimsoll-Queue").empty());
}

TEST_CASE("proxy: a refusal after a wait says how long that was", "[proxy][component]") {
    ProxyFixture f;
    f.ollama.load_time = 1h;
    auto const answer =
        f.post("/api/generate", R"({"model":"smollm2:135m","prompt":"hi"})", "Prefer: wait=2\r\n");
    CHECK(status_of(answer) == 504);
    CHECK(field_of(answer, "X-Plimsoll-Queue") == "position=1, waited=2.00");
    auto const unknown = f.post("/api/generate", R"({"model":"absent:1b","prompt":"hi"})");
    CHECK(field_of(unknown, "X-Plimsoll-Queue").empty());
}

TEST_CASE(
    "proxy: preloads and unloads are answered in the upstream's words", "[proxy][component]"
) {
    ProxyFixture f;
    auto const load = f.post("/api/generate", R"({"model":"SMOLLM2:135M"})");
    CHECK(status_of(load) == 200);
    CHECK_THAT(body_of(load), ContainsSubstring(R"({"model":"SMOLLM2:135M","created_at":")"));
    CHECK_THAT(
        body_of(load), ContainsSubstring(R"("response":"","done":true,"done_reason":"load"})")
    );
    CHECK(f.ollama.loaded == std::vector<std::string>{"smollm2:135m"});
    auto const chat = f.post("/api/chat", R"({"model":"smollm2:135m","messages":[]})");
    CHECK_THAT(
        body_of(chat),
        ContainsSubstring(
            R"("message":{"role":"assistant","content":""},"done":true,"done_reason":"load"})"
        )
    );
    auto const unload = f.post("/api/chat", R"({"model":"smollm2:135m","keep_alive":0})");
    CHECK_THAT(body_of(unload), ContainsSubstring(R"("done_reason":"unload"})"));
    CHECK(f.pump([&] { return f.ollama.loaded.empty(); }));
    auto const unknown = f.post("/api/generate", R"({"model":"absent:1b","keep_alive":0})");
    CHECK(status_of(unknown) == 404);
    CHECK(body_of(unknown) == R"({"error":"model 'absent:1b' not found"})");
    CHECK(f.ollama.count("POST /api/chat") == 0);
}

TEST_CASE("proxy: what the upstream would refuse costs no load", "[proxy][component]") {
    ProxyFixture f;
    f.ollama.models["emb:1"].capabilities = {"embedding"};

    struct Row {
        char const* path;
        char const* body;
        unsigned status;
        char const* text;
    };

    auto const row = GENERATE(
        Row{"/api/chat", "", 400, R"({"error":"missing request body"})"},
        Row{"/api/generate", R"({"prompt":"x"})", 404, R"({"error":"model '' not found"})"},
        Row{"/api/chat",
            R"({"model":"absent:1b","messages":[{}]})",
            404,
            R"({"error":"model 'absent:1b' not found"})"},
        Row{"/api/embed",
            R"({"model":"absent:1b","input":"x"})",
            404,
            R"({"error":"model \"absent:1b\" not found, try pulling it first"})"},
        Row{"/v1/chat/completions",
            R"({"model":"absent:1b","messages":[{}]})",
            404,
            "{\"error\":{\"message\":\"model 'absent:1b' not "
            "found\",\"type\":\"not_found_error\",\"param\":null,\"code\":null}}\n"},
        Row{"/api/generate",
            R"({"model":"a/b/c/d:e","prompt":"x"})",
            400,
            R"({"error":"invalid model name"})"},
        Row{"/api/generate",
            R"({"model":"smollm2:135m","prompt":"x","keep_alive":"30"})",
            400,
            R"({"error":"time: missing unit in duration \"30\""})"},
        Row{"/api/generate",
            R"({"model":"smollm2:135m","prompt":"x","options":{"num_ctx":"big"}})",
            500,
            R"({"error":"option \"num_ctx\" must be of type integer"})"},
        Row{"/api/chat",
            R"({"model":"smollm2:135m","messages":[{}],"tools":[{}]})",
            400,
            R"({"error":"registry.ollama.ai/library/smollm2:135m does not support tools"})"},
        Row{"/api/generate",
            R"({"model":"emb:1","prompt":"x"})",
            400,
            R"({"error":"\"emb:1\" does not support generate"})"}
    );
    CAPTURE(row.path, row.body);
    auto const answer = f.post(row.path, row.body);
    CHECK(status_of(answer) == row.status);
    CHECK(body_of(answer) == row.text);
    CHECK(f.ollama.seen.empty());
}

TEST_CASE(
    "proxy: hidden spellings of the model do not pass by the scheduler", "[proxy][component]"
) {
    ProxyFixture f;
    f.ollama.models["other:1"].weights = std::string(64, 'b');
    auto const path = GENERATE("/api/generate", "/api/%67enerate", "/api%2Fgenerate");
    auto const answer =
        f.post(path, R"({"model":"other:1","MOD\u0045L":"smollm2:135m","prompt":"x"})");
    CHECK(status_of(answer) == 200);
    CHECK(f.ollama.loaded == std::vector<std::string>{"smollm2:135m"});
    CHECK(f.engine->snapshot().counters.loads == 1);
}

TEST_CASE("proxy: what was changed in a request is named", "[proxy][component]") {
    ProxyFixture f;
    auto const first = f.post(
        "/api/generate", R"({"model":"smollm2:135m","prompt":"x","options":{"num_ctx":8192}})"
    );
    CHECK(field_of(first, "X-Plimsoll-Adjusted").empty());
    auto const second = f.post(
        "/api/generate",
        R"({"model":"smollm2:135m","prompt":"x","options":{"num_ctx":2048,"num_gpu":0}})"
    );
    CHECK(
        field_of(second, "X-Plimsoll-Adjusted") ==
        "num_gpu cut (asked 0), num_ctx=8192 (asked 2048)"
    );
    CHECK(f.engine->snapshot().counters.loads == 1);  // no reload for a smaller context
    auto const members = http::find_members(f.ollama.last(kGenerate).body);
    REQUIRE(members.has_value());
    for (auto const& option : members->option_members) {
        CHECK(option.name != "num_gpu");
        CHECK((option.name != "num_ctx" || option.value.text == "8192"));
    }
}

TEST_CASE("proxy: a clamped keep_alive is named, also on a preload", "[proxy][component]") {
    engine::EngineConfig config;
    config.keep_alive_policy = engine::KeepAlivePolicy::Clamp;
    config.keep_alive_max = std::chrono::minutes(5);
    ProxyFixture f(config);
    auto const body = GENERATE(
        R"({"model":"smollm2:135m","keep_alive":-1})",
        R"({"model":"smollm2:135m","keep_alive":-1,"prompt":"x"})"
    );
    CHECK_THAT(
        field_of(f.post("/api/generate", body), "X-Plimsoll-Adjusted"),
        ContainsSubstring("(asked for ever)")
    );
}

TEST_CASE("proxy: remote models and cloud names take no lease", "[proxy][component]") {
    ProxyFixture f;
    f.ollama.models["stub:1"].is_remote = true;
    auto const name = GENERATE("stub:1", "gpt-oss:20b-cloud");
    std::string const body =
        std::string(R"({"model":")") + name + R"(","messages":[{"role":"user"}],"keep_alive":5})";
    auto const answer = f.post("/api/chat", body);
    CHECK(status_of(answer) == 200);
    CHECK(f.ollama.last("POST /api/chat").body == body);
    CHECK(f.engine->snapshot().counters.tickets == 0);
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE(
    "proxy: an unknown POST that names a model is scheduled, unless the upstream lacks the path",
    "[proxy][component]"
) {
    ProxyFixture f;
    std::string const body = R"({"model":"smollm2:135m","keep_alive":"1h","x":1})";
    SECTION("a route of tomorrow") {
        auto const answer = f.post("/v2/anything", body);
        CHECK(status_of(answer) == 200);
        CHECK(f.ollama.loaded.size() == 1);
        CHECK(f.ollama.last("POST /v2/anything").body == R"({"model":"smollm2:135m","x":1})");
    }
    SECTION("a path that is not there") {
        auto const answer = f.post("/v1/messages/count_tokens", body);
        CHECK(f.ollama.last("POST /v1/messages/count_tokens").body == body);
        CHECK(f.ollama.loaded.empty());
        auto const again = f.post("/v1/messages/count_tokens", body);
        CHECK(f.ollama.count("HEAD /v1/messages/count_tokens") == 1);
    }
    SECTION("no model") {
        f.post("/v2/anything", "just bytes");
        CHECK(f.ollama.last("POST /v2/anything").body == "just bytes");
        CHECK(f.ollama.loaded.empty());
    }
}

TEST_CASE("proxy: bodies are bounded, each and together", "[proxy][component]") {
    proxy::ProxyConfig config;
    config.max_body = 1000;
    config.max_bodies = 1500;
    ProxyFixture f({}, config);
    auto const large = f.post("/api/generate", std::string(1001, ' '));
    CHECK(status_of(large) == 413);
    CHECK_THAT(body_of(large), ContainsSubstring("max_body"));
    // Two at once: the first holds its room while its bytes trickle in.
    auto const slow = f.connect();
    slow->send("POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n");
    f.settle();
    auto const second = f.post("/api/generate", std::string(900, ' '));
    CHECK(status_of(second) == 503);
    CHECK_FALSE(field_of(second, "Retry-After").empty());
    slow->close();
    f.settle();
    CHECK(status_of(f.post("/api/generate", std::string(900, ' '))) == 400);
}

TEST_CASE("proxy: management switched off relays everything untouched", "[proxy][component]") {
    engine::EngineConfig config;
    config.enabled = false;
    ProxyFixture f(config);
    std::string const body =
        R"({"model":"smollm2:135m","prompt":"x","keep_alive":5,"options":{"num_ctx":64}})";
    auto const answer = f.post("/api/generate", body);
    CHECK(status_of(answer) == 200);
    CHECK(f.ollama.last(kGenerate).body == body);
    CHECK(f.engine->snapshot().counters.tickets == 0);
}
