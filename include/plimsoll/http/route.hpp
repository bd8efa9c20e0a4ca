#pragma once
// What a request is: its class, its dialect and its operation, from method and canonical path.
// Pure.

#include <plimsoll/http/head.hpp>

#include <cstdint>
#include <string_view>

namespace plimsoll::http {

enum class RouteClass : std::uint8_t {
    Inference,  // may load a model
    Store,      // changes what models exist
    Passive,    // relayed untouched
    Own,        // ours: /healthz, /readyz, /metrics, /plimsoll/...
};

// Shape of errors, defaults and streams.
enum class Dialect : std::uint8_t { Ollama, OpenAi, Anthropic, Plimsoll };

enum class Operation : std::uint8_t {
    Generate,
    Chat,
    Embed,
    Embeddings,
    OpenAiChat,
    OpenAiCompletions,
    OpenAiEmbeddings,
    OpenAiResponses,
    OpenAiAudio,
    AnthropicMessages,
    UnknownPost,  // a path that we do not know: inference if its body names a model
    Ps,           // GET /api/ps: answered with our expiry times
    Show,
    Pull,
    Push,
    Create,
    Copy,
    Delete,
    Blob,
    Other,
};

struct Route {
    RouteClass route_class = RouteClass::Passive;
    Dialect dialect = Dialect::Ollama;
    Operation operation = Operation::Other;
    bool streams_by_default = false;
    bool carries_options = false;  // native: options.num_ctx and keep_alive are read
    bool takes_zstd = false;       // Content-Encoding: zstd is decoded by the upstream here
};

Route find_route(Method method, std::string_view path);

}  // namespace plimsoll::http
