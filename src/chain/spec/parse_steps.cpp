#include "chain/spec/parse_steps.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <utility>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kDeepest = 4;
constexpr std::size_t kMostFallbacks = 8;
constexpr std::size_t kMostTools = 64;
constexpr std::int64_t kMostRounds = 1000;
constexpr std::int64_t kMostParallel = 64;
constexpr std::size_t kDeepestArguments = 32;

using Kind = Step::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 4> kKinds{{
    {"prompt", Kind::Prompt},
    {"tool", Kind::Tool},
    {"map", Kind::Map},
    {"loop", Kind::Loop},
}};

class StepParser {
  public:
    explicit StepParser(std::vector<Problem>& problems) : problems_(problems) {}

    std::vector<Step> list(
        boost::json::array const& list, std::string const& pointer, std::size_t depth
    );

  private:
    Step step(boost::json::value const& value, std::string const& pointer, std::size_t depth);
    void head(Reader& reader, Step& step);
    void prompt(Reader& reader, Step& step);
    void tools(Reader& reader, Step& step);
    void tool(Reader& reader, Step& step);
    void check_arguments(
        boost::json::value const& value, std::string const& pointer, std::size_t depth
    );
    void inner(Reader& reader, Step& step, std::size_t depth);

    std::vector<Problem>& problems_;
    std::size_t count_ = 0;
};

std::vector<Step> StepParser::list(
    boost::json::array const& list, std::string const& pointer, std::size_t depth
) {
    std::vector<Step> out;
    if (depth > kDeepest) {
        problems_.push_back(
            {pointer, fmt::format("lies deeper than {} maps and loops in each other", kDeepest)}
        );
        return out;
    }
    if (list.empty()) {
        problems_.push_back({pointer, "has no step"});
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (++count_ > kMostSteps) {
            problems_.push_back(
                {pointer, fmt::format("brings the steps to more than {}", kMostSteps)}
            );
            return out;
        }
        out.push_back(step(list[i], pointer_to(pointer, i), depth));
    }
    return out;
}

void StepParser::head(Reader& reader, Step& step) {
    if (auto const kind = reader.text("kind")) {
        bool is_known = false;
        for (auto const& [word, value] : kKinds) {
            if (*kind == word) {
                step.kind = value;
                is_known = true;
            }
        }
        if (!is_known) {
            reader.note(
                "kind",
                fmt::format(
                    "\"{}\" is no kind of step; there are prompt, tool, map and loop",
                    printable(*kind, 40)
                )
            );
        }
    }
    step.name = reader.text("name").value_or("");
    bool const is_number = step.name.find_first_not_of("0123456789") == std::string::npos;
    if (!step.name.empty() && (!is_name(step.name) || is_number)) {
        reader.note(
            "name",
            fmt::format(
                "\"{}\" is no name of a step: letters, digits, _ and -, at most 64, and not digits "
                "alone",
                printable(step.name, 80)
            )
        );
    }
}

void StepParser::tools(Reader& reader, Step& step) {
    auto const* const value = reader.find("tools");
    if (value == nullptr) {
        return;
    }
    Reader inner(*value, pointer_to(reader.pointer(), "tools"), problems_);
    step.tools.servers = parse_texts(inner, "servers", kMostTools, problems_);
    step.tools.tools = parse_texts(inner, "names", kMostTools, problems_);
    step.tools.max_rounds =
        static_cast<unsigned>(inner.whole("max_tool_rounds", 1, kMostRounds).value_or(8));
    inner.finish();
    if (value->is_object() && !inner.has("servers")) {
        inner.note("lacks servers: the ids of the MCP servers whose tools the model may call");
    }
}

