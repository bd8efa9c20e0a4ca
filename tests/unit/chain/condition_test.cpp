#include "support/catch.hpp"

#include <plimsoll/chain/breaker.hpp>

#include <boost/json/parse.hpp>

using namespace plimsoll;
using namespace plimsoll::chain;
using namespace std::chrono_literals;

namespace {

Condition parsed(std::string_view text) {
    std::vector<Problem> problems;
    auto out = parse_condition(boost::json::parse(text), "/when", problems);
    for (Problem const& problem : problems) {
        FAIL_CHECK(problem.pointer << ": " << problem.message);
    }
    return out;
}

StepOutcome gave(std::string_view output) {
    StepOutcome outcome;
    outcome.name = "search";
    outcome.number = 2;
    outcome.output = output;
    outcome.elapsed = 10s;
    return outcome;
}

bool met(std::string_view condition, std::string_view output) {
    return is_met(parsed(condition), gave(output));
}

std::string problem(std::string_view text) {
    std::vector<Problem> problems;
    static_cast<void>(parse_condition(boost::json::parse(text), "/when", problems));
    REQUIRE(problems.size() == 1);
    return problems.front().pointer + ": " + problems.front().message;
}

}  // namespace

TEST_CASE("condition: step, by name or number", "[chain][unit]") {
    CHECK(met(R"({"step": "search"})", ""));
    CHECK(met(R"({"step": "2"})", ""));
    CHECK_FALSE(met(R"({"step": "3"})", ""));
}

TEST_CASE("condition: contains", "[chain][unit]") {
    CHECK(met(R"({"contains": "stop"})", "please stop now"));
    CHECK_FALSE(met(R"({"contains": "stop"})", "please STOP now"));
    CHECK(met(R"({"contains": "stop", "ignore_case": true})", "please STOP now"));
}

TEST_CASE("condition: equals, without the blanks around it", "[chain][unit]") {
    CHECK(met(R"({"equals": "yes"})", " yes\n"));
    CHECK_FALSE(met(R"({"equals": "yes"})", "yes."));
    CHECK(met(R"({"equals": "YES", "ignore_case": true})", "yes"));
    CHECK(met(R"({"equals": ""})", "  "));
}

