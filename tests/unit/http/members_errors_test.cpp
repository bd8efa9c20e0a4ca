// A body that the upstream would refuse is refused here with the same words: relaying it would be a
// guess.

#include "support/catch.hpp"

#include <plimsoll/http/members.hpp>

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::http;
using namespace std::string_literals;

namespace {

std::string error_of(std::string const& body) {
    auto const found = find_members(body, "api.ChatRequest");
    return found ? "" : found.error().message;
}

struct Case {
    std::string body, error;
};

}  // namespace

TEST_CASE("members: what is cut short says so at every cut", "[http][members]") {
    CHECK(error_of("") == "EOF");
    CHECK(error_of(" \r\n\t") == "EOF");
    std::string const body =
        R"( {"model":"a\u00e4\n","options":{"num_ctx":-1.5e+3,"b":[true,false,null,{}]},"x":[[],{"y":0}]})";
    REQUIRE(error_of(body).empty());
    for (std::size_t size = 1; size < body.size(); ++size) {
        INFO(body.substr(0, size));
        CHECK(error_of(body.substr(0, size)) == (size == 1 ? "EOF" : "unexpected EOF"));
    }
}

TEST_CASE("members: syntax errors have the upstream's texts", "[http][members]") {
    std::vector<Case> const cases{
        {"hello", "'h' looking for beginning of value"},
        {"\xEF\xBB\xBF{}", "'\xC3\xAF' looking for beginning of value"},
        {"'", "'\\'' looking for beginning of value"},
        {"\\", "'\\\\' looking for beginning of value"},
        {"\0"s, "'\\x00' looking for beginning of value"},
        {"\v", "'\\v' looking for beginning of value"},
        {"\x7F", "'\\x7f' looking for beginning of value"},
        {"\x80", "'\\u0080' looking for beginning of value"},
        {"\xA0", "'\\u00a0' looking for beginning of value"},
        {"\xAD", "'\\u00ad' looking for beginning of value"},
        {"\xFF", "'\xC3\xBF' looking for beginning of value"},
        {"//c\n{}", "'/' looking for beginning of value"},
        {"{]", "']' looking for beginning of object key string"},
        {"{,}", "',' looking for beginning of object key string"},
        {R"({"a":1,})", "'}' looking for beginning of object key string"},
        {R"({"a":{"b":1,}})", "'}' looking for beginning of object key string"},
        {R"({"options":{1:2}})", "'1' looking for beginning of object key string"},
        {R"({"a":[1,]})", "']' looking for beginning of value"},
        {R"({"a":})", "'}' looking for beginning of value"},
        {R"({"a":+1})", "'+' looking for beginning of value"},
        {R"({"a":.5})", "'.' looking for beginning of value"},
        {R"({"a":NaN})", "'N' looking for beginning of value"},
        {R"({"a" 1})", "'1' after object key"},
        {R"({"a":{"b" 1}})", "'1' after object key"},
        {R"({"a":1 "b"})", "'\"' after object key:value pair"},
        {R"({"a":{"b":1]})", "']' after object key:value pair"},
        {R"({"options":{"b":1]})", "']' after object key:value pair"},
        {R"({"a":[1 2]})", "'2' after array element"},
        {R"([1})", "'}' after array element"},
        {"{\"a\":\"x\ny\"}", "'\\n' in string literal"},
        {"{\"a\x1F\":1}", "'\\x1f' in string literal"},
        {R"({"a":"\q"})", "'q' in string escape code"},
        {R"({"a":"\u12g4"})", "'g' in \\u hexadecimal character escape"},
        {R"({"a":-x})", "'x' in numeric literal"},
        {R"({"a":01})", "'1' after object key:value pair"},
        {R"({"a":[01]})", "'1' after array element"},
        {R"({"a":1.x})", "'x' after decimal point in numeric literal"},
        {R"({"a":1ex})", "'x' in exponent of numeric literal"},
        {R"({"a":1e+x})", "'x' in exponent of numeric literal"},
        {R"({"a":trux})", "'x' in literal true (expecting 'e')"},
        {R"({"a":fAlse})", "'A' in literal false (expecting 'a')"},
        {R"({"a":nulx})", "'x' in literal null (expecting 'l')"},
    };
    for (auto const& one : cases) {
        INFO(one.body);
        CHECK(error_of(one.body) == "invalid character " + one.error);
    }
}

TEST_CASE("members: another top level than an object or null is named", "[http][members]") {
    auto const text = [](std::string const& kind) {
        return "json: cannot unmarshal " + kind + " into Go value of type api.ChatRequest";
    };
    CHECK(error_of("[1,2]") == text("array"));
    CHECK(error_of("\"a\"") == text("string"));
    CHECK(error_of("1 2") == text("number"));
    CHECK(error_of("true x") == text("bool"));
}

TEST_CASE(
    "members: the depth limit is the upstream's, and depth costs no stack", "[http][members]"
) {
    std::string const deep = "invalid character '[' exceeded max depth";
    auto const nested = [](std::string const& before, std::size_t depth) {
        return before + std::string(depth, '[');
    };
    CHECK(error_of(nested("", 10'000)) == "unexpected EOF");
    CHECK(error_of(nested("", 10'001)) == deep);
    CHECK(error_of(nested(R"({"a":)", 9'999)) == "unexpected EOF");
    CHECK(error_of(nested(R"({"a":)", 10'000)) == deep);
    CHECK(error_of(nested(R"({"options":{"a":)", 9'998)) == "unexpected EOF");
    CHECK(error_of(nested(R"({"options":{"a":)", 9'999)) == deep);
    auto const whole = R"({"a":)" + std::string(9'999, '[') + std::string(9'999, ']') + "}";
    CHECK(error_of(whole).empty());
}

TEST_CASE("members: endless repeats of one member are refused", "[http][members]") {
    std::string repeats = "{";
    std::string options = R"({"options":{)";
    for (int i = 0; i < 1024; ++i) {
        repeats += R"("model":"",)";
        options += R"("num_ctx":1,)";
    }
    CHECK(error_of(repeats + R"("x":1})").empty());
    CHECK_THAT(error_of(repeats + R"("MODEL":""})"), ContainsSubstring("1024 times"));
    CHECK_THAT(error_of(options + R"("num_ctx":1}})"), ContainsSubstring("\"num_ctx\""));
}
