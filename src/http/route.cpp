#include <plimsoll/http/catalogue.hpp>
#include <plimsoll/http/route.hpp>

#include <algorithm>
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

// What every client may read first, by GET and HEAD; one model of the OpenAI list stands below it.
constexpr std::array<std::string_view, 5> kCatalogue{
    "/", "/api/tags", "/api/version", "/v1/models", "/v1/models/{model}"
};
constexpr std::string_view kOneModel = "/v1/models/";
constexpr std::string_view kBlobs = "/api/blobs/";

constexpr auto make_known() {
    std::array<KnownRoute, kTable.size() + 2 * kCatalogue.size() + 2> all{};
    auto* out = all.begin();
    for (auto const& entry : kTable) {
        *out++ = {entry.method, entry.path};
    }
    for (auto const path : kCatalogue) {
        *out++ = {Method::Get, path};
        *out++ = {Method::Head, path};
    }
    *out++ = {Method::Post, "/api/blobs/{digest}"};
    *out++ = {Method::Head, "/api/blobs/{digest}"};
    return all;
}

constexpr auto kKnown = make_known();

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
    bool const is_blob = path.starts_with(kBlobs) && path.size() > kBlobs.size();
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

bool is_catalogue(Method method, std::string_view path) {
    bool const is_reading = method == Method::Get || method == Method::Head;
    return is_reading && ((path.starts_with(kOneModel) && path.size() > kOneModel.size()) ||
                          std::ranges::find(kCatalogue, path) != kCatalogue.end());
}

std::span<KnownRoute const> known_routes() {
    return kKnown;
}

}  // namespace plimsoll::http
