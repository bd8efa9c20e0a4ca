#include "upstream/ollama_json.hpp"

#include "upstream/modelfile.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>

#include <limits>

namespace plimsoll::upstream {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view body, std::string_view what) {
    json::error_code ec;
    auto value = json::parse(json::string_view(body.data(), body.size()), ec);
    if (ec) {
        return fail(
            Errc::UpstreamProtocol,
            fmt::format(
                "the answer to {} is not JSON ({} bytes, {})", what, body.size(), ec.message()
            ),
            ErrorSource::Upstream
        );
    }
    if (!value.is_object()) {
        return fail(
            Errc::UpstreamProtocol,
            fmt::format("the answer to {} is not a JSON object", what),
            ErrorSource::Upstream
        );
    }
    return std::move(value.as_object());
}

std::string text_of(json::object const& object, std::string_view key) {
    auto const* value = object.if_contains(key);
    auto const* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string{} : std::string(text->data(), text->size());
}

std::uint64_t count_of(json::object const& object, std::string_view key) {
    auto const* value = object.if_contains(key);
    if (value == nullptr) {
        return 0;
    }
    if (auto const* number = value->if_int64()) {
        return *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
    }
    if (auto const* number = value->if_uint64()) {
        return *number;
    }
    if (auto const* number = value->if_double()) {
        return *number > 0 && *number < 1e18 ? static_cast<std::uint64_t>(*number) : 0;
    }
    return 0;
}

// The list under "models"; null and absent mean none.
json::array const* models_of(json::object const& object) {
    auto const* value = object.if_contains("models");
    return value == nullptr ? nullptr : value->if_array();
}

LoadedRow read_row(json::object const& row) {
    LoadedRow out;
    out.model = text_of(row, "model");
    if (out.model.empty()) {
        out.model = text_of(row, "name");
    }
    out.digest = text_of(row, "digest");
    out.size = Bytes(count_of(row, "size"));
    out.size_vram = Bytes(count_of(row, "size_vram"));
    auto const context = count_of(row, "context_length");
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
    out.num_ctx = static_cast<std::uint32_t>(context > kMax ? kMax : context);
    out.expires_at = text_of(row, "expires_at");
    out.raw = json::serialize(row);
    return out;
}

void read_capabilities(json::object const& show, ModelInfo& info) {
    auto const* value = show.if_contains("capabilities");
    auto const* list = value == nullptr ? nullptr : value->if_array();
    if (list == nullptr) {
        return;
    }
    for (auto const& item : *list) {
        if (auto const* text = item.if_string()) {
            info.capabilities.emplace_back(text->data(), text->size());
        }
    }
}

}  // namespace

Result<std::vector<LoadedRow>> read_ps(std::string_view body) {
    auto const object = parse_object(body, "GET /api/ps");
    if (!object) {
        return fail(object.error());
    }
    std::vector<LoadedRow> rows;
    if (auto const* list = models_of(*object)) {
        for (auto const& item : *list) {
            if (auto const* row = item.if_object()) {
                rows.push_back(read_row(*row));
            }
        }
    }
    return rows;
}

Result<std::vector<StoredModel>> read_tags(std::string_view body) {
    auto const object = parse_object(body, "GET /api/tags");
    if (!object) {
        return fail(object.error());
    }
    std::vector<StoredModel> models;
    if (auto const* list = models_of(*object)) {
        for (auto const& item : *list) {
            if (auto const* row = item.if_object()) {
                models.push_back({
                    .name = text_of(*row, "name"),
                    .digest = text_of(*row, "digest"),
                    .size = Bytes(count_of(*row, "size")),
                });
            }
        }
    }
    return models;
}

Result<std::string> read_version(std::string_view body) {
    auto const object = parse_object(body, "GET /api/version");
    if (!object) {
        return fail(object.error());
    }
    return text_of(*object, "version");
}

Result<ModelInfo> read_show(std::string_view body) {
    auto const object = parse_object(body, "POST /api/show");
    if (!object) {
        return fail(object.error());
    }
    ModelInfo info;
    info.weights = weights_of_modelfile(text_of(*object, "modelfile"));
    if (auto const* details = object->if_contains("details");
        details != nullptr && details->is_object()) {
        info.format = text_of(details->as_object(), "format");
    }
    read_capabilities(*object, info);
    info.is_remote =
        !text_of(*object, "remote_host").empty() && !text_of(*object, "remote_model").empty();
    info.geometry = memory::read_geometry(*object);
    auto const parameters = read_parameters(text_of(*object, "parameters"));
    info.options = parameters.options;
    info.num_ctx = parameters.num_ctx;
    info.num_batch = parameters.num_batch;
    return info;
}

std::string error_text(std::string_view body) {
    json::error_code ec;
    auto const value = json::parse(json::string_view(body.data(), body.size()), ec);
    if (!ec && value.is_object()) {
        auto const* error = value.as_object().if_contains("error");
        if (error != nullptr && error->is_string()) {
            return text_of(value.as_object(), "error");
        }
        if (error != nullptr && error->is_object()) {
            return text_of(error->as_object(), "message");
        }
    }
    return printable(body);
}

bool has_error_member(std::string_view body) {
    json::error_code ec;
    auto const value = json::parse(json::string_view(body.data(), body.size()), ec);
    return !ec && value.is_object() && value.as_object().contains("error");
}

}  // namespace plimsoll::upstream
