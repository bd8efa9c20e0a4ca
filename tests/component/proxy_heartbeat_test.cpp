// server.queue_heartbeat: what a client of each API sees while its streamed request waits, and
// after that. The first request of a model waits for its load.

#include "support/catch.hpp"

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kBeat = 200ms;

proxy::ProxyConfig beating() {
    proxy::ProxyConfig config;
    config.queue_heartbeat = kBeat;
    return config;
}

struct Api {
    std::string path, body, type;
    std::vector<std::string> pieces;  // of the upstream's stream
    std::string error;                // MESSAGE and TYPE are filled in
};

Api const kNative{
    "/api/chat",
    R"({"model":"smollm2:135m","messages":[{"role":"user","content":"hi"}]})",
    "application/x-ndjson",
    {"{\"message\":{\"role\":\"assistant\",\"content\":\" a\"},\"done\":false}\n",
     "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n"},
    "{\"error\":\"MESSAGE\"}\n"
};
Api const kOpenAi{
    "/v1/chat/completions",
    R"({"model":"smollm2:135m","messages":[{"role":"user","content":"hi"}],"stream":true})",
    "text/event-stream",
    {"data: {\"a\":1}\n\n", ": theirs\n\n", "data: [DONE]\n\n"},
    "data: {\"error\":{\"message\":\"MESSAGE\",\"type\":\"api_error\",\"param\":null,\"code\":null}"
    "}\n\n"
};
Api const kResponses{
    "/v1/responses",
    R"({"model":"smollm2:135m","input":"hi","stream":true})",
    "text/event-stream",
    {"event: response.created\ndata: {}\n\n", "event: response.completed\ndata: {}\n\n"},
    kOpenAi.error
};
Api const kAnthropic{
    "/v1/messages",
    R"({"model":"smollm2:135m","max_tokens":5,"messages":[{}],"stream":true})",
    "text/event-stream",
    {"event: message_start\ndata: {}\n\n", "event: message_stop\ndata: {}\n\n"},
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"TYPE\",\"message\":\"MESSAGE\"},"
    "\"request_id\":\"ID\"}\n\n"
};

std::string replaced(std::string text, std::string const& word, std::string const& by) {
    auto const at = text.find(word);
    return at == std::string::npos ? text : text.replace(at, word.size(), by);
}

net::Handler streaming(Api const& api) {
    return [&api](net::Exchange& exchange) -> net::Task<void> {
        http::Fields fields;
        fields.add("Content-Type", api.type);
        fields.add("X-Of-Upstream", "yes");
        auto sent =
            co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
        for (auto const& piece : api.pieces) {
            sent = co_await exchange.write(piece);
        }
        sent = co_await exchange.finish();
    };
}

net::Handler failing(unsigned status, http::Dialect dialect, std::string text) {
    return [=](net::Exchange& exchange) {
        return [](net::Exchange& with, http::Reply reply) -> net::Task<void> {
            auto const sent = co_await with.respond(std::move(reply));
            static_cast<void>(sent);
        }(exchange, http::error_reply(dialect, status, text, "ID"));
    };
}

// The body of a chunked answer; REQUIREs that it ends as it should.
std::string whole_body(std::string const& answer) {
    std::string const body = body_of(answer);
    std::string out;
    for (std::size_t at = 0;;) {
        auto const line = body.find("\r\n", at);
        REQUIRE(line != std::string::npos);
        auto const size = std::stoul(body.substr(at, line - at), nullptr, 16);
        if (size == 0) {
            REQUIRE(body.substr(line) == "\r\n\r\n");
            return out;
        }
        out += body.substr(line + 2, size);
        at = line + 2 + size + 2;
    }
}

// Takes the signs of life off the front and counts them.
std::size_t take_beats(std::string& body, Api const& api) {
    std::string const mark = api.type == kNative.type ? " " : ": plimsoll: position ";
    std::size_t count = 0;
    for (; body.starts_with(mark); ++count) {
        body.erase(0, mark == " " ? 1 : body.find("\n\n") + 2);
    }
    return count;
}

}  // namespace

