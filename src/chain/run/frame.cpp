#include "chain/run/frame.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

// The nearest frame around that is one of these.
template <class Is>
Frame const* nearest_frame(Frame const& frame, Is const& is) {
    for (auto const* each = &frame; each != nullptr; each = each->outer) {
        if (is(*each)) {
            return each;
        }
    }
    return nullptr;
}

std::string_view value_of(
    Reference const& reference, Texts const& texts, Frame const& frame, std::string_view input
) {
    auto const find = [&](auto const& map) -> std::string const* {
        auto const found = map.find(reference.name);
        return found == map.end() ? nullptr : &found->second;
    };
    auto const is_map = [](Frame const& each) { return each.is_map; };
    auto const is_loop = [](Frame const& each) { return each.is_loop; };
    switch (reference.kind) {
        case Reference::Kind::Input:
            return input;
        case Reference::Kind::Original:
            return texts.original;
        case Reference::Kind::Step: {
            auto const* const holder = nearest_frame(frame, [&](Frame const& each) {
                return find(each.outputs) != nullptr;
            });
            return holder == nullptr ? std::string_view() : *find(holder->outputs);
        }
        case Reference::Kind::Variable: {
            auto const* const given = find(texts.given);
            auto const* const value = given != nullptr ? given : find(texts.defaults);
            return value == nullptr ? std::string_view() : *value;
        }
        case Reference::Kind::Item: {
            auto const* const map = nearest_frame(frame, is_map);
            return map == nullptr ? std::string_view() : map->item;
        }
        case Reference::Kind::Index: {
            auto const* const map = nearest_frame(frame, is_map);
            return map == nullptr ? std::string_view() : map->number;
        }
        default: {
            auto const* const loop = nearest_frame(frame, is_loop);
            return loop == nullptr ? std::string_view() : loop->number;
        }
    }
}

Result<json::value> render_value(
    json::value const& value, Texts const& texts, Frame const& frame, std::string_view input
) {
    if (auto const* const text = value.if_string()) {
        auto const parsed = Template::parse(std::string_view(text->data(), text->size()));
        if (!parsed) {
            return fail(Errc::Invalid, parsed.error());
        }
        auto rendered = render(*parsed, texts, frame, input);
        if (!rendered) {
            return fail(std::move(rendered).error());
        }
        return json::value(*rendered);
    }
    if (auto const* const list = value.if_array()) {
        json::array out;
        for (auto const& each : *list) {
            auto rendered = render_value(each, texts, frame, input);
            if (!rendered) {
                return rendered;
            }
            out.push_back(std::move(*rendered));
        }
        return out;
    }
    if (auto const* const object = value.if_object()) {
        json::object out;
        for (auto const& member : *object) {
            auto rendered = render_value(member.value(), texts, frame, input);
            if (!rendered) {
                return rendered;
            }
            out[member.key()] = std::move(*rendered);
        }
        return out;
    }
    return value;
}

}  // namespace

Result<std::string> render(
    Template const& text, Texts const& texts, Frame const& frame, std::string_view input
) {
    for (auto const& reference : text.references()) {
        bool const is_missing = reference.kind == Reference::Kind::Variable &&
                                !texts.given.contains(reference.name) &&
                                !texts.defaults.contains(reference.name);
        if (is_missing) {
            return fail(
                Errc::Invalid,
                fmt::format(
                    "{} has no value; give it with the run, as \"vars\": {{\"{}\": ...}}",
                    reference.written(),
                    reference.name
                )
            );
        }
    }
    return text.render(
        [&](Reference const& reference) { return value_of(reference, texts, frame, input); },
        texts.limit
    );
}

Result<Work> work_of(
    Step const& step,
    std::string place,
    Changes const& changes,
    Texts const& texts,
    Frame const& frame,
    std::string_view input
) {
    Work work{
        .step = step,
        .place = std::move(place),
        .worker = frame.worker,
        .models = {},
        .instruction = {},
        .system = {},
        .arguments = {},
    };
    if (step.kind == Step::Kind::Tool) {
        auto arguments = render_value(step.arguments, texts, frame, input);
        if (!arguments) {
            return fail(std::move(arguments).error());
        }
        work.arguments = std::move(arguments->as_object());
        return work;
    }
    if (changes.model != nullptr) {
        work.models.push_back(changes.model);
    } else {
        work.models.push_back(&step.model);
        for (auto const& fallback : step.fallbacks) {
            work.models.push_back(&fallback);
        }
    }
    auto instruction = render(
        changes.instruction != nullptr ? *changes.instruction : step.instruction,
        texts,
        frame,
        input
    );
    if (!instruction) {
        return fail(std::move(instruction).error());
    }
    work.instruction = std::move(*instruction);
    if (step.system) {
        auto system = render(*step.system, texts, frame, input);
        if (!system) {
            return fail(std::move(system).error());
        }
        work.system = std::move(*system);
    }
    return work;
}

}  // namespace plimsoll::chain
