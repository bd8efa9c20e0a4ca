#include "upstream/load_error.hpp"

#include "support/catch.hpp"

namespace plimsoll::upstream {
namespace {

TEST_CASE(
    "load error: the upstream's words decide what the scheduler does next", "[upstream][unit]"
) {
    struct Case {
        unsigned status;
        std::string text;
        core::LoadFailure failure;
    };
    using enum core::LoadFailure;
    auto const one = GENERATE(
        Case{500, "llama-server reported out-of-memory during startup: x", OutOfMemory},
        Case{500, "cudaMalloc failed: Out of Memory", OutOfMemory},
        Case{500, "ggml_backend: failed to allocate buffer", OutOfMemory},
        Case{500, "model requires more system memory (9.0 GiB) than is available", OutOfMemory},
        Case{500, "not enough memory", OutOfMemory},
        Case{404, "model 'x' not found", NotFound},
        Case{503, "server busy, please try again.  maximum pending requests exceeded", Busy},
        Case{500, "timed out waiting for llama-server to start - x", Timeout},
        Case{500, "llama-server process has terminated: signal: killed", Refused},
        Case{400, "bad", Refused}
    );
    CAPTURE(one.text);
    auto const error = classify_answer(one.status, one.text);
    CHECK(error.failure == one.failure);
    CHECK(error.text == one.text);
}

TEST_CASE("load error: without an answer the connection's fate decides", "[upstream][unit]") {
    CHECK(classify_failure(Error(Errc::Cancelled, "x")).failure == core::LoadFailure::Aborted);
    CHECK(classify_failure(Error(Errc::Timeout, "x")).failure == core::LoadFailure::Timeout);
    CHECK(
        classify_failure(Error(Errc::ConnectionClosed, "x")).failure ==
        core::LoadFailure::UpstreamDown
    );
    CHECK(
        classify_failure(Error(Errc::UpstreamUnavailable, "x")).failure ==
        core::LoadFailure::UpstreamDown
    );
    CHECK(
        classify_failure(Error(Errc::UpstreamProtocol, "x")).failure == core::LoadFailure::Refused
    );
}

}  // namespace
}  // namespace plimsoll::upstream
