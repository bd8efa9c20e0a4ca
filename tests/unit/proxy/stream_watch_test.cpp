#include "proxy/stream_watch.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;
using http::Operation;

namespace {

bool is_missing(Operation operation, std::string_view stream, std::size_t piece) {
    StreamWatch watch(operation, 200, true);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        watch.see(stream.substr(at, piece));
    }
    return watch.is_mark_missing();
}

}  // namespace

TEST_CASE("stream watch: the end mark is found at every split point", "[proxy][watch]") {
    std::string_view const stream = "data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n";
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        CAPTURE(piece);
        CHECK_FALSE(is_missing(Operation::OpenAiChat, stream, piece));
    }
    for (std::size_t cut = 0; cut < stream.size(); ++cut) {
        StreamWatch watch(Operation::OpenAiChat, 200, true);
        watch.see(stream.substr(0, cut));
        watch.see(stream.substr(cut));
        CAPTURE(cut);
        CHECK_FALSE(watch.is_mark_missing());
    }
}

TEST_CASE("stream watch: a stream without its end mark is noticed", "[proxy][watch]") {
    std::string_view const broken = "data: {\"a\":1}\n\ndata: [DON";
    for (std::size_t piece = 1; piece <= broken.size(); ++piece) {
        CHECK(is_missing(Operation::OpenAiChat, broken, piece));
    }
    CHECK(is_missing(Operation::AnthropicMessages, "event: message_start\ndata: {}\n\n", 7));
    CHECK_FALSE(is_missing(Operation::AnthropicMessages, "event: message_stop\ndata: {}\n\n", 7));
    CHECK_FALSE(is_missing(
        Operation::OpenAiResponses, "event: response.completed\ndata: {\"long\":\"....\"}\n\n", 3
    ));
    // Native streams may end without done:true (contract 4.1).
    CHECK_FALSE(is_missing(Operation::Generate, "{\"response\":\"a\",\"done\":false}\n", 100));
}

TEST_CASE("stream watch: an answer that is not a stream needs no mark", "[proxy][watch]") {
    StreamWatch watch(Operation::OpenAiChat, 200, false);
    watch.see("{}");
    CHECK_FALSE(watch.is_mark_missing());
}

TEST_CASE("stream watch: errors are told apart by their smell", "[proxy][watch]") {
    CHECK(smell_of("") == Smell::None);
    CHECK(
        smell_of(R"({"error":"llama-server reported out-of-memory during startup: x"})") ==
        Smell::OutOfMemory
    );
    CHECK(smell_of("CUDA error: out of memory") == Smell::OutOfMemory);
    CHECK(
        smell_of("server busy, please try again.  maximum pending requests exceeded") == Smell::Busy
    );
    CHECK(
        smell_of("model runner has unexpectedly stopped, this may be due to") == Smell::RunnerDied
    );
    CHECK(
        smell_of("an error was encountered while running the model: unexpected EOF") ==
        Smell::RunnerDied
    );
    CHECK(
        smell_of("do embedding request: Post \"http://127.0.0.1:1/embedding\": EOF") ==
        Smell::RunnerDied
    );
    CHECK(smell_of("model 'x' not found") == Smell::Error);
}

TEST_CASE(
    "stream watch: the error line of a native stream counts, a word in a prompt's echo does not",
    "[proxy][watch]"
) {
    StreamWatch broken(Operation::Chat, 200, true);
    broken.see("{\"message\":{\"content\":\"out of memory\"},\"done\":false}\n");
    CHECK(broken.smell() == Smell::None);
    broken.see("{\"error\":\"an error was encountered while running the model: out of memory\"}\n");
    CHECK(broken.smell() == Smell::OutOfMemory);
    StreamWatch status(Operation::Chat, 500, true);
    status.see("{\"error\":\"out of ");
    status.see("memory\"}");
    CHECK(status.smell() == Smell::OutOfMemory);
}