void StepParser::prompt(Reader& reader, Step& step) {
    if (auto const* const model = reader.find("model")) {
        step.model = parse_model(*model, pointer_to(reader.pointer(), "model"), problems_);
    } else {
        reader.note("lacks model, the name of the model that is asked");
    }
    if (auto instruction = parse_template(reader, "instruction", problems_)) {
        step.instruction = std::move(*instruction);
    } else if (!reader.has("instruction")) {
        reader.note("lacks instruction, a text with {input} where the input shall stand");
    }
    step.system = parse_template(reader, "system", problems_);
    tools(reader, step);
    auto const* const fallbacks = reader.list("fallbacks");
    if (fallbacks == nullptr) {
        return;
    }
    if (fallbacks->size() > kMostFallbacks) {
        reader.note(
            "fallbacks",
            fmt::format("has {} models, and may have {}", fallbacks->size(), kMostFallbacks)
        );
        return;
    }
    std::string const pointer = pointer_to(reader.pointer(), "fallbacks");
    for (std::size_t i = 0; i < fallbacks->size(); ++i) {
        step.fallbacks.push_back(parse_model((*fallbacks)[i], pointer_to(pointer, i), problems_));
    }
}

void StepParser::check_arguments(
    boost::json::value const& value, std::string const& pointer, std::size_t depth
) {
    if (depth > kDeepestArguments) {
        problems_.push_back({pointer, "is nested too deeply"});
    } else if (auto const* const text = value.if_string()) {
        auto const parsed = Template::parse(std::string_view(text->data(), text->size()));
        if (!parsed) {
            problems_.push_back({pointer, parsed.error()});
        }
    } else if (auto const* const list = value.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            check_arguments((*list)[i], pointer_to(pointer, i), depth + 1);
        }
    } else if (auto const* const object = value.if_object()) {
        for (auto const& member : *object) {
            check_arguments(
                member.value(), pointer_to(pointer, std::string_view(member.key())), depth + 1
            );
        }
    }
}

void StepParser::tool(Reader& reader, Step& step) {
    step.server = reader.text("server").value_or("");
    step.tool = reader.text("tool").value_or("");
    if (step.server.empty()) {
        reader.note("lacks server, the id of an MCP server of the configuration");
    }
    if (step.tool.empty()) {
        reader.note("lacks tool, the name of the tool to call");
    }
    auto const* const arguments = reader.find("arguments");
    if (arguments == nullptr) {
        return;
    }
    if (!arguments->is_object()) {
        reader.note("arguments", fmt::format("wants an object, not {}", kind_word(*arguments)));
        return;
    }
    check_arguments(*arguments, pointer_to(reader.pointer(), "arguments"), 0);
    step.arguments = arguments->as_object();
}

void StepParser::inner(Reader& reader, Step& step, std::size_t depth) {
    if (auto const* const steps = reader.list("steps")) {
        step.steps = list(*steps, pointer_to(reader.pointer(), "steps"), depth + 1);
    } else if (!reader.has("steps")) {
        reader.note("lacks steps, the list of what is done each time");
    }
    if (step.kind == Kind::Map) {
        auto items = parse_template(reader, "items", problems_);
        if (!items && !reader.has("items")) {
            reader.note("lacks items, a text that becomes a JSON list, such as {input}");
        }
        step.items = std::move(items).value_or(Template());
        step.parallel =
            static_cast<unsigned>(reader.whole("parallel", 1, kMostParallel).value_or(1));
        return;
    }
    auto const rounds = reader.whole("max_rounds", 1, kMostRounds);
    if (!reader.has("max_rounds")) {
        reader.note("lacks max_rounds, the hard limit of a loop");
    }
    step.max_rounds = static_cast<unsigned>(rounds.value_or(1));
}

Step StepParser::step(
    boost::json::value const& value, std::string const& pointer, std::size_t depth
) {
    Step out;
    out.pointer = pointer;
    Reader reader(value, pointer, problems_);
    if (!value.is_object()) {
        return out;
    }
    head(reader, out);
    switch (out.kind) {
        case Kind::Prompt:
            prompt(reader, out);
            break;
        case Kind::Tool:
            tool(reader, out);
            break;
        default:
            inner(reader, out, depth);
            break;
    }
    reader.finish();
    return out;
}

}  // namespace

std::vector<Step> parse_steps(
    boost::json::array const& list, std::string const& pointer, std::vector<Problem>& problems
) {
    return StepParser(problems).list(list, pointer, 0);
}

}  // namespace plimsoll::chain
