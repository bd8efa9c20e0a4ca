#include "chain/spec/parse_model.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>

namespace plimsoll::chain {

namespace {

constexpr Duration kShortestTimeout = std::chrono::seconds(1);
constexpr Duration kLongestTimeout = std::chrono::hours(24);
constexpr std::int64_t kMostRetries = 20;
constexpr std::int64_t kLargestCtx = 1 << 24;
constexpr std::array<std::string_view, 4> kProviders{"ollama", "llamacpp", "vllm", "localai"};

void set_name(
    ModelUse& out,
    std::string const& text,
    std::string const& pointer,
    std::vector<Problem>& problems
) {
    std::string_view name = trim(text);
    for (std::string_view const provider : kProviders) {
        if (istarts_with(name, std::string(provider) + "/")) {
            out.provider = provider;
            name.remove_prefix(provider.size() + 1);
            break;
        }
    }
    out.model = name;
    if (out.provider.size() > 0 && out.provider != "ollama") {
        problems.push_back(
            {pointer,
             fmt::format(
                 "names the provider {}, which is not in this version yet; there is ollama",
                 out.provider
             )}
        );
    } else if (istarts_with(name, "chain/")) {
        problems.push_back(
            {pointer, "names a chain, which cannot be the model of a step; write its steps here"}
        );
    } else if (!ModelName::parse(name)) {
        problems.push_back(
            {pointer,
             fmt::format(
                 "\"{}\" is no name of a model, such as \"ollama/mistral-small:22b\"",
                 printable(name, 80)
             )}
        );
    }
}

std::optional<boost::json::value> copy_of(boost::json::value const* value) {
    return value == nullptr ? std::nullopt : std::optional(*value);
}

void set_params(ModelUse& out, Reader& params) {
    out.api_base = params.text("api_base").value_or("");
    out.timeout =
        params.seconds("timeout", kShortestTimeout, kLongestTimeout).value_or(out.timeout);
    out.max_retries =
        static_cast<unsigned>(params.whole("max_retries", 0, kMostRetries).value_or(out.max_retries)
        );
    out.stream = params.boolean("stream").value_or(out.stream);
    if (auto const* const options = params.find("options")) {
        if (auto const* const object = options->if_object()) {
            out.options = *object;
        } else {
            params.note("options", fmt::format("wants an object, not {}", kind_word(*options)));
        }
    }
    if (auto const num_ctx = params.whole("num_ctx", 1, kLargestCtx)) {
        out.num_ctx = static_cast<std::uint32_t>(*num_ctx);
    }
    out.keep_alive = copy_of(params.find("keep_alive"));
    out.think = copy_of(params.find("think"));
    out.format = copy_of(params.find("format"));
    params.finish();
}

}  // namespace

ModelUse parse_model(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
) {
    ModelUse out;
    if (auto const* const text = value.if_string()) {
        set_name(out, std::string(text->data(), text->size()), pointer, problems);
        return out;
    }
    if (!value.is_object()) {
        problems.push_back(
            {pointer,
             fmt::format(
                 "wants a model's name, or an object with name and params, not {}", kind_word(value)
             )}
        );
        return out;
    }
    Reader reader(value, pointer, problems);
    if (auto const name = reader.text("name")) {
        set_name(out, *name, pointer_to(pointer, "name"), problems);
    } else if (!reader.has("name")) {
        reader.note("lacks the name of the model");
    }
    if (auto const* const params = reader.find("params")) {
        Reader inner(*params, pointer_to(pointer, "params"), problems);
        set_params(out, inner);
    }
    reader.finish();
    return out;
}

std::optional<Template> parse_template(
    Reader& reader, std::string_view key, std::vector<Problem>& problems
) {
    auto const text = reader.text(key);
    if (!text) {
        return std::nullopt;
    }
    auto parsed = Template::parse(*text);
    if (!parsed) {
        problems.push_back({pointer_to(reader.pointer(), key), std::move(parsed).error()});
        return Template();
    }
    return std::move(*parsed);
}

std::vector<std::string> parse_texts(
    Reader& reader, std::string_view key, std::size_t most, std::vector<Problem>& problems
) {
    std::vector<std::string> out;
    auto const* const list = reader.list(key);
    if (list == nullptr) {
        return out;
    }
    if (list->size() > most) {
        reader.note(key, fmt::format("has {} elements, and may have {}", list->size(), most));
        return out;
    }
    std::string const pointer = pointer_to(reader.pointer(), key);
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto const* const text = (*list)[i].if_string();
        if (text == nullptr || text->empty()) {
            problems.push_back({pointer_to(pointer, i), "wants a text"});
        } else {
            out.emplace_back(text->data(), text->size());
        }
    }
    return out;
}

}  // namespace plimsoll::chain
