#include "sim/settings.hpp"

#include "support/catch.hpp"

#include "unit/sim/scheduler_world.hpp"

namespace plimsoll::test {

namespace {

sim::Json json(std::string_view text) {
    auto out = sim::read_json(text);
    REQUIRE(out.has_value());
    return *out;
}

std::uint32_t context(
    std::string_view model_name, std::string_view body, sim::Machine const& machine
) {
    auto const model = SchedulerWorld::model(model_name);
    auto const options = sim::read_options(json(body), *model);
    REQUIRE(options.has_value());
    return sim::settle(*options, *model, machine).num_ctx;
}

std::string keep_alive_error(std::string_view body) {
    auto const read = sim::read_keep_alive(json(body));
    return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE(
    "sim settings: the default context follows the memory of the machine", "[sim][settings]"
) {
    CHECK(context("llama3.1:8b", "{}", {gibibytes(22), 1, {}, "f16"}) == 4096);
    CHECK(context("llama3.1:8b", "{}", {gibibytes(24), 1, {}, "f16"}) == 32768);
    CHECK(context("llama3.1:8b", "{}", {gibibytes(48), 1, {}, "f16"}) == 131072);
    CHECK(context("llama3.1:8b", "{}", {gibibytes(48), 1, 8192, "f16"}) == 8192);
}

TEST_CASE("sim settings: request over Modelfile over server, and clamped", "[sim][settings]") {
    sim::Machine const machine{gibibytes(24), 1, 4096, "f16"};
    CHECK(context("llama3.1-16k:8b", "{}", machine) == 16384);
    CHECK(context("llama3.1-16k:8b", R"({"options": {"num_ctx": 1024}})", machine) == 1024);
    CHECK(context("llama3.1:8b", R"({"options": {"num_ctx": 2048.7}})", machine) == 2048);
    CHECK(context("llama3.1:8b", R"({"options": {"num_ctx": 0}})", machine) == 4);
    CHECK(context("llama3.1:8b", R"({"options": {"num_ctx": -5}})", machine) == 4);
    CHECK(context("llama3.1:8b", R"({"options": {"num_ctx": 999999}})", machine) == 131072);
    CHECK(context("gemma3:4b", R"({"options": {"num_ctx": 100}})", machine) == 2048);
    // Names inside options keep their case, and later objects win member by member.
    CHECK(context("llama3.1:8b", R"({"options": {"NUM_CTX": 100}})", machine) == 4096);
    CHECK(
        context(
            "llama3.1:8b", R"({"options": {"num_ctx": 100}, "Options": {"seed": 1}})", machine
        ) == 100
    );
}

TEST_CASE("sim settings: a wrong option has the server's sentence", "[sim][settings]") {
    auto const model = SchedulerWorld::model("llama3.1:8b");
    auto const read = sim::read_options(json(R"({"options": {"num_ctx": "big"}})"), *model);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message == "option \"num_ctx\" must be of type integer");
}

TEST_CASE("sim settings: keep_alive as Go reads durations", "[sim][settings]") {
    auto const read = [](std::string_view body) {
        return sim::read_keep_alive(json(body)).value();
    };
    CHECK(read(R"({"keep_alive": "1h30m"})") == std::chrono::minutes(90));
    CHECK(read(R"({"keep_alive": "1.5h"})") == std::chrono::minutes(90));
    CHECK(read(R"({"keep_alive": "100ms"})") == std::chrono::milliseconds(100));
    CHECK(read(R"({"keep_alive": 0.5})") == std::chrono::milliseconds(500));
    CHECK(read(R"({"keep_alive": "0"})") == Duration::zero());
    CHECK(read(R"({"keep_alive": 1e30})") == Duration::zero());
    CHECK(read(R"({"keep_alive": -1})") == sim::kForever);
    CHECK(read(R"({"keep_alive": "-1m"})") == sim::kForever);
    CHECK(read(R"({"Keep_Alive": 5})") == std::chrono::seconds(5));
    CHECK_FALSE(read(R"({"keep_alive": 5, "keep_alive": null})").has_value());
    CHECK(keep_alive_error(R"({"keep_alive": "300"})") == "time: missing unit in duration \"300\"");
    CHECK(keep_alive_error(R"({"keep_alive": ""})") == "time: invalid duration \"\"");
    CHECK(keep_alive_error(R"({"keep_alive": "forever"})") == "time: invalid duration \"forever\"");
    CHECK(keep_alive_error(R"({"keep_alive": true})") == "Unsupported type: 'bool'");
    CHECK(
        keep_alive_error(R"({"keep_alive": {}})") == "Unsupported type: 'map[string]interface {}'"
    );
}

}  // namespace plimsoll::test
