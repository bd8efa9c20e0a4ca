#include <plimsoll/http/route.hpp>

#include <array>

namespace plimsoll::http {

namespace {

struct Entry {
    Method method;
    std::string_view path;
    Route route;
};

constexpr Route native(Operation operation, bool streams) {
    return {
        .route_class = RouteClass::Inference,
        .dialect = Dialect::Ollama,
        .operation = operation,
        .streams_by_default = streams,
        .carries_options = true,
        .takes_zstd = false
    };
}

constexpr Route foreign(Dialect dialect, Operation operation, bool takes_zstd) {
    return {
        .route_class = RouteClass::Inference,
        .dialect = dialect,
        .operation = operation,
        .streams_by_default = false,
        .carries_options = false,
        .takes_zstd = takes_zstd
    };
}

constexpr Route plain(RouteClass route_class, Operation operation, bool streams = false) {
    return {
        .route_class = route_class,
        .dialect = Dialect::Ollama,
        .operation = operation,
        .streams_by_default = streams,
        .carries_options = false,
        .takes_zstd = false
    };
}

constexpr auto kStore = RouteClass::Store;
constexpr auto kPassive = RouteClass::Passive;

constexpr std::array<Entry, 21> kTable{{
    {Method::Post, "/api/chat", native(Operation::Chat, true)},
    {Method::Post, "/api/generate", native(Operation::Generate, true)},
    {Method::Post, "/api/embed", native(Operation::Embed, false)},
    {Method::Post, "/api/embeddings", native(Operation::Embeddings, false)},
    {Method::Post, "/v1/chat/completions", foreign(Dialect::OpenAi, Operation::OpenAiChat, true)},
    {Method::Post, "/v1/completions", foreign(Dialect::OpenAi, Operation::OpenAiCompletions, true)},
    {Method::Post, "/v1/embeddings", foreign(Dialect::OpenAi, Operation::OpenAiEmbeddings, true)},
    {Method::Post, "/v1/responses", foreign(Dialect::OpenAi, Operation::OpenAiResponses, true)},
    {Method::Post,
     "/v1/audio/transcriptions",
     foreign(Dialect::OpenAi, Operation::OpenAiAudio, false)},
    {Method::Post, "/v1/messages", foreign(Dialect::Anthropic, Operation::AnthropicMessages, true)},
    {Method::Get, "/api/ps", plain(kPassive, Operation::Ps)},
    {Method::Post, "/api/show", plain(kPassive, Operation::Show)},
    {Method::Post, "/api/pull", plain(kStore, Operation::Pull, true)},
    {Method::Post, "/api/push", plain(kStore, Operation::Push, true)},
    {Method::Post, "/api/create", plain(kStore, Operation::Create, true)},
    {Method::Post, "/api/copy", plain(kStore, Operation::Copy)},
    {Method::Delete, "/api/delete", plain(kStore, Operation::Delete)},
    // Talk to ollama.com and load nothing, although their bodies may say "model".
    {Method::Post, "/api/me", plain(kPassive, Operation::Other)},
    {Method::Post, "/api/signout", plain(kPassive, Operation::Other)},
    {Method::Post, "/api/experimental/web_search", plain(kPassive, Operation::Other)},
    {Method::Post, "/api/experimental/web_fetch", plain(kPassive, Operation::Other)},
}};

constexpr bool is_own(std::string_view path) {
    return path == "/healthz" || path == "/readyz" || path == "/metrics" || path == "/plimsoll" ||
           path.starts_with("/plimsoll/");
}

constexpr Dialect dialect_of(std::string_view path) {
    if (path == "/v1/messages" || path.starts_with("/v1/messages/")) {
        return Dialect::Anthropic;
    }
    return path == "/v1" || path.starts_with("/v1/") ? Dialect::OpenAi : Dialect::Ollama;
}

}  // namespace

Route find_route(Method method, std::string_view path) {
    if (is_own(path)) {
        return {RouteClass::Own, Dialect::Plimsoll};
    }
    for (auto const& entry : kTable) {
        if (entry.method == method && entry.path == path) {
            return entry.route;
        }
    }
    bool const is_blob = path.starts_with("/api/blobs/") && path.size() > 11;
    if (is_blob && (method == Method::Post || method == Method::Head)) {
        return plain(kStore, Operation::Blob);
    }
    // New routes appear with every release, and a fixed list leaks: an unknown POST may load a
    // model.
    if (method == Method::Post) {
        return {RouteClass::Inference, dialect_of(path), Operation::UnknownPost};
    }
    return {RouteClass::Passive, dialect_of(path), Operation::Other};
}

}  // namespace plimsoll::http
