#pragma once
// Breakers: rules that look at what a step gave and end the run, go elsewhere, or try again. Data,
// not code; pure, and bounded in time (regular expressions are RE2's, linear in the text).

#include <plimsoll/base/time.hpp>
#include <plimsoll/chain/problem.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace plimsoll::chain {

// Why a step failed, in the words that "error" takes.
enum class StepError : std::uint8_t {
    ModelManagement,  // "model management failed": it could not be loaded, does not fit, is missing
    Timeout,          // "timeout": the step's own time was over
    Upstream,         // "upstream failed": down, or it broke off
    Tool,             // "tool failed"
    Refused,          // "refused": the request itself was wrong
};

std::string_view to_string(StepError error);

// What a step came to.
struct StepOutcome {
    std::string_view name;    // may be empty
    std::size_t number = 0;   // from 1
    std::string_view output;  // of a failed step: the error's text
    std::optional<StepError> error;
    Duration elapsed{};  // since the run began
};

// A tree of tests.
struct Condition {
    enum class Kind : std::uint8_t {
        All,  // of `parts`; none: true
        Any,
        Not,  // of the only part
        Step,
        Contains,
        Equals,
        Regex,
        LongerThan,  // characters
        ShorterThan,
        Json,
        Error,
        Elapsed,
    };
    enum class Compare : std::uint8_t { Exists, Equals, NotEquals, Less, Greater };

    Kind kind = Kind::All;
    std::vector<Condition> parts;
    std::string text;  // Step, Contains, Equals; Json: the pointer
    bool ignores_case = false;
    std::shared_ptr<re2::RE2 const> regex;
    std::uint64_t length = 0;
    Compare compare = Compare::Exists;
    boost::json::value value;        // Json
    std::optional<StepError> error;  // nullopt: any
    Duration elapsed{};
};

// An object with one or several of: step (a text or a number), contains, equals, regex (each a
// text, with ignore_case), longer_than, shorter_than, json {pointer, and one of exists, equals,
// not_equals, less_than, greater_than}, error, elapsed (seconds), any, all (lists), not. Several
// together: all of them. Problems go to `problems`; the condition is then not to be used.
Condition parse_condition(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
);

// Texts are looked at up to their first MiB; a text that is no JSON (fences of Markdown around it
// are taken off) meets no `json` test.
[[nodiscard]] bool is_met(Condition const& condition, StepOutcome const& outcome);

}  // namespace plimsoll::chain
