#include "proxy/model_error.hpp"

#include <plimsoll/http/reply.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {

using http::Operation;

ClientError missing_model(Operation operation) {
    switch (operation) {
        case Operation::Generate:
        case Operation::Embed:
        case Operation::OpenAiCompletions:
        case Operation::OpenAiEmbeddings:
            return {404, "model '' not found"};
        default:
            return {400, "model is required"};
    }
}

ClientError unknown_model(Operation operation, std::string_view as_asked) {
    switch (operation) {
        case Operation::Embed:
        case Operation::Embeddings:
        case Operation::OpenAiEmbeddings:
            // The upstream formats with %q here, which for names is the same as a JSON string.
            return {
                404,
                fmt::format("model {} not found, try pulling it first", http::json_quote(as_asked))
            };
        default:
            return {404, fmt::format("model '{}' not found", as_asked)};
    }
}

Checked<ModelName> check_model_name(Operation operation, std::string_view as_asked) {
    if (as_asked.empty()) {
        return std::unexpected(missing_model(operation));
    }
    auto name = ModelName::parse(as_asked);
    if (name) {
        return std::move(*name);
    }
    if (name.error().code == Errc::NotFound) {
        return std::unexpected(missing_model(operation));
    }
    return refuse(400, name.error().message);
}

}  // namespace plimsoll::proxy
