#include "chain/spec/check_names.hpp"

#include "chain/spec/reader.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace plimsoll::chain {

namespace {

using Kind = Reference::Kind;

// What a text may refer to where it stands.
struct Scope {
    std::vector<std::string> before;  // names and numbers of the steps that have ended
    bool is_in_map = false, is_in_loop = false;
};

// In the short form the step is its instruction.
std::string instruction_pointer(Step const& step) {
    return step.pointer.starts_with("/instructions/") ? step.pointer
                                                      : pointer_to(step.pointer, "instruction");
}

class NameChecker {
  public:
    NameChecker(Spec const& spec, std::vector<Problem>& problems)
        : spec_(spec), problems_(problems) {}

    void run();

  private:
    void collect(std::vector<Step> const& steps);
    void steps(std::vector<Step> const& steps, Scope scope, bool is_outermost);
    void step(Step const& step, Scope const& scope);
    void text(Template const& text, std::string const& pointer, Scope const& scope);
    void arguments(boost::json::value const& value, std::string const& pointer, Scope const& scope);
    [[nodiscard]] std::string wrong(Reference const& reference, Scope const& scope) const;
    void breaker(Breaker const& breaker, std::size_t index);
    void condition(Condition const& condition, std::string const& pointer);

    Spec const& spec_;
    std::vector<Problem>& problems_;
    std::map<std::string, std::string> all_;  // name -> pointer
};

void NameChecker::collect(std::vector<Step> const& steps) {
    for (Step const& step : steps) {
        if (!step.name.empty()) {
            auto const [at, is_new] = all_.emplace(step.name, step.pointer);
            if (!is_new) {
                problems_.push_back(
                    {pointer_to(step.pointer, "name"),
                     fmt::format("\"{}\" is the name of {} already", step.name, at->second)}
                );
            }
        }
        collect(step.steps);
    }
}

std::string NameChecker::wrong(Reference const& reference, Scope const& scope) const {
    std::string const place = fmt::format("column {}: {} ", reference.column, reference.written());
    switch (reference.kind) {
        case Kind::Item:
        case Kind::Index:
            return scope.is_in_map ? "" : place + "stands outside of a map";
        case Kind::Round:
            return scope.is_in_loop ? "" : place + "stands outside of a loop";
        case Kind::Step:
            break;
        default:
            return "";  // variables may come with the run
    }
    if (std::ranges::find(scope.before, reference.name) != scope.before.end()) {
        return "";
    }
    if (all_.contains(reference.name)) {
        return place + "has not ended when this is read: a text may only use steps before it";
    }
    std::vector<std::string_view> const known(scope.before.begin(), scope.before.end());
    auto const meant = nearest(reference.name, known);
    return place + "is no step before this one" +
           (meant ? fmt::format("; do you mean {{step.{}}}?", *meant) : "");
}

void NameChecker::text(Template const& text, std::string const& pointer, Scope const& scope) {
    for (Reference const& reference : text.references()) {
        if (auto message = wrong(reference, scope); !message.empty()) {
            problems_.push_back({pointer, std::move(message)});
        }
    }
}

void NameChecker::arguments(
    boost::json::value const& value, std::string const& pointer, Scope const& scope
) {
    if (auto const* const string = value.if_string()) {
        auto const parsed = Template::parse(std::string_view(string->data(), string->size()));
        if (parsed) {
            text(*parsed, pointer, scope);
        }
    } else if (auto const* const list = value.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            arguments((*list)[i], pointer_to(pointer, i), scope);
        }
    } else if (auto const* const object = value.if_object()) {
        for (auto const& member : *object) {
            arguments(member.value(), pointer_to(pointer, std::string_view(member.key())), scope);
        }
    }
}

void NameChecker::step(Step const& step, Scope const& scope) {
    switch (step.kind) {
        case Step::Kind::Prompt:
            text(step.instruction, instruction_pointer(step), scope);
            if (step.system) {
                text(*step.system, pointer_to(step.pointer, "system"), scope);
            }
            return;
        case Step::Kind::Tool:
            arguments(step.arguments, pointer_to(step.pointer, "arguments"), scope);
            return;
        default:
            text(step.items, pointer_to(step.pointer, "items"), scope);
            break;
    }
    Scope inner = scope;
    inner.is_in_map = scope.is_in_map || step.kind == Step::Kind::Map;
    inner.is_in_loop = scope.is_in_loop || step.kind == Step::Kind::Loop;
    steps(step.steps, std::move(inner), false);
}

void NameChecker::steps(std::vector<Step> const& steps, Scope scope, bool is_outermost) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        step(steps[i], scope);
        if (!steps[i].name.empty()) {
            scope.before.push_back(steps[i].name);
        }
        if (is_outermost) {  // numbers count these
            scope.before.push_back(std::to_string(i + 1));
        }
    }
}

void NameChecker::condition(Condition const& condition, std::string const& pointer) {
    auto const number = parse_u64(condition.text);
    bool const is_there =
        all_.contains(condition.text) || (number && *number >= 1 && *number <= spec_.steps.size());
    if (condition.kind == Condition::Kind::Step && !is_there) {
        problems_.push_back(
            {pointer, fmt::format("tests the step \"{}\", which is not there", condition.text)}
        );
    }
    for (Condition const& part : condition.parts) {
        this->condition(part, pointer);
    }
}

void NameChecker::breaker(Breaker const& breaker, std::size_t index) {
    std::string const pointer = pointer_to("/breakers", index);
    condition(breaker.when, pointer_to(pointer, "when"));
    std::string const then = pointer_to(pointer, "then");
    auto const is_target = [&](Step const& step) { return step.name == breaker.then.step; };
    if (breaker.then.kind == BreakerAction::Kind::Jump &&
        std::ranges::none_of(spec_.steps, is_target)) {
        problems_.push_back(
            {pointer_to(then, "jump"),
             fmt::format("\"{}\" is the name of no step of the outermost list", breaker.then.step)}
        );
    }
    // A breaker may meet any step, so only what every text may use.
    Scope everywhere;
    for (std::size_t i = 0; i < spec_.steps.size(); ++i) {
        everywhere.before.push_back(std::to_string(i + 1));
    }
    for (auto const& [name, place] : all_) {
        everywhere.before.push_back(name);
    }
    if (breaker.then.output) {
        text(*breaker.then.output, pointer_to(pointer_to(then, "stop"), "output"), everywhere);
    }
    if (breaker.then.instruction) {
        text(
            *breaker.then.instruction,
            pointer_to(pointer_to(then, "retry"), "instruction"),
            everywhere
        );
    }
}

void NameChecker::run() {
    collect(spec_.steps);
    steps(spec_.steps, Scope(), true);
    for (std::size_t i = 0; i < spec_.breakers.size(); ++i) {
        breaker(spec_.breakers[i], i);
    }
}

}  // namespace

void check_names(Spec const& spec, std::vector<Problem>& problems) {
    NameChecker(spec, problems).run();
}

}  // namespace plimsoll::chain
