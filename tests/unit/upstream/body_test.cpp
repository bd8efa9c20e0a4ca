#include "support/catch.hpp"
#include "upstream/ollama_body.hpp"

namespace plimsoll::upstream {
namespace {

TEST_CASE("body: durations are written as the upstream reads them", "[upstream][unit]") {
    CHECK(go_duration(std::chrono::hours(24)) == "24h");
    CHECK(go_duration(std::chrono::minutes(5)) == "5m");
    CHECK(go_duration(std::chrono::seconds(90)) == "90s");
    CHECK(go_duration(std::chrono::milliseconds(250)) == "250ms");
    CHECK(go_duration(Duration{}) == "0s");
}

TEST_CASE("body: a bare load names no option at all", "[upstream][unit]") {
    LoadRequest request;
    request.model = "a:1";
    request.form = core::Form::Bare;
    request.settings.num_ctx = 4096;
    request.settings.options.num_gpu = 3;
    CHECK(load_body(request) == R"({"model":"a:1","keep_alive":"24h"})");
}

TEST_CASE("body: a pinned load names context, batch and the options given", "[upstream][unit]") {
    LoadRequest request;
    request.model = "a\"b";
    request.settings.num_ctx = 8192;
    request.settings.num_batch = 1024;
    request.settings.options.num_gpu = 5;
    request.settings.options.use_mmap = false;
    request.settings.options.shift = false;
    CHECK(
        load_body(request) ==
        R"({"model":"a\"b","keep_alive":"24h","options":{"num_ctx":8192,"num_batch":1024,"num_gpu":5,"use_mmap":false},"shift":false})"
    );
    // The embedding route knows no shift.
    request.is_embedding_only = true;
    CHECK(load_body(request).find("shift") == std::string::npos);
}

TEST_CASE("body: an unload is a keep-alive of zero", "[upstream][unit]") {
    CHECK(unload_body("a") == R"({"model":"a","keep_alive":0})");
    CHECK(name_body("a") == R"({"model":"a"})");
}

}  // namespace
}  // namespace plimsoll::upstream
