#include "support/catch.hpp"

#include <plimsoll/http/members.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

RawValue value_of(std::string const& json) {
    auto const found = find_members("{\"keep_alive\":" + json + "}");
    REQUIRE(found);
    REQUIRE(found->keep_alive);
    return found->keep_alive->value;
}

std::string keep_alive_error(std::string const& json) {
    auto const parsed = parse_keep_alive(value_of(json));
    return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("keep_alive: numbers are seconds, strings are Go durations", "[http][members]") {
    struct Case {
        std::string json;
        KeepAliveValue::Kind kind;
        double seconds;
    };
    using enum KeepAliveValue::Kind;
    std::vector<Case> const cases{
        {"0", Zero, 0},
        {"0.0", Zero, 0},
        {"-0", Zero, 0},
        {"1e-10", Zero, 0},
        {"1e-400", Zero, 0},
        {"1e30", Zero, 0},
        {"30", For, 30},
        {"2.5", For, 2.5},
        {"3e2", For, 300},
        {"-1", Forever, 0},
        {"-0.001", Forever, 0},
        {R"("0")", Zero, 0},
        {R"("-0")", Zero, 0},
        {R"("0s")", Zero, 0},
        {R"("5m")", For, 300},
        {R"("1h30m")", For, 5400},
        {R"("1.5h")", For, 5400},
        {R"("100ms")", For, 0.1},
        {R"("+2s")", For, 2},
        {R"(".5s")", For, 0.5},
        {R"("1.s")", For, 1},
        {R"("3\u00b5s")", For, 0.000003},
        {R"("-1m")", Forever, 0},
        {R"("-1ns")", Forever, 0},
        {R"("2562047h47m16.854775807s")", For, 9223372036.854775807},
    };
    for (auto const& one : cases) {
        INFO(one.json);
        auto const parsed = parse_keep_alive(value_of(one.json));
        REQUIRE(parsed);
        CHECK(parsed->kind == one.kind);
        CHECK(parsed->seconds == one.seconds);
    }
}

TEST_CASE("keep_alive: errors have Ollama's texts", "[http][members]") {
    CHECK(keep_alive_error(R"("30")") == R"(time: missing unit in duration "30")");
    CHECK(keep_alive_error(R"("-1")") == R"(time: missing unit in duration "-1")");
    CHECK(keep_alive_error(R"("bad")") == R"(time: invalid duration "bad")");
    CHECK(keep_alive_error(R"("")") == R"(time: invalid duration "")");
    CHECK(keep_alive_error(R"("-")") == R"(time: invalid duration "-")");
    CHECK(keep_alive_error(R"(".s")") == R"(time: invalid duration ".s")");
    CHECK(keep_alive_error(R"("5d")") == R"(time: unknown unit "d" in duration "5d")");
    CHECK(keep_alive_error(R"("5 m")") == R"(time: unknown unit " m" in duration "5 m")");
    CHECK(
        keep_alive_error(R"("5\"\u00e4")") ==
        R"(time: unknown unit "\"\xc3\xa4" in duration "5\"\xc3\xa4")"
    );
    CHECK(
        keep_alive_error(R"("9223372036854775808h")") ==
        R"(time: invalid duration "9223372036854775808h")"
    );
    CHECK(keep_alive_error(R"("2562048h")") == R"(time: invalid duration "2562048h")");
    CHECK(keep_alive_error("true") == "Unsupported type: 'bool'");
    CHECK(keep_alive_error("[]") == "Unsupported type: '[]interface {}'");
    CHECK(keep_alive_error("{}") == "Unsupported type: 'map[string]interface {}'");
    CHECK(
        keep_alive_error("1e400") ==
        "json: cannot unmarshal number 1e400 into Go value of type float64"
    );
}

TEST_CASE("options: integers are cut, anything but a number is refused", "[http][members]") {
    auto const parse = [](std::string const& json) {
        return parse_integer_option("num_ctx", value_of(json));
    };
    CHECK(*parse("4096") == 4096);
    CHECK(*parse("4096.9") == 4096);
    CHECK(*parse("-1.9") == -1);
    CHECK(*parse("4.096e3") == 4096);
    CHECK(*parse("1e30") == std::numeric_limits<std::int64_t>::max());
    CHECK(*parse("-1e30") == std::numeric_limits<std::int64_t>::min());
    for (auto const* const json : {R"("4096")", "true", "[]", "{}"}) {
        auto const refused = parse(json);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message == R"(option "num_ctx" must be of type integer)");
    }
    CHECK_FALSE(parse("1e400"));
}