TEST_CASE("heartbeat: a waiting stream begins early and ends byte for byte", "[proxy][heartbeat]") {
    auto const* const api = GENERATE(&kNative, &kOpenAi, &kResponses, &kAnthropic);
    CAPTURE(api->path);
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1s;
    f.ollama.on_inference = streaming(*api);
    auto const peer = f.connect();
    peer->send(post_text(api->path, api->body));
    REQUIRE(f.pump([&] { return peer->has("\r\n\r\n"); }));
    CHECK(f.ollama.loaded.empty());
    CHECK(status_of(peer->text()) == 200);
    CHECK(field_of(peer->text(), "Content-Type") == api->type);
    CHECK(field_of(peer->text(), "X-Plimsoll-Queue") == "position=1, waited=0.20");
    CHECK_FALSE(field_of(peer->text(), "X-Request-Id").empty());
    CHECK(body_of(peer->text()).empty());
    REQUIRE(f.pump([&] { return peer->has_ended(); }));
    std::string body = whole_body(peer->text());
    auto const beats = take_beats(body, *api);
    CHECK(beats >= 3);
    CHECK(beats <= 5);
    std::string expected;
    for (auto const& piece : api->pieces) {
        expected += piece;
    }
    CHECK(body == expected);
    CHECK_FALSE(peer->has("X-Of-Upstream"));
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
    // In memory: nothing waits, the head is the upstream's.
    auto const warm = f.post(api->path, api->body);
    CHECK(field_of(warm, "X-Of-Upstream") == "yes");
    CHECK(whole_body(warm) == expected);
}

TEST_CASE("heartbeat: what does not stream gets its own head", "[proxy][heartbeat]") {
    struct Row {
        char const *path, *body;
    };

    auto const row = GENERATE(
        Row{"/api/generate", R"({"model":"smollm2:135m","prompt":"x","stream":false})"},
        Row{"/v1/chat/completions", R"({"model":"smollm2:135m","messages":[{}]})"},
        Row{"/v1/messages", R"({"model":"smollm2:135m","max_tokens":5,"messages":[{}]})"},
        Row{"/api/embed", R"({"model":"smollm2:135m","input":"x","stream":true})"},
        Row{"/v1/unheard-of", R"({"model":"smollm2:135m","stream":true})"},
        Row{"/api/generate", R"({"model":"smollm2:135m"})"}  // a preload is one object
    );
    CAPTURE(row.path, row.body);
    ProxyFixture f({}, beating());
    f.ollama.models["smollm2:135m"].capabilities = {"completion", "embedding"};
    f.ollama.load_time = 1s;
    auto const answer = f.post(row.path, row.body);
    CHECK(status_of(answer) == 200);
    CHECK_FALSE(field_of(answer, "Content-Length").empty());
    CHECK_THAT(field_of(answer, "X-Plimsoll-Queue"), ContainsSubstring("position=1, waited=1."));
    CHECK(body_of(answer).starts_with('{'));
}

TEST_CASE("heartbeat: off unless it is set, and set without a restart", "[proxy][heartbeat]") {
    ProxyFixture f;
    f.ollama.load_time = 1s;
    f.ollama.on_inference = streaming(kNative);
    auto const plain = f.post(kNative.path, kNative.body);
    CHECK(field_of(plain, "X-Of-Upstream") == "yes");
    f.post("/api/chat", R"({"model":"smollm2:135m","keep_alive":0})");
    REQUIRE(f.pump([&] { return f.engine->snapshot().instances.empty(); }));
    f.proxy->reconfigure(beating());
    auto const early = f.post(kNative.path, kNative.body);
    CHECK(field_of(early, "X-Of-Upstream").empty());
    CHECK(field_of(early, "X-Plimsoll-Queue") == "position=1, waited=0.20");
}

TEST_CASE("heartbeat: a refusal after the head is the stream's last word", "[proxy][heartbeat]") {
    auto const* const api = GENERATE(&kNative, &kOpenAi, &kResponses, &kAnthropic);
    CAPTURE(api->path);
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1h;
    auto const answer = f.post(api->path, api->body, "X-Plimsoll-Deadline: 1900ms\r\n");
    CHECK(status_of(answer) == 200);
    auto body = whole_body(answer);
    CHECK(take_beats(body, *api) == 8);
    auto expected = replaced(api->error, "TYPE", "api_error");
    expected = replaced(expected, "ID", field_of(answer, "X-Request-Id"));
    expected = replaced(
        expected,
        "MESSAGE",
        "the request's deadline passed after 1.9 s in the queue for smollm2:135m; allow more time "
        "or "
        "try again when less waits"
    );
    CHECK(body == expected);
    CHECK(f.engine->snapshot().waiting.empty());
}

TEST_CASE("heartbeat: a shutdown ends the waiting streams with its reason", "[proxy][heartbeat]") {
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1h;
    auto const peer = f.connect();
    peer->send(post_text(kNative.path, kNative.body));
    REQUIRE(f.pump([&] { return peer->has("\r\n\r\n"); }));
    f.engine->drain();
    REQUIRE(f.pump([&] { return peer->has_ended(); }));
    auto body = whole_body(peer->text());
    take_beats(body, kNative);
    CHECK(body == "{\"error\":\"Plimsoll is shutting down; retry in a few seconds\"}\n");
}

