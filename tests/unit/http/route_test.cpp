#include "support/catch.hpp"

#include <plimsoll/http/catalogue.hpp>
#include <plimsoll/http/route.hpp>

#include <vector>

using namespace plimsoll::http;

namespace {

struct Case {
    Method method;
    std::string_view path;
    RouteClass route_class;
    Dialect dialect;
    Operation operation;
};

using enum RouteClass;
using enum Operation;

}  // namespace

TEST_CASE("route: class, dialect and operation of every known route", "[http][route]") {
    std::vector<Case> const cases{
        {Method::Post, "/api/generate", Inference, Dialect::Ollama, Generate},
        {Method::Post, "/api/chat", Inference, Dialect::Ollama, Chat},
        {Method::Post, "/api/embed", Inference, Dialect::Ollama, Embed},
        {Method::Post, "/api/embeddings", Inference, Dialect::Ollama, Embeddings},
        {Method::Post, "/v1/chat/completions", Inference, Dialect::OpenAi, OpenAiChat},
        {Method::Post, "/v1/completions", Inference, Dialect::OpenAi, OpenAiCompletions},
        {Method::Post, "/v1/embeddings", Inference, Dialect::OpenAi, OpenAiEmbeddings},
        {Method::Post, "/v1/responses", Inference, Dialect::OpenAi, OpenAiResponses},
        {Method::Post, "/v1/audio/transcriptions", Inference, Dialect::OpenAi, OpenAiAudio},
        {Method::Post, "/v1/messages", Inference, Dialect::Anthropic, AnthropicMessages},
        {Method::Get, "/", Passive, Dialect::Ollama, Other},
        {Method::Head, "/", Passive, Dialect::Ollama, Other},
        {Method::Get, "/api/version", Passive, Dialect::Ollama, Other},
        {Method::Head, "/api/tags", Passive, Dialect::Ollama, Other},
        {Method::Get, "/api/ps", Passive, Dialect::Ollama, Ps},
        {Method::Head, "/api/ps", Passive, Dialect::Ollama, Other},
        {Method::Post, "/api/show", Passive, Dialect::Ollama, Show},
        {Method::Get, "/v1/models", Passive, Dialect::OpenAi, Other},
        {Method::Get, "/v1/models/a:b", Passive, Dialect::OpenAi, Other},
        {Method::Post, "/api/pull", Store, Dialect::Ollama, Pull},
        {Method::Post, "/api/push", Store, Dialect::Ollama, Push},
        {Method::Post, "/api/create", Store, Dialect::Ollama, Create},
        {Method::Post, "/api/copy", Store, Dialect::Ollama, Copy},
        {Method::Delete, "/api/delete", Store, Dialect::Ollama, Delete},
        {Method::Post, "/api/blobs/sha256:00", Store, Dialect::Ollama, Blob},
        {Method::Head, "/api/blobs/sha256:00", Store, Dialect::Ollama, Blob},
        {Method::Get, "/api/blobs/sha256:00", Passive, Dialect::Ollama, Other},
        {Method::Post, "/api/me", Passive, Dialect::Ollama, Other},
        {Method::Post, "/api/experimental/web_search", Passive, Dialect::Ollama, Other},
        {Method::Delete, "/api/user/keys/k", Passive, Dialect::Ollama, Other},
        {Method::Get, "/healthz", Own, Dialect::Plimsoll, Other},
        {Method::Head, "/readyz", Own, Dialect::Plimsoll, Other},
        {Method::Get, "/metrics", Own, Dialect::Plimsoll, Other},
        {Method::Post, "/plimsoll/v1/models/load", Own, Dialect::Plimsoll, Other},
        {Method::Get, "/plimsoll", Own, Dialect::Plimsoll, Other},
        {Method::Get, "/plimsoll/", Own, Dialect::Plimsoll, Other},
        {Method::Get, "/plimsollx", Passive, Dialect::Ollama, Other},
        // Unknown, or known with another method or case.
        {Method::Post, "/api/dream", Inference, Dialect::Ollama, UnknownPost},
        {Method::Post, "/API/generate", Inference, Dialect::Ollama, UnknownPost},
        {Method::Post, "/v1/images/generations", Inference, Dialect::OpenAi, UnknownPost},
        {Method::Post, "/v1/messages/count_tokens", Inference, Dialect::Anthropic, UnknownPost},
        {Method::Post, "/v2/rerank", Inference, Dialect::Ollama, UnknownPost},
        {Method::Get, "/api/generate", Passive, Dialect::Ollama, Other},
        {Method::Options, "/api/generate", Passive, Dialect::Ollama, Other},
        {Method::Options, "*", Passive, Dialect::Ollama, Other},
        {Method::Get, "/v1/messages", Passive, Dialect::Anthropic, Other},
    };
    for (auto const& one : cases) {
        INFO(to_string(one.method) << ' ' << one.path);
        auto const route = find_route(one.method, one.path);
        CHECK(route.route_class == one.route_class);
        CHECK(route.dialect == one.dialect);
        CHECK(route.operation == one.operation);
    }
}

TEST_CASE("route: defaults of streams, options and zstd follow the contract", "[http][route]") {
    auto const post = [](std::string_view path) { return find_route(Method::Post, path); };
    for (auto const path :
         {"/api/generate", "/api/chat", "/api/pull", "/api/push", "/api/create"}) {
        CHECK(post(path).streams_by_default);
    }
    for (auto const path :
         {"/api/embed", "/api/embeddings", "/v1/chat/completions", "/v1/messages", "/api/copy"}) {
        CHECK_FALSE(post(path).streams_by_default);
    }
    for (auto const path : {"/api/generate", "/api/chat", "/api/embed", "/api/embeddings"}) {
        CHECK(post(path).carries_options);
        CHECK_FALSE(post(path).takes_zstd);
    }
    for (auto const path :
         {"/v1/chat/completions",
          "/v1/completions",
          "/v1/embeddings",
          "/v1/responses",
          "/v1/messages"}) {
        CHECK(post(path).takes_zstd);
        CHECK_FALSE(post(path).carries_options);
    }
    CHECK_FALSE(post("/v1/audio/transcriptions").takes_zstd);
}

TEST_CASE("route: the catalogue is what clients read first, and nothing else", "[http][route]") {
    for (auto const* path : {"/", "/api/tags", "/api/version", "/v1/models", "/v1/models/a/b:c"}) {
        CAPTURE(path);
        CHECK(is_catalogue(Method::Get, path));
        CHECK(is_catalogue(Method::Head, path));
        CHECK_FALSE(is_catalogue(Method::Post, path));
        CHECK_FALSE(is_catalogue(Method::Delete, path));
        CHECK_FALSE(is_catalogue(Method::Options, path));
    }
    for (auto const* path : {"/v1/models/", "/v1", "/api/tags/x", "/api/status", "/api/blobs/x"}) {
        CAPTURE(path);
        CHECK_FALSE(is_catalogue(Method::Get, path));
    }
}

TEST_CASE("route: every known route is found under its own name", "[http][route]") {
    CHECK(known_routes().size() == 33);
    for (auto const& known : known_routes()) {
        CAPTURE(known.path);
        auto const route = find_route(known.method, known.path);
        CHECK(route.route_class != RouteClass::Own);
        CHECK(route.operation != UnknownPost);
    }
}
