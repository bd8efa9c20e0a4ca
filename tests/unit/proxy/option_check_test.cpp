#include "proxy/option_check.hpp"

#include "proxy/keep_alive.hpp"
#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;

namespace {

Checked<AskedOptions> options(std::string const& inner, std::vector<std::string> const& cut = {}) {
    auto const body = R"({"model":"a","options":)" + inner + "}";
    auto const members = http::find_members(body);
    REQUIRE(members.has_value());
    return read_options(*members, cut);
}

AskedKeepAlive keep_alive(std::string const& value, engine::EngineConfig const& config) {
    auto const members = http::find_members(R"({"model":"a","keep_alive":)" + value + "}");
    REQUIRE(members.has_value());
    auto const asked = read_keep_alive(*members, config);
    REQUIRE(asked.has_value());
    return *asked;
}

}  // namespace

TEST_CASE("options: a wrong type is the upstream's 500, without a load", "[proxy][options]") {
    struct Row {
        char const* options;
        char const* text;
    };

    auto const row = GENERATE(
        Row{R"({"num_ctx":"big"})", R"(option "num_ctx" must be of type integer)"},
        Row{R"({"temperature":"hot"})", R"(option "temperature" must be of type float32)"},
        Row{R"({"use_mmap":1})", R"(option "use_mmap" must be of type boolean)"},
        Row{R"({"stop":"x"})", R"(option "stop" must be of type array)"}
    );
    auto const asked = options(row.options);
    REQUIRE_FALSE(asked.has_value());
    CHECK(asked.error().status == 500);
    CHECK(asked.error().text == row.text);
}

TEST_CASE("options: runner options become part of what is asked", "[proxy][options]") {
    auto const asked = options(
        R"({"num_ctx":4096.9,"num_thread":2,"use_mmap":false,"NUM_BATCH":7,"main_gpu":null})"
    );
    REQUIRE(asked.has_value());
    CHECK(asked->num_ctx == 4096);
    CHECK_FALSE(asked->num_batch.has_value());
    CHECK(asked->options.num_thread == 2);
    CHECK(asked->options.use_mmap == false);
    CHECK_FALSE(asked->options.main_gpu.has_value());
}

TEST_CASE("options: policy cuts a value or every value of an option", "[proxy][options]") {
    auto const zero = options(R"({"num_gpu":0})", {"num_gpu=0"});
    REQUIRE(zero.has_value());
    CHECK_FALSE(zero->options.num_gpu.has_value());
    CHECK(zero->cut == std::vector<std::string>{"num_gpu cut (asked 0)"});
    auto const five = options(R"({"num_gpu":5})", {"num_gpu=0"});
    REQUIRE(five.has_value());
    CHECK(five->options.num_gpu == 5);
    auto const any = options(R"({"num_gpu":5})", {"num_gpu"});
    REQUIRE(any.has_value());
    CHECK_FALSE(any->options.num_gpu.has_value());
}

TEST_CASE("keep_alive: honoured, clamped or overridden", "[proxy][keep_alive]") {
    engine::EngineConfig config;
    using Kind = core::KeepAlive::Kind;
    SECTION("honour") {
        CHECK(
            keep_alive("\"10m\"", config).value ==
            core::KeepAlive{Kind::For, std::chrono::minutes(10)}
        );
        CHECK(keep_alive("-1", config).value == core::KeepAlive{Kind::Forever, {}});
        CHECK(keep_alive("0", config).is_zero);
        CHECK_FALSE(keep_alive("null", config).value.has_value());
    }
    SECTION("clamp") {
        config.keep_alive_policy = engine::KeepAlivePolicy::Clamp;
        config.keep_alive_max = std::chrono::minutes(5);
        auto const forever = keep_alive("-1", config);
        CHECK(forever.value == core::KeepAlive{Kind::For, std::chrono::minutes(5)});
        CHECK_THAT(forever.adjusted, ContainsSubstring("asked for ever"));
        CHECK(keep_alive("\"1m\"", config).adjusted.empty());
    }
    SECTION("override") {
        config.keep_alive_policy = engine::KeepAlivePolicy::Override;
        auto const zero = keep_alive("0", config);
        CHECK_FALSE(zero.value.has_value());
        CHECK(zero.is_zero);
        CHECK(zero.adjusted == "keep_alive cut (asked 0)");
    }
}

TEST_CASE(
    "keep_alive: what does not parse is a 400 in the upstream's words", "[proxy][keep_alive]"
) {
    auto const members = http::find_members(R"({"model":"a","keep_alive":"30"})");
    REQUIRE(members.has_value());
    auto const asked = read_keep_alive(*members, {});
    REQUIRE_FALSE(asked.has_value());
    CHECK(asked.error().status == 400);
    CHECK(asked.error().text == R"(time: missing unit in duration "30")");
}
