#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;

namespace {

std::string const kWork = R"({"model":"smollm2:135m","prompt":"hi"})";

net::Handler error_answer(unsigned status, std::string text) {
    return [status, text = std::move(text)](net::Exchange& exchange) {
        return [](net::Exchange& with, http::Reply reply) -> net::Task<void> {
            auto const sent = co_await with.respond(std::move(reply));
            static_cast<void>(sent);
        }(exchange, http::error_reply(http::Dialect::Ollama, status, text));
    };
}

}  // namespace

TEST_CASE(
    "faults: an upstream that dies in mid-stream is seen as a cut by the client", "[proxy][faults]"
) {
    ProxyFixture f;
    f.ollama.on_inference = [](net::Exchange& exchange) -> net::Task<void> {
        auto sent = co_await exchange.start(200, "OK", {}, {http::Framing::Kind::Chunked, 0}, true);
        sent = co_await exchange.write("{\"response\":\"a\",\"done\":false}\n");
        exchange.abort();
    };
    auto const answer = f.post("/api/generate", kWork);
    CHECK(status_of(answer) == 200);
    CHECK_THAT(answer, ContainsSubstring("\"a\""));
    CHECK(answer.find("0\r\n\r\n") == std::string::npos);
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "faults: an upstream that closes before it answers gives 502 in the dialect's shape",
    "[proxy][faults]"
) {
    ProxyFixture f;
    f.ollama.on_inference = [](net::Exchange& exchange) -> net::Task<void> {
        exchange.abort();
        co_return;
    };
    auto const native = f.post("/api/generate", kWork);
    CHECK(status_of(native) == 502);
    CHECK_THAT(body_of(native), ContainsSubstring(R"({"error":"upstream ollama: )"));
    auto const anthropic =
        f.post("/v1/messages", R"({"model":"smollm2:135m","max_tokens":5,"messages":[{}]})");
    CHECK(status_of(anthropic) == 502);
    CHECK_THAT(
        body_of(anthropic),
        ContainsSubstring(R"({"type":"error","error":{"type":"api_error","message":"upstream)")
    );
}

TEST_CASE(
    "faults: the upstream's own full queue is waited out under the lease", "[proxy][faults]"
) {
    ProxyFixture f;
    int busy = 2;
    auto const work = f.ollama.on_inference;
    f.ollama.on_inference = [&](net::Exchange& exchange) {
        auto const refuse =
            error_answer(503, "server busy, please try again.  maximum pending requests exceeded");
        return busy-- > 0 ? refuse(exchange) : work(exchange);
    };
    auto const answer = f.post("/api/generate", kWork);
    CHECK(status_of(answer) == 200);
    CHECK(f.ollama.count("POST /api/generate") == 4);  // the load, two refusals, the work
    CHECK(f.engine->snapshot().counters.dispatched == 1);
}

TEST_CASE("faults: a queue that stays full is told to the client", "[proxy][faults]") {
    ProxyFixture f;
    f.ollama.on_inference =
        error_answer(503, "server busy, please try again.  maximum pending requests exceeded");
    auto const answer = f.post("/api/generate", kWork);
    CHECK(status_of(answer) == 503);
    CHECK_THAT(body_of(answer), ContainsSubstring("maximum pending requests exceeded"));
    CHECK_FALSE(field_of(answer, "Retry-After").empty());
}

TEST_CASE(
    "faults: errors of the upstream pass through, and an out of memory reads its list at once",
    "[proxy][faults]"
) {
    ProxyFixture f;
    f.ollama.on_inference = error_answer(500, "CUDA error: out of memory");
    auto const answer = f.post("/api/generate", kWork);
    CHECK(status_of(answer) == 500);
    CHECK(body_of(answer) == R"({"error":"CUDA error: out of memory"})");
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "faults: a /v1 stream without its end mark is passed on as it is, and logged", "[proxy][faults]"
) {
    ProxyFixture f;
    f.ollama.on_inference = [](net::Exchange& exchange) -> net::Task<void> {
        auto sent = co_await exchange.start(200, "OK", {}, {http::Framing::Kind::Chunked, 0}, true);
        sent = co_await exchange.write("data: {\"a\":1}\n\n");
        sent = co_await exchange.finish();
    };
    std::string lines;
    log::capture_for_test([&](std::string_view line) { lines += line; });
    auto const answer =
        f.post("/v1/chat/completions", R"({"model":"smollm2:135m","messages":[{}],"stream":true})");
    log::capture_for_test({});
    CHECK(answer.find("[DONE]") == std::string::npos);
    CHECK_THAT(answer, ContainsSubstring("0\r\n\r\n"));
    CHECK_THAT(lines, ContainsSubstring("without its end mark"));
}

TEST_CASE("faults: prompts and keys are in no log line", "[proxy][faults]") {
    ProxyFixture f;
    std::string lines;
    log::capture_for_test([&](std::string_view line) { lines += line; });
    f.post(
        "/api/generate",
        R"({"model":"smollm2:135m","prompt":"canary-prompt"})",
        "Authorization: Bearer canary-key\r\nCookie: canary-cookie\r\n"
    );
    log::capture_for_test({});
    CHECK_THAT(lines, ContainsSubstring("smollm2:135m"));
    CHECK(lines.find("canary") == std::string::npos);
}
