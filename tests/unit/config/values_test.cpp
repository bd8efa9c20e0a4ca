#include "support/catch.hpp"

#include <plimsoll/config/config.hpp>

using namespace plimsoll;
using namespace std::chrono_literals;

namespace {

config::Config parse(std::string_view text) {
    auto parsed = config::parse(text, "test.toml");
    INFO((parsed ? std::string() : to_string(parsed.error().front())));
    REQUIRE(parsed.has_value());
    return std::move(*parsed);
}

std::string problem(std::string_view text) {
    auto const parsed = config::parse(text, "t");
    REQUIRE_FALSE(parsed.has_value());
    return to_string(parsed.error().front());
}

}  // namespace

TEST_CASE("config: the scheduler's settings reach every upstream", "[config][unit]") {
    config::Config const config = parse(
        "[scheduler]\nqueue_limit = 7\nkeep_alive = -1\n[models.\"x\"]\npriority = \"low\"\n"
        "[[upstream]]\nname = \"a\"\nparallel = 4\n[[upstream]]\nname = \"b\"\nurl = "
        "\"http://10.0.0.2:80\"\n"
    );
    REQUIRE(config.upstreams.size() == 2);
    for (config::UpstreamSettings const& settings : config.upstreams) {
        CHECK(settings.engine.scheduler.queue_limit == 7);
        CHECK(settings.engine.scheduler.keep_forever);
        REQUIRE(settings.engine.models.contains("registry.ollama.ai/library/x:latest"));
        CHECK(
            settings.engine.models.at("registry.ollama.ai/library/x:latest").priority ==
            core::Priority::Low
        );
    }
    CHECK(config.upstreams[0].engine.scheduler.parallel == 4);
    CHECK(config.upstreams[1].engine.scheduler.parallel == 1);
}

TEST_CASE("config: a listening address is host and port", "[config][unit]") {
    struct Case {
        char const* text;
        char const* address;
        std::uint16_t port;
    };

    Case const c = GENERATE(
        Case{"0.0.0.0:80", "0.0.0.0", 80},
        Case{"[::]:11435", "::", 11435},
        Case{"localhost:0", "localhost", 0}
    );
    config::Config const config = parse("[server]\nlisten = \"" + std::string(c.text) + "\"");
    CHECK(config.server.address == c.address);
    CHECK(config.server.port == c.port);
}

TEST_CASE("config: what is no listening address is refused with an example", "[config][unit]") {
    std::string_view const text = GENERATE(
        as<std::string_view>(),
        "11435",
        ":11435",
        "127.0.0.1",
        "::1:11435",
        "[::1]",
        "[::1]x:1",
        "[x]:1",
        "a b:1",
        "h:65536",
        "h:-1",
        "h:",
        ""
    );
    CAPTURE(text);
    CHECK_THAT(
        problem("[server]\nlisten = \"" + std::string(text) + "\""),
        ContainsSubstring("is not an address with a port; write \"127.0.0.1:11435\"")
    );
}

TEST_CASE("config: budgets are sizes, shares or auto", "[config][unit]") {
    auto const budget = [](std::string const& literal) {
        return parse("[[upstream]]\nbudget = " + literal).upstreams.front().budget;
    };
    CHECK(budget("\"22GiB\"").bytes == gibibytes(22));
    CHECK(budget("\"22GiB\"").kind == config::Budget::Kind::Absolute);
    CHECK(budget("1073741824").bytes == gibibytes(1));
    CHECK(budget("\"90 %\"").percent == 90);
    CHECK(budget("\"AUTO\"").kind == config::Budget::Kind::Auto);
}

TEST_CASE("config: what is no budget is refused", "[config][unit]") {
    std::string_view const literal = GENERATE(
        as<std::string_view>(),
        "\"0%\"",
        "\"101%\"",
        "\"nan%\"",
        "\"%\"",
        "\"x\"",
        "0",
        "-1",
        "true",
        "1.5"
    );
    CAPTURE(literal);
    CHECK_THAT(
        problem("[[upstream]]\nbudget = " + std::string(literal)),
        ContainsSubstring("t:2: \"budget\" in [[upstream]]")
    );
}

TEST_CASE("config: numbers in a file are not written in quotes", "[config][unit]") {
    CHECK_THAT(
        problem("[server]\nmax_fields = \"12\""), ContainsSubstring("\"12\" is not a whole number")
    );
    CHECK_THAT(problem("[management]\nenabled = \"true\""), ContainsSubstring("without quotes"));
    CHECK_THAT(
        problem("[scheduler]\nquantum_factor = \"8\""), ContainsSubstring("is not a number")
    );
}

TEST_CASE(
    "config: a model's context is a number, the largest that fits, or left to clients",
    "[config][unit]"
) {
    config::Config const config = parse(
        "[models.a]\nnum_ctx = 8192\n[models.b]\nnum_ctx = \"client\"\n[models.c]\nnum_ctx = "
        "\"fit\"\n"
    );
    auto const& models = config.upstreams.front().engine.models;
    CHECK(models.at("registry.ollama.ai/library/a:latest").context == engine::ContextPolicy::Fixed);
    CHECK(models.at("registry.ollama.ai/library/a:latest").num_ctx == 8192);
    CHECK(
        models.at("registry.ollama.ai/library/b:latest").context == engine::ContextPolicy::Client
    );
    CHECK(models.at("registry.ollama.ai/library/c:latest").context == engine::ContextPolicy::Fit);
    CHECK_THAT(
        problem("[models.a]\nnum_ctx = \"all\""), ContainsSubstring("\"fit\" or \"client\"")
    );
}

TEST_CASE("config: an idle time may be zero or for ever", "[config][unit]") {
    auto const scheduler = [](std::string const& literal) {
        return parse("[scheduler]\nkeep_alive = " + literal).upstreams.front().engine.scheduler;
    };
    CHECK(scheduler("0").default_keep_alive == 0s);
    CHECK(scheduler("\"1h30m\"").default_keep_alive == 90min);
    CHECK(scheduler("-1").keep_forever);
    CHECK(scheduler("\"forever\"").keep_forever);
    CHECK_FALSE(scheduler("90").keep_forever);
}

TEST_CASE("config: signs of life in the queue are off, or not too many", "[config][unit]") {
    auto const heartbeat = [](std::string const& literal) {
        return parse("[server]\nqueue_heartbeat = " + literal).proxy.queue_heartbeat;
    };
    CHECK(parse("").proxy.queue_heartbeat == 0s);
    CHECK(heartbeat("0") == 0s);
    CHECK(heartbeat("\"0s\"") == 0s);
    CHECK(heartbeat("\"15s\"") == 15s);
    CHECK(heartbeat("0.3") == 300ms);
    CHECK(
        problem("[server]\nqueue_heartbeat = \"1ms\"") ==
        "t:2: \"queue_heartbeat\" in [server]: \"1ms\" is out of range; it must be 100 ms to 24 h, "
        "or 0 for off"
    );
    CHECK(
        problem("[server]\nqueue_heartbeat = \"often\"") ==
        "t:2: \"queue_heartbeat\" in [server]: \"often\" is not a duration; write for example "
        "\"15s\", or \"0s\" for off"
    );
}
