#include "support/catch.hpp"

#include <plimsoll/chain/template.hpp>

using namespace plimsoll;
using namespace plimsoll::chain;

namespace {

std::string rendered(std::string_view text, std::size_t limit = 1000) {
    auto const parsed = Template::parse(text);
    REQUIRE(parsed);
    std::string held;
    auto const out = parsed->render(
        [&](Reference const& reference) -> std::string_view {
            held = "<" + reference.written() + ">";
            return held;
        },
        limit
    );
    return out ? *out : "error: " + out.error().message;
}

std::string problem(std::string_view text) {
    auto const parsed = Template::parse(text);
    return parsed ? "" : parsed.error();
}

}  // namespace

TEST_CASE("template: values stand where their places were", "[chain][unit]") {
    CHECK(rendered("") == "");
    CHECK(rendered("plain") == "plain");
    CHECK(rendered("{input}") == "<{input}>");
    CHECK(rendered("a {input} b {step.search} c") == "a <{input}> b <{step.search}> c");
    CHECK(
        rendered("{original}{step.2}{vars.who}{item}{index}{round}") ==
        "<{original}><{step.2}><{vars.who}><{item}><{index}><{round}>"
    );
}

TEST_CASE("template: doubled braces are braces", "[chain][unit]") {
    CHECK(rendered("{{input}}") == "{input}");
    CHECK(rendered("{{{input}}}") == "{<{input}>}");
    CHECK(rendered("{{\"a\": {{}}}}") == "{\"a\": {}}");
}

TEST_CASE("template: a value's braces mean nothing", "[chain][unit]") {
    auto const parsed = Template::parse("{input}!");
    CHECK(*parsed->render([](auto const&) { return "{step.2} {{ }"; }, 100) == "{step.2} {{ }!");
}

TEST_CASE("template: what is wrong is said with its column and what to write", "[chain][unit]") {
    CHECK_THAT(problem("ab {input"), ContainsSubstring("column 4: the brace is not closed"));
    CHECK_THAT(problem("{in\nput}"), ContainsSubstring("column 1: the brace is not closed"));
    CHECK_THAT(problem("{in{put}"), ContainsSubstring("write {{ for a brace itself"));
    CHECK_THAT(problem("a } b"), ContainsSubstring("column 3: this brace closes nothing"));
    CHECK_THAT(problem("{inputs}"), ContainsSubstring("column 1: there is no {inputs}; there are"));
    CHECK_THAT(problem("{step.}"), ContainsSubstring("there is no {step.}"));
    CHECK_THAT(problem("{step.a b}"), ContainsSubstring("there is no {step.a b}"));
    CHECK_THAT(problem("{vars." + std::string(65, 'x') + "}"), ContainsSubstring("there is no"));
    CHECK_THAT(problem("{\"a\": 1}"), ContainsSubstring("write {{ and }} for braces themselves"));
    CHECK_THAT(problem("{}"), ContainsSubstring("there is no {}"));
    CHECK_THAT(problem("{\x1b[2J}"), !ContainsSubstring("\x1b"));
}

TEST_CASE("template: its places are known before it is used", "[chain][unit]") {
    auto const references = Template::parse("x {step.one} {{no}} {vars.two}")->references();
    REQUIRE(references.size() == 2);
    CHECK(references[0].kind == Reference::Kind::Step);
    CHECK(references[0].name == "one");
    CHECK(references[0].column == 3);
    CHECK(references[1].kind == Reference::Kind::Variable);
    CHECK(references[1].name == "two");
    CHECK(references[1].column == 21);
}

TEST_CASE("template: a text that becomes too long is refused with both sizes", "[chain][unit]") {
    CHECK(rendered("ab{input}", 11) == "ab<{input}>");
    CHECK_THAT(
        rendered("ab{input}", 10), ContainsSubstring("longer than 10 bytes (it has 11 at {input})")
    );
    CHECK_THAT(rendered("{input}abc", 10), ContainsSubstring("at its end"));
}

TEST_CASE("template: names are short and of few characters", "[chain][unit]") {
    CHECK(is_name("a"));
    CHECK(is_name("Search_2-b"));
    CHECK(is_name(std::string(64, 'x')));
    CHECK_FALSE(is_name(std::string(65, 'x')));
    CHECK_FALSE(is_name(""));
    CHECK_FALSE(is_name("a.b"));
    CHECK_FALSE(is_name("ä"));
}
