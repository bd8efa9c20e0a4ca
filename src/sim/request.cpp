#include "sim/request.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::sim {

OrRefused<Json> decode_body(std::string_view bytes, BodyShape const& shape) {
    auto json = read_json(bytes);
    if (!json) {
        bool const is_blank = json.error().message == "EOF";
        return refuse(
            400, is_blank && shape.blank_is_missing ? "missing request body" : json.error().message
        );
    }
    if (json->is(Json::Kind::Null)) {
        json->kind = Json::Kind::Object;
    }
    if (!json->is(Json::Kind::Object)) {
        return refuse(
            400,
            fmt::format(
                "json: cannot unmarshal {} into Go value of type {}", json->go_name(), shape.go_type
            )
        );
    }
    for (auto const& [name, kind, go_type] : shape.members) {
        for (auto const* member : json->all_folded(name)) {
            if (!member->is(kind) && !member->is(Json::Kind::Null)) {
                return refuse(
                    400,
                    fmt::format(
                        "json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                        member->go_name(),
                        shape.struct_name,
                        name,
                        go_type
                    )
                );
            }
        }
    }
    return std::move(*json);
}

std::string text_member(Json const& body, std::string_view name) {
    auto const* found = body.find_folded(name);
    return found != nullptr && found->is(Json::Kind::String) ? found->text : std::string();
}

bool flag_member(Json const& body, std::string_view name, bool otherwise) {
    auto const* found = body.find_folded(name);
    return found != nullptr && found->is(Json::Kind::Bool) ? found->boolean : otherwise;
}

OrRefused<Asked> find_model(World const& world, std::string asked, NameStyle style) {
    bool const wants_name =
        style == NameStyle::Chat || style == NameStyle::Embeddings || style == NameStyle::Show;
    if (trim(asked).empty()) {
        return wants_name ? refuse(400, "model is required") : refuse(404, "model '' not found");
    }
    auto const name = ModelName::parse(asked);
    if (!name) {
        return refuse(400, name.error().message);
    }
    auto model = world.store.find(name->key());
    // ":local" names what is stored here, and a stub only points elsewhere.
    if (model && model->remote && name->is_local()) {
        model.reset();
    }
    if (model) {
        return Asked{std::move(asked), std::move(model)};
    }
    switch (style) {
        case NameStyle::Embed:
        case NameStyle::Embeddings:
            return refuse(404, fmt::format("model \"{}\" not found, try pulling it first", asked));
        case NameStyle::Show:
            return refuse(404, fmt::format("model '{}' not found", name->short_name()));
        default:
            break;
    }
    return refuse(404, fmt::format("model '{}' not found", asked));
}

std::string full_name(Model const& model) {
    auto const name = ModelName::parse(model.name);
    return name ? name->host() + "/" + name->space() + "/" + name->model() + ":" + name->tag()
                : model.name;
}

}  // namespace plimsoll::sim
