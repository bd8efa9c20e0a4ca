#include "support/catch.hpp"

#include <plimsoll/chain/spec.hpp>

#include <boost/json/parse.hpp>

using namespace plimsoll;
using namespace plimsoll::chain;
using namespace std::chrono_literals;

namespace {

Spec parsed(std::string_view text) {
    auto out = parse_spec(boost::json::parse(text));
    if (!out) {
        for (Problem const& problem : out.error()) {
            FAIL_CHECK(problem.pointer << ": " << problem.message);
        }
        return {};
    }
    return std::move(*out);
}

}  // namespace

TEST_CASE("spec: the short form is one prompt for each model", "[chain][unit]") {
    auto const spec = parsed(R"({
        "models": ["ollama/mistral-small:22b", "deepseek-r1:70b"],
        "instructions": ["Quick: {input}", "Deep: {input} after {step.1}"]
    })");
    REQUIRE(spec.steps.size() == 2);
    CHECK(spec.steps[0].kind == Step::Kind::Prompt);
    CHECK(spec.steps[0].model.provider == "ollama");
    CHECK(spec.steps[0].model.model == "mistral-small:22b");
    CHECK(spec.steps[1].model.provider.empty());
    CHECK(spec.steps[1].model.timeout == 30min);
    CHECK(spec.steps[1].model.max_retries == 3);
    CHECK(spec.steps[1].model.stream);
    CHECK(spec.steps[1].instruction.references().size() == 2);
    CHECK(spec.management.enabled);
    CHECK(spec.durable);
}

TEST_CASE("spec: everything that a prompt takes", "[chain][unit]") {
    auto const spec = parsed(R"({
        "name": "two-big",
        "description": "reads, then thinks",
        "vars": {"reader": "a child"},
        "timeout": 3600,
        "initial_cleanup": true,
        "final_cleanup": false,
        "durable": false,
        "management": {"enabled": true, "provider": "ollama", "auto_unload": false,
                       "max_loaded_models": 1, "num_ctx": 32768, "verbose": true},
        "steps": [{
            "kind": "prompt",
            "name": "read",
            "model": {"name": "ollama/a:1", "params": {
                "api_base": "http://127.0.0.1:11434", "timeout": 90, "max_retries": 0, "stream": false,
                "options": {"temperature": 0}, "num_ctx": 8192, "keep_alive": "5m", "think": true,
                "format": {"type": "object"}}},
            "instruction": "For {vars.reader}: {input} of {original}",
            "system": "You are {vars.reader}'s teacher.",
            "fallbacks": ["b:1", {"name": "c:1"}],
            "tools": {"servers": ["files"], "names": ["read_file"], "max_tool_rounds": 3}
        }]
    })");
    CHECK(spec.name == "two-big");
    CHECK(spec.vars.at("reader") == "a child");
    CHECK(spec.timeout == 1h);
    CHECK(spec.initial_cleanup == true);
    CHECK(spec.final_cleanup == false);
    CHECK_FALSE(spec.durable);
    CHECK(spec.management.auto_unload == false);
    CHECK(spec.management.verbose == true);
    CHECK(spec.management.max_loaded_models == 1U);
    CHECK(spec.management.num_ctx == 32768U);
    REQUIRE(spec.steps.size() == 1);
    Step const& step = spec.steps[0];
    CHECK(step.name == "read");
    CHECK(step.model.api_base == "http://127.0.0.1:11434");
    CHECK(step.model.timeout == 90s);
    CHECK(step.model.max_retries == 0);
    CHECK_FALSE(step.model.stream);
    CHECK(step.model.options.contains("temperature"));
    CHECK(step.model.num_ctx == 8192U);
    CHECK(step.model.keep_alive->as_string() == "5m");
    CHECK(step.model.think->as_bool());
    CHECK(step.model.format->is_object());
    CHECK(step.system->references().size() == 1);
    REQUIRE(step.fallbacks.size() == 2);
    CHECK(step.fallbacks[1].model == "c:1");
    CHECK(step.tools.servers == std::vector<std::string>{"files"});
    CHECK(step.tools.tools == std::vector<std::string>{"read_file"});
    CHECK(step.tools.max_rounds == 3);
}

TEST_CASE("spec: tools, maps and loops", "[chain][unit]") {
    auto const spec = parsed(R"({"steps": [
        {"kind": "tool", "name": "list", "server": "files", "tool": "list",
         "arguments": {"path": "{input}", "deep": [{"n": 1, "text": "{vars.x} {{}}"}]}},
        {"kind": "map", "name": "each", "items": "{step.list}", "parallel": 4, "steps": [
            {"model": "a", "instruction": "{index}: {item} {step.list}", "name": "one"},
            {"model": "b", "instruction": "{input} {step.one}"}]},
        {"kind": "loop", "max_rounds": 5, "steps": [
            {"model": "a", "instruction": "{round}: {input} {step.each}"}]}
    ]})");
    REQUIRE(spec.steps.size() == 3);
    CHECK(spec.steps[0].arguments.at("path").as_string() == "{input}");
    CHECK(spec.steps[1].parallel == 4);
    CHECK(spec.steps[1].steps[1].pointer == "/steps/1/steps/1");
    CHECK(spec.steps[2].max_rounds == 5);
}

TEST_CASE("spec: breakers stop, jump and retry", "[chain][unit]") {
    auto const spec = parsed(R"({
        "models": ["a"], "instructions": ["{input}"],
        "breakers": [
            {"when": {"error": "model management failed"}, "then": {"stop": {"output": "no: {step.1}"}}},
            {"when": {"contains": "done"}, "then": {"stop": true}},
            {"when": {"step": "1", "shorter_than": 5},
             "then": {"retry": {"model": "b", "instruction": "More: {input}"}, "at_most": 3}},
            {"when": {"elapsed": 5}, "then": {"retry": true}}
        ]})");
    REQUIRE(spec.breakers.size() == 4);
    CHECK(spec.breakers[0].then.kind == BreakerAction::Kind::Stop);
    CHECK(spec.breakers[0].then.output);
    CHECK_FALSE(spec.breakers[1].then.output);
    CHECK(spec.breakers[2].then.kind == BreakerAction::Kind::Retry);
    CHECK(spec.breakers[2].then.model->model == "b");
    CHECK(spec.breakers[2].then.instruction);
    CHECK(spec.breakers[2].then.at_most == 3);
    CHECK(spec.breakers[3].then.at_most == 1);
    auto const jumps = parsed(R"({
        "steps": [{"name": "one", "model": "a", "instruction": "{input}"}],
        "breakers": [{"when": {"contains": "again"}, "then": {"jump": "one", "at_most": 2}}]})");
    CHECK(jumps.breakers[0].then.kind == BreakerAction::Kind::Jump);
    CHECK(jumps.breakers[0].then.step == "one");
}
