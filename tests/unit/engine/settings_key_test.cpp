#include "support/catch.hpp"

#include <plimsoll/engine/engine.hpp>

namespace plimsoll::engine {
namespace {

TEST_CASE("settings key: one text per form and settings, and back", "[engine][unit]") {
    core::RunnerSettings settings;
    settings.num_ctx = 8192;
    CHECK(settings_key(core::Form::Bare, settings) == "bare ctx=8192");
    settings.num_batch = 512;
    settings.options.num_gpu = 5;
    settings.options.main_gpu = 0;
    settings.options.num_thread = 4;
    settings.options.draft_num_predict = 2;
    settings.options.use_mmap = false;
    settings.options.shift = true;
    auto const text = settings_key(core::Form::Pinned, settings);
    CHECK(
        text ==
        "pinned ctx=8192 batch=512 num_gpu=5 main_gpu=0 num_thread=4 draft_num_predict=2 "
        "use_mmap=0 shift=1"
    );
    auto const parsed = parse_settings_key(text);
    REQUIRE(parsed);
    CHECK(parsed->first == core::Form::Pinned);
    CHECK(parsed->second == settings);
}

TEST_CASE("settings key: a text that is not one of ours is not guessed at", "[engine][unit]") {
    auto const text = GENERATE(
        as<std::string>{},
        "",
        "unknown ctx=1",
        "pinned ctx",
        "pinned ctx=",
        "pinned ctx=x",
        "pinned ctx=-1",
        "pinned ctx=4294967296",
        "pinned what=1",
        "pinned  ctx=1",
        "ctx=1"
    );
    CAPTURE(text);
    CHECK_FALSE(parse_settings_key(text));
}

}  // namespace
}  // namespace plimsoll::engine
