#include "control/request_json.hpp"

#include "support/catch.hpp"

#include <array>

using namespace plimsoll;
using namespace plimsoll::control;
using namespace std::string_view_literals;

namespace {

constexpr std::array kMembers{"auto_unload"sv, "default_keep_alive"sv, "verbose"sv};

std::string problem(std::string_view body) {
    auto const object = parse_object(body, kMembers);
    return object ? std::string() : object.error().message;
}

}  // namespace

TEST_CASE("control body: a misspelt member is an error that names the right one", "[control]") {
    CHECK(
        problem(R"({"auto_unlod":true})") ==
        R"(unknown member "auto_unlod"; did you mean "auto_unload"?)"
    );
    CHECK(
        problem(R"({"banana":true})") ==
        R"(unknown member "banana"; known are: auto_unload, default_keep_alive, verbose)"
    );
}

TEST_CASE("control body: empty is an empty object, other shapes are refused", "[control]") {
    CHECK(problem("").empty());
    CHECK_THAT(problem("  \n"), ContainsSubstring("not JSON"));
    CHECK(problem("[]") == "the body must be a JSON object");
    CHECK_THAT(problem("{"), ContainsSubstring("not JSON"));
}

TEST_CASE("control body: members are checked for their type", "[control]") {
    auto const object =
        parse_object(R"({"auto_unload":"yes","verbose":null,"default_keep_alive":[]})", kMembers);
    REQUIRE(object.has_value());
    auto const wrong = bool_member(*object, "auto_unload");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().message == R"("auto_unload" must be true or false)");
    auto const null = bool_member(*object, "verbose");
    REQUIRE(null.has_value());
    CHECK_FALSE(null->has_value());
    CHECK_FALSE(keep_alive_member(*object, "default_keep_alive").has_value());
}

TEST_CASE("control body: durations are seconds, Go's spelling, or for ever", "[control]") {
    using Kind = core::KeepAlive::Kind;

    struct Row {
        char const* value;
        core::KeepAlive expected;
    };

    auto const row = GENERATE(
        Row{"300", {Kind::For, std::chrono::minutes(5)}},
        Row{"\"5m\"", {Kind::For, std::chrono::minutes(5)}},
        Row{"0", {Kind::Zero, {}}},
        Row{"-1", {Kind::Forever, {}}},
        Row{"\"forever\"", {Kind::Forever, {}}},
        Row{"\"-1m\"", {Kind::Forever, {}}}
    );
    auto const object =
        parse_object(std::string(R"({"default_keep_alive":)") + row.value + "}", kMembers);
    REQUIRE(object.has_value());
    auto const value = keep_alive_member(*object, "default_keep_alive");
    CAPTURE(row.value);
    REQUIRE(value.has_value());
    CHECK(*value == row.expected);
}

TEST_CASE("control body: a duration that is none is refused, with a minus too", "[control]") {
    auto const text = GENERATE("-abc", "-", "5 parsecs", "", "--5m");
    auto const object =
        parse_object(std::string(R"({"default_keep_alive":")") + text + "\"}", kMembers);
    REQUIRE(object.has_value());
    CAPTURE(text);
    CHECK_FALSE(keep_alive_member(*object, "default_keep_alive").has_value());
}

TEST_CASE("control body: a whole number may be written with a point", "[control]") {
    constexpr std::array kNumber{"num_ctx"sv};
    auto const read = [&](std::string const& value) {
        return integer_member(*parse_object(R"({"num_ctx":)" + value + "}", kNumber), "num_ctx");
    };
    CHECK(read("4096.0").value() == 4096);
    CHECK(read("4e3").value() == 4000);
    for (auto const* wrong : {"4096.5", "1e300", "18446744073709551615", "\"4096\"", "true"}) {
        CAPTURE(wrong);
        CHECK_FALSE(read(wrong).has_value());
    }
}
