// Whether a condition is met.
#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/chain/breaker.hpp>

#include <re2/re2.h>

#include <algorithm>

namespace plimsoll::chain {

namespace {

using Kind = Condition::Kind;
using Compare = Condition::Compare;

constexpr std::size_t kLookedAt = 1 << 20;  // bytes of an output

bool contains(std::string_view text, std::string_view part, bool ignores_case) {
    return ignores_case ? to_lower(text).find(to_lower(part)) != std::string::npos
                        : text.find(part) != std::string_view::npos;
}

std::uint64_t characters_in(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation in UTF-8
    }));
}

bool is_json_met(Condition const& condition, std::string_view output) {
    auto const document = parse_given(output);
    if (!document) {
        return false;
    }
    boost::system::error_code absent;
    auto const* const found = document->find_pointer(condition.text, absent);
    if (condition.compare == Compare::Exists) {
        return (found != nullptr) == condition.value.as_bool();
    }
    if (found == nullptr) {
        return false;
    }
    switch (condition.compare) {
        case Compare::Equals:
            return *found == condition.value;
        case Compare::NotEquals:
            return *found != condition.value;
        case Compare::Less:
            return found->is_number() &&
                   found->to_number<double>() < condition.value.to_number<double>();
        default:
            return found->is_number() &&
                   found->to_number<double>() > condition.value.to_number<double>();
    }
}

bool is_step(std::string const& wanted, StepOutcome const& outcome) {
    return wanted == outcome.name || wanted == std::to_string(outcome.number);
}

}  // namespace

std::string_view to_string(StepError error) {
    switch (error) {
        case StepError::ModelManagement:
            return "model management failed";
        case StepError::Timeout:
            return "timeout";
        case StepError::Upstream:
            return "upstream failed";
        case StepError::Tool:
            return "tool failed";
        default:
            return "refused";
    }
}

bool is_met(Condition const& condition, StepOutcome const& outcome) {
    auto const is_part_met = [&](Condition const& part) { return is_met(part, outcome); };
    std::string_view const output = outcome.output.substr(0, kLookedAt);
    switch (condition.kind) {
        case Kind::All:
            return std::ranges::all_of(condition.parts, is_part_met);
        case Kind::Any:
            return std::ranges::any_of(condition.parts, is_part_met);
        case Kind::Not:
            return std::ranges::none_of(condition.parts, is_part_met);
        case Kind::Step:
            return is_step(condition.text, outcome);
        case Kind::Contains:
            return contains(output, condition.text, condition.ignores_case);
        case Kind::Equals: {
            std::string_view const given = trim(output);
            return condition.ignores_case ? iequals(given, condition.text)
                                          : given == condition.text;
        }
        case Kind::Regex:
            return re2::RE2::PartialMatch(output, *condition.regex);
        case Kind::LongerThan:
            return characters_in(outcome.output) > condition.length;
        case Kind::ShorterThan:
            return characters_in(outcome.output) < condition.length;
        case Kind::Json:
            return is_json_met(condition, output);
        case Kind::Error:
            return outcome.error && (!condition.error || *condition.error == *outcome.error);
        default:
            return outcome.elapsed > condition.elapsed;
    }
}

}  // namespace plimsoll::chain
