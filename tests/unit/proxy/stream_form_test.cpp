#include "proxy/stream_form.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;
using namespace std::chrono_literals;
using http::Dialect;
using http::Operation;

TEST_CASE("stream form: only streams of known shape are begun by us", "[proxy][stream]") {
    for (auto const operation :
         {Operation::Generate,
          Operation::Chat,
          Operation::OpenAiChat,
          Operation::OpenAiCompletions,
          Operation::OpenAiResponses,
          Operation::AnthropicMessages}) {
        CHECK(is_known_stream(operation));
    }
    for (auto const operation :
         {Operation::Embed,
          Operation::Embeddings,
          Operation::OpenAiEmbeddings,
          Operation::OpenAiAudio,
          Operation::UnknownPost,
          Operation::Pull}) {
        CHECK_FALSE(is_known_stream(operation));
    }
    CHECK(stream_type(Dialect::Ollama) == "application/x-ndjson");
    CHECK(stream_type(Dialect::OpenAi) == "text/event-stream");
    CHECK(stream_type(Dialect::Anthropic) == "text/event-stream");
}

TEST_CASE(
    "stream form: a sign of life is a comment, or the blank before a line", "[proxy][stream]"
) {
    CHECK(sign_of_life(Dialect::Ollama, 3, 31s) == " ");
    CHECK(sign_of_life(Dialect::OpenAi, 3, 31s) == ": plimsoll: position 3, waited 31 s\n\n");
    CHECK(sign_of_life(Dialect::Anthropic, 1, 300ms) == ": plimsoll: position 1, waited 0 s\n\n");
}

TEST_CASE("stream form: an API's error goes on in the shape of the stream", "[proxy][stream]") {
    CHECK(
        stream_error(Dialect::Ollama, 500, R"({"error":"no <room>"})", "id") ==
        "{\"error\":\"no <room>\"}\n"
    );
    CHECK(
        stream_error(Dialect::OpenAi, 500, "{\"error\":{\"message\":\"x\"}}\n", "id") ==
        "data: {\"error\":{\"message\":\"x\"}}\n\n"
    );
    CHECK(
        stream_error(Dialect::Anthropic, 503, R"({"type":"error","error":{}})", "id") ==
        "event: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n"
    );
    CHECK(
        stream_error(Dialect::Ollama, 500, "{\n \"error\": \"x\"\n}", "id") == "{\"error\":\"x\"}\n"
    );
}

TEST_CASE("stream form: whatever else an upstream says becomes an error", "[proxy][stream]") {
    CHECK(
        stream_error(Dialect::Ollama, 502, "bad\ngateway", "id") ==
        "{\"error\":\"bad\\\\ngateway\"}\n"
    );
    CHECK(
        stream_error(Dialect::OpenAi, 500, "", "id") ==
        "data: {\"error\":{\"message\":\"the upstream answered 500 without a "
        "word\",\"type\":\"api_error\",\"param\":null,\"code\":null}}\n\n"
    );
    CHECK(
        stream_error(Dialect::Anthropic, 503, R"({"no":"shape"})", "r1") ==
        "event: error\ndata: "
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"{\\\"no\\\":"
        "\\\"shape\\\"}\"},\"request_id\":\"r1\"}\n\n"
    );
}
