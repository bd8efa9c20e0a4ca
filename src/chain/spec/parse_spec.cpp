// The document as a whole.
#include "chain/library.hpp"
#include "chain/spec/check_names.hpp"
#include "chain/spec/parse_breaker.hpp"
#include "chain/spec/parse_steps.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kMostBreakers = 100;
constexpr std::size_t kMostVars = 100;
constexpr std::size_t kLongestVar = 64 * 1024;
constexpr std::size_t kLongestDescription = 1000;
constexpr Duration kLongestRun = std::chrono::hours(24 * 7);
constexpr std::int64_t kLargestCtx = 1 << 24;

using Problems = std::vector<Problem>;

// {"models": [...], "instructions": [...]}
std::vector<Step> short_form(Reader& reader, Problems& problems) {
    std::vector<Step> out;
    auto const* const models = reader.list("models");
    auto const* const instructions = reader.list("instructions");
    if (!reader.has("models") || !reader.has("instructions")) {
        reader.note("wants steps, or models and instructions, a list each");
    }
    if (models == nullptr || instructions == nullptr) {
        return out;
    }
    if (models->size() != instructions->size() || models->empty()) {
        reader.note(fmt::format(
            "has {} models and {} instructions; it wants one instruction for each model",
            models->size(),
            instructions->size()
        ));
        return out;
    }
    if (models->size() > kMostSteps) {
        reader.note("models", fmt::format("makes more than {} steps", kMostSteps));
        return out;
    }
    for (std::size_t i = 0; i < models->size(); ++i) {
        Step step;
        step.pointer = pointer_to(reader.pointer() + "/instructions", i);
        step.model =
            parse_model((*models)[i], pointer_to(reader.pointer() + "/models", i), problems);
        auto const* const text = (*instructions)[i].if_string();
        auto parsed = Template::parse(
            text == nullptr ? std::string_view() : std::string_view(text->data(), text->size())
        );
        if (text == nullptr) {
            problems.push_back({step.pointer, "wants a text"});
        } else if (!parsed) {
            problems.push_back({step.pointer, std::move(parsed).error()});
        } else {
            step.instruction = std::move(*parsed);
        }
        out.push_back(std::move(step));
    }
    return out;
}

std::vector<Step> steps_of(Reader& reader, Problems& problems) {
    auto const* const steps = reader.find("steps");
    if (steps == nullptr) {
        return short_form(reader, problems);
    }
    for (std::string_view const key : {"models", "instructions"}) {
        if (reader.find(key) != nullptr) {
            reader.note(key, "stands beside steps; write one of the two forms");
        }
    }
    std::string const pointer = pointer_to(reader.pointer(), "steps");
    auto const* const list = steps->if_array();
    if (list == nullptr) {
        reader.note("steps", fmt::format("wants a list, not {}", kind_word(*steps)));
        return {};
    }
    return parse_steps(*list, pointer, problems);
}

std::optional<std::uint32_t> small(std::optional<std::int64_t> number) {
    return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

Management management_of(Reader& reader, Problems& problems) {
    Management out;
    auto const* const value = reader.find("management");
    if (value == nullptr) {
        return out;
    }
    Reader inner(*value, pointer_to(reader.pointer(), "management"), problems);
    out.enabled = inner.boolean("enabled").value_or(true);
    out.provider = inner.text("provider").value_or("");
    if (!out.provider.empty() && !iequals(out.provider, "ollama")) {
        inner.note(
            "provider",
            fmt::format(
                "\"{}\" is not in this version yet; there is ollama", printable(out.provider, 40)
            )
        );
    }
    out.auto_unload = inner.boolean("auto_unload");
    out.verbose = inner.boolean("verbose");
    out.max_loaded_models = small(inner.whole("max_loaded_models", 1, 1000));
    out.num_ctx = small(inner.whole("num_ctx", 1, kLargestCtx));
    inner.finish();
    return out;
}

std::map<std::string, std::string> vars_of(Reader& reader, Problems& problems) {
    std::map<std::string, std::string> out;
    auto const* const value = reader.find("vars");
    if (value == nullptr) {
        return out;
    }
    auto const* const object = value->if_object();
    if (object == nullptr) {
        reader.note("vars", fmt::format("wants an object, not {}", kind_word(*value)));
        return out;
    }
    if (object->size() > kMostVars) {
        reader.note(
            "vars", fmt::format("has {} variables, and may have {}", object->size(), kMostVars)
        );
        return out;
    }
    std::string const pointer = pointer_to(reader.pointer(), "vars");
    for (auto const& member : *object) {
        std::string const name(member.key());
        auto const* const text = member.value().if_string();
        std::string const place = pointer_to(pointer, name);
        if (!is_name(name)) {
            problems.push_back(
                {place, "is no name of a variable: letters, digits, _ and -, at most 64"}
            );
        } else if (text == nullptr) {
            problems.push_back(
                {place, fmt::format("wants a text, not {}", kind_word(member.value()))}
            );
        } else if (text->size() > kLongestVar) {
            problems.push_back(
                {place, fmt::format("has {} bytes, and may have {}", text->size(), kLongestVar)}
            );
        } else {
            out.emplace(name, std::string(text->data(), text->size()));
        }
    }
    return out;
}

std::vector<Breaker> breakers_of(Reader& reader, Problems& problems) {
    std::vector<Breaker> out;
    auto const* const list = reader.list("breakers");
    if (list == nullptr) {
        return out;
    }
    if (list->size() > kMostBreakers) {
        reader.note(
            "breakers", fmt::format("has {} rules, and may have {}", list->size(), kMostBreakers)
        );
        return out;
    }
    std::string const pointer = pointer_to(reader.pointer(), "breakers");
    for (std::size_t i = 0; i < list->size(); ++i) {
        out.push_back(parse_breaker((*list)[i], pointer_to(pointer, i), problems));
    }
    return out;
}

void set_names(Reader& reader, Spec& out) {
    out.name = reader.text("name").value_or("");
    if (!out.name.empty() && !is_name(out.name)) {
        reader.note("name", "is no name of a chain: letters, digits, _ and -, at most 64");
    } else if (is_endpoint_name(out.name)) {
        reader.note(
            "name",
            fmt::format(
                "\"{0}\" is taken by the endpoint /plimsoll/v1/chains/{0}; name it otherwise",
                out.name
            )
        );
    }
    out.description = reader.text("description").value_or("");
    if (out.description.size() > kLongestDescription) {
        reader.note(
            "description",
            fmt::format(
                "has {} bytes, and may have {}", out.description.size(), kLongestDescription
            )
        );
    }
}

}  // namespace

std::expected<Spec, std::vector<Problem>> parse_spec(boost::json::value const& document) {
    Problems problems;
    Spec out;
    Reader reader(document, "", problems);
    if (!document.is_object()) {
        return std::unexpected(std::move(problems));
    }
    set_names(reader, out);
    out.steps = steps_of(reader, problems);
    out.breakers = breakers_of(reader, problems);
    out.management = management_of(reader, problems);
    out.initial_cleanup = reader.boolean("initial_cleanup");
    out.final_cleanup = reader.boolean("final_cleanup");
    out.vars = vars_of(reader, problems);
    out.timeout = reader.seconds("timeout", std::chrono::seconds(1), kLongestRun);
    out.durable = reader.boolean("durable").value_or(true);
    reader.finish();
    if (problems.empty()) {
        check_names(out, problems);
    }
    return problems.empty() ? std::expected<Spec, Problems>(std::move(out))
                            : std::unexpected(std::move(problems));
}

}  // namespace plimsoll::chain