TEST_CASE("condition: regex", "[chain][unit]") {
    CHECK(met(R"({"regex": "score: [0-9]+"})", "the score: 17"));
    CHECK_FALSE(met(R"({"regex": "^score"})", "the score: 17"));
    CHECK(met(R"({"regex": "SCORE", "ignore_case": true})", "the score: 17"));
    // What makes others run for ever.
    CHECK_FALSE(met(R"({"regex": "(a+)+$"})", std::string(100'000, 'a') + "b"));
}

TEST_CASE("condition: lengths are characters", "[chain][unit]") {
    CHECK(met(R"({"longer_than": 2})", "äöü"));
    CHECK_FALSE(met(R"({"longer_than": 3})", "äöü"));
    CHECK(met(R"({"shorter_than": 4})", "äöü"));
    CHECK_FALSE(met(R"({"shorter_than": 3})", "äöü"));
}

TEST_CASE("condition: JSON by pointer", "[chain][unit]") {
    std::string const output = R"({"score": 7, "tags": ["a"], "ok": true})";
    CHECK(met(R"({"json": {"pointer": "/score", "greater_than": 6}})", output));
    CHECK_FALSE(met(R"({"json": {"pointer": "/score", "greater_than": 7}})", output));
    CHECK(met(R"({"json": {"pointer": "/score", "less_than": 7.5}})", output));
    CHECK_FALSE(met(R"({"json": {"pointer": "/ok", "less_than": 7.5}})", output));
    CHECK(met(R"({"json": {"pointer": "/tags/0", "equals": "a"}})", output));
    CHECK(met(R"({"json": {"pointer": "/ok", "not_equals": false}})", output));
    CHECK_FALSE(met(R"({"json": {"pointer": "/none", "not_equals": false}})", output));
    CHECK(met(R"({"json": {"pointer": "/none", "exists": false}})", output));
    CHECK(met(R"({"json": {"pointer": "/ok", "exists": true}})", output));
    CHECK(met(R"({"json": {"pointer": "/ok", "equals": true}})", "```json\n" + output + "\n```\n"));
    CHECK_FALSE(met(R"({"json": {"pointer": "", "exists": true}})", "no JSON"));
    CHECK_FALSE(met(R"({"json": {"pointer": "", "exists": true}})", "```"));
    CHECK_FALSE(met(R"({"json": {"pointer": "", "exists": true}})", std::string(200, '[')));
}

TEST_CASE("condition: errors by kind", "[chain][unit]") {
    auto outcome = gave("llama runner process has terminated");
    CHECK_FALSE(is_met(parsed(R"({"error": "any"})"), outcome));
    outcome.error = StepError::ModelManagement;
    CHECK(is_met(parsed(R"({"error": "any"})"), outcome));
    CHECK(is_met(parsed(R"({"error": "model management failed"})"), outcome));
    CHECK_FALSE(is_met(parsed(R"({"error": "timeout"})"), outcome));
    for (auto const error :
         {StepError::Timeout, StepError::Upstream, StepError::Tool, StepError::Refused}) {
        outcome.error = error;
        CHECK(is_met(parsed(R"({"error": ")" + std::string(to_string(error)) + R"("})"), outcome));
    }
}

TEST_CASE("condition: elapsed", "[chain][unit]") {
    CHECK(met(R"({"elapsed": 9.5})", ""));
    CHECK_FALSE(met(R"({"elapsed": 10})", ""));
}

TEST_CASE("condition: several, any, all and not", "[chain][unit]") {
    CHECK(met(R"({"contains": "a", "shorter_than": 3})", "ab"));
    CHECK_FALSE(met(R"({"contains": "a", "shorter_than": 2})", "ab"));
    CHECK(met(R"({"any": [{"contains": "x"}, {"contains": "b"}]})", "ab"));
    CHECK_FALSE(met(R"({"any": [{"contains": "x"}, {"contains": "y"}]})", "ab"));
    CHECK(met(R"({"all": [{"contains": "a"}, {"contains": "b"}]})", "ab"));
    CHECK_FALSE(met(R"({"all": [{"contains": "a"}, {"contains": "x"}]})", "ab"));
    CHECK(met(R"({"not": {"contains": "x"}})", "ab"));
    CHECK_FALSE(met(R"({"not": {"contains": "a", "longer_than": 1}})", "ab"));
}

TEST_CASE("condition: what is wrong is said with its place", "[chain][unit]") {
    CHECK_THAT(problem("{}"), ContainsSubstring("/when: tests nothing"));
    CHECK_THAT(problem("3"), ContainsSubstring("/when: wants an object, not a number"));
    CHECK_THAT(
        problem(R"({"contians": "a", "step": "b"})"),
        ContainsSubstring("/when/contians: is unknown; do you mean \"contains\"?")
    );
    CHECK_THAT(problem(R"({"contains": ""})"), ContainsSubstring("/when/contains: is empty"));
    CHECK_THAT(
        problem(R"({"regex": "(a"})"), ContainsSubstring("/when/regex: is no regular expression")
    );
    CHECK_THAT(problem(R"({"regex": "(a)\\1"})"), ContainsSubstring("no back-references"));
    CHECK_THAT(
        problem(R"({"regex": ")" + std::string(1001, 'a') + R"("})"),
        ContainsSubstring("has 1001 bytes, and at most 1000 are allowed")
    );
    CHECK_THAT(
        problem(R"({"regex": "((a{100}){100}){100}"})"),
        ContainsSubstring("is no regular expression of RE2")
    );
    CHECK_THAT(
        problem(R"({"error": "bad"})"),
        ContainsSubstring("\"bad\" is no kind of error; there are any, model management failed, ")
    );
    CHECK_THAT(problem(R"({"longer_than": -1})"), ContainsSubstring("/when/longer_than: is -1"));
    CHECK_THAT(problem(R"({"any": []})"), ContainsSubstring("/when/any: is empty"));
    CHECK_THAT(
        problem(R"({"all": [{"contains": "a"}, {"not": 1}]})"),
        ContainsSubstring("/when/all/1/not: wants an object")
    );
    CHECK_THAT(
        problem(R"({"json": {"pointer": "a", "exists": true}})"),
        ContainsSubstring("/when/json/pointer: is no JSON pointer")
    );
    CHECK_THAT(
        problem(R"({"json": {"pointer": ""}})"), ContainsSubstring("/when/json: wants one of")
    );
    CHECK_THAT(
        problem(R"({"json": {"pointer": "", "less_than": "3"}})"),
        ContainsSubstring("/when/json/less_than: wants a number")
    );
    CHECK_THAT(
        problem(R"({"json": {"pointer": "", "exists": 3}})"),
        ContainsSubstring("/when/json/exists: wants true or false")
    );
    std::string deep = R"({"contains": "a"})";
    for (int i = 0; i < 17; ++i) {
        deep = R"({"not": )" + deep + "}";
    }
    CHECK_THAT(problem(deep), ContainsSubstring("is nested deeper than 16 conditions"));
}