TEST_CASE(
    "heartbeat: an error of the upstream after the head takes the stream's form",
    "[proxy][heartbeat]"
) {
    struct Row {
        Api const* api;
        http::Dialect dialect;
    };

    auto const row = GENERATE(
        Row{&kNative, http::Dialect::Ollama},
        Row{&kOpenAi, http::Dialect::OpenAi},
        Row{&kResponses, http::Dialect::OpenAi},
        Row{&kAnthropic, http::Dialect::Anthropic}
    );
    auto const status = GENERATE(500U, 503U);
    CAPTURE(row.api->path, status);
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1s;
    f.ollama.on_inference = failing(status, row.dialect, "the runner is unwell");
    auto const answer = f.post(row.api->path, row.api->body);
    CHECK(status_of(answer) == 200);
    auto body = whole_body(answer);
    CHECK(take_beats(body, *row.api) >= 3);
    auto expected = replaced(row.api->error, "MESSAGE", "the runner is unwell");
    expected = replaced(expected, "TYPE", status == 503 ? "overloaded_error" : "api_error");
    CHECK(body == expected);
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "heartbeat: an upstream that breaks off before it answers is an error in the stream, one that "
    "does so later a cut",
    "[proxy][heartbeat]"
) {
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1s;
    bool const has_begun = GENERATE(false, true);
    f.ollama.on_inference = [has_begun](net::Exchange& exchange) -> net::Task<void> {
        if (has_begun) {
            auto sent =
                co_await exchange.start(200, "OK", {}, {http::Framing::Kind::Chunked, 0}, true);
            sent = co_await exchange.write(kNative.pieces.front());
        }
        exchange.abort();
    };
    auto const answer = f.post(kNative.path, kNative.body);
    CHECK(status_of(answer) == 200);
    if (has_begun) {
        CHECK_THAT(answer, ContainsSubstring(kNative.pieces.front()));
        CHECK(answer.find("\r\n0\r\n\r\n") == std::string::npos);
    } else {
        auto body = whole_body(answer);
        CHECK(take_beats(body, kNative) >= 3);
        CHECK(body.starts_with(R"({"error":"upstream ollama: )"));
        CHECK(body.ends_with("\"}\n"));
    }
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "heartbeat: a client that leaves between two signs is forgotten at once", "[proxy][heartbeat]"
) {
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1h;
    auto const peer = f.connect();
    peer->send(post_text(kOpenAi.path, kOpenAi.body));
    REQUIRE(f.pump([&] { return peer->has(": plimsoll: position 1, waited "); }));
    auto const before = f.loop.now();
    if (GENERATE(false, true)) {
        peer->reset();
    } else {
        peer->stop_sending();
    }
    REQUIRE(f.pump([&] { return f.engine->snapshot().counters.loads_aborted == 1; }));
    CHECK(f.loop.now() - before < kBeat);
    CHECK(f.engine->snapshot().waiting.empty());
    CHECK(f.ollama.count("POST /v1/chat/completions") == 0);
}

TEST_CASE("heartbeat: the position is that of now", "[proxy][heartbeat]") {
    ProxyFixture f({}, beating());
    net::Flag go(f.loop);
    auto const stream = streaming(kOpenAi);
    f.ollama.on_inference = [&](net::Exchange& exchange) -> net::Task<void> {
        co_await go.wait();
        go.reset();
        co_await stream(exchange);
    };
    std::vector<std::unique_ptr<Raw>> peers;
    for (int i = 0; i < 3; ++i) {
        peers.push_back(f.connect());
        peers.back()->send(post_text(kOpenAi.path, kOpenAi.body));
        f.settle();
    }
    REQUIRE(f.pump([&] { return peers[2]->has(": plimsoll: position 2, waited 0 s\n\n"); }));
    CHECK(peers[1]->has(": plimsoll: position 1, waited 0 s\n\n"));
    go.set();
    REQUIRE(f.pump([&] { return peers[2]->has(": plimsoll: position 1, waited 1 s\n\n"); }));
    CHECK(peers[0]->has_ended());
    go.set();
    REQUIRE(f.pump([&] { return peers[1]->has_ended(); }));
    go.set();
    REQUIRE(f.pump([&] { return peers[2]->has_ended(); }));
    auto body = whole_body(peers[2]->text());
    CHECK(take_beats(body, kOpenAi) >= 2);
    CHECK(body == "data: {\"a\":1}\n\n: theirs\n\ndata: [DONE]\n\n");
}

TEST_CASE(
    "heartbeat: an HTTP/1.0 client reads to the end of the connection", "[proxy][heartbeat]"
) {
    ProxyFixture f({}, beating());
    f.ollama.load_time = 1s;
    f.ollama.on_inference = streaming(kNative);
    auto const answer = f.ask(
        "POST /api/chat HTTP/1.0\r\nHost: localhost\r\nContent-Length: " +
        std::to_string(kNative.body.size()) + "\r\n\r\n" + kNative.body
    );
    auto body = body_of(answer);
    CHECK(take_beats(body, kNative) >= 3);
    CHECK(body == kNative.pieces[0] + kNative.pieces[1]);
}
