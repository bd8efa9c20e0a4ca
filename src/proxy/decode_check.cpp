#include "proxy/decode_check.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <vector>

namespace plimsoll::proxy {
namespace {

using http::Operation;
using Kind = http::RawValue::Kind;

// Element type of "messages", for error texts; empty: the route has none.
std::string_view message_item(Operation operation) {
    switch (operation) {
        case Operation::Chat:
            return "api.Message";
        case Operation::OpenAiChat:
            return "openai.Message";
        case Operation::AnthropicMessages:
            return "anthropic.MessageParam";
        default:
            return "";
    }
}

// "ChatRequest" of "api.ChatRequest": fields are named without the package.
std::string_view struct_name(Operation operation) {
    auto const type = go_type_of(operation);
    return type.substr(type.find('.') + 1);
}

struct Expected {
    std::optional<http::Member> const* member;
    std::string_view field;
    Kind kind;
    std::string go_type;
};

bool is_native(http::Route const& route) {
    return route.dialect == http::Dialect::Ollama;
}

std::vector<Expected> expectations(http::Route const& route, http::BodyMembers const& members) {
    auto const op = route.operation;
    std::vector<Expected> list;
    list.reserve(8);
    list.push_back({&members.model, "model", Kind::String, "string"});
    if (op != Operation::Embed && op != Operation::Embeddings &&
        op != Operation::OpenAiEmbeddings) {
        list.push_back({&members.stream, "stream", Kind::Bool, "bool"});
    }
    if (is_native(route)) {
        list.push_back({&members.options, "options", Kind::Object, "map[string]interface {}"});
    }
    if (op == Operation::Generate || op == Operation::Chat) {
        list.push_back({&members.shift, "shift", Kind::Bool, "bool"});
    }
    if (op == Operation::Generate || op == Operation::Embeddings) {
        list.push_back({&members.prompt, "prompt", Kind::String, "string"});
    }
    if (op == Operation::Generate || op == Operation::OpenAiCompletions) {
        list.push_back({&members.suffix, "suffix", Kind::String, "string"});
    }
    if (op == Operation::Generate) {
        list.push_back({&members.images, "images", Kind::Array, "[]api.ImageData"});
    }
    if (auto const item = message_item(op); !item.empty()) {
        list.push_back({&members.messages, "messages", Kind::Array, fmt::format("[]{}", item)});
    }
    return list;
}

// Go reports the first wrong member in the order of the body.
std::optional<ClientError> first_wrong_type(
    http::Route const& route, http::BodyMembers const& members
) {
    // The fast path builds no list: nearly every body is right.
    auto const wrong = [](std::optional<http::Member> const& member, Kind kind) {
        return member && member->value.kind != Kind::Null && member->value.kind != kind;
    };
    if (!wrong(members.model, Kind::String) && !wrong(members.stream, Kind::Bool) &&
        !wrong(members.options, Kind::Object) && !wrong(members.shift, Kind::Bool) &&
        !wrong(members.prompt, Kind::String) && !wrong(members.suffix, Kind::String) &&
        !wrong(members.images, Kind::Array) && !wrong(members.messages, Kind::Array)) {
        return std::nullopt;
    }
    auto const list = expectations(route, members);
    Expected const* first = nullptr;
    for (auto const& expected : list) {
        if (!wrong(*expected.member, expected.kind)) {
            continue;
        }
        if (first == nullptr ||
            (*expected.member)->value.where.begin < (*first->member)->value.where.begin) {
            first = &expected;
        }
    }
    if (first == nullptr) {
        return std::nullopt;
    }
    return ClientError{
        400,
        fmt::format(
            "json: cannot unmarshal {} into Go struct field {}.{} of type {}",
            http::go_name((*first->member)->value.kind),
            struct_name(route.operation),
            first->field,
            first->go_type
        ),
        true
    };
}

bool is_absent(std::optional<http::Member> const& member) {
    return !member || member->value.kind == Kind::Null || member->value.is_empty;
}

// True only if no spelling of the member can be in the body: keys match by folding (U+017F and
// U+212A included) and through escapes, so any of those bytes makes us unsure.
bool certainly_lacks(std::string_view body, std::string_view lower_key) {
    for (std::string_view doubt : {"\\u", "\xc5\xbf", "\xe2\x84\xaa"}) {
        if (body.find(doubt) != std::string_view::npos) {
            return false;
        }
    }
    auto const found = std::search(
        body.begin(),
        body.end(),
        lower_key.begin(),
        lower_key.end(),
        [](char a, char b) {
            return static_cast<char>(a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
        }
    );
    return found == body.end();
}

bool has_model(http::BodyMembers const& members) {
    return !is_absent(members.model);
}

// Members that the upstream's /v1 layers demand before they look at the model's name.
std::optional<ClientError> missing_member(
    http::Route const& route, http::BodyMembers const& members, std::string_view body
) {
    if (route.operation == Operation::OpenAiChat && is_absent(members.messages)) {
        return ClientError{400, "[] is too short - 'messages'", true};
    }
    if (route.operation == Operation::AnthropicMessages && has_model(members)) {
        if (certainly_lacks(body, "max_tokens")) {
            return ClientError{400, "max_tokens is required and must be positive", true};
        }
        if (is_absent(members.messages)) {
            return ClientError{400, "messages is required", true};
        }
    }
    if (route.operation == Operation::Embed && members.input) {
        auto const kind = members.input->value.kind;
        if (kind == Kind::Number || kind == Kind::Bool || kind == Kind::Object) {
            return ClientError{400, "invalid input type"};
        }
    }
    return std::nullopt;
}

}  // namespace

// The request structs of the upstream; they appear in its error texts.
std::string_view go_type_of(Operation operation) {
    switch (operation) {
        case Operation::Generate:
            return "api.GenerateRequest";
        case Operation::Chat:
            return "api.ChatRequest";
        case Operation::Embed:
            return "api.EmbedRequest";
        case Operation::Embeddings:
            return "api.EmbeddingRequest";
        case Operation::OpenAiChat:
            return "openai.ChatCompletionRequest";
        case Operation::OpenAiCompletions:
            return "openai.CompletionRequest";
        case Operation::OpenAiEmbeddings:
            return "openai.EmbedRequest";
        case Operation::OpenAiResponses:
            return "openai.ResponsesRequest";
        case Operation::AnthropicMessages:
            return "anthropic.MessagesRequest";
        default:
            return "api.Request";
    }
}

ClientError decode_error(http::Route const& route, Error const& error) {
    if (error.message == "EOF" && is_native(route)) {
        return {400, "missing request body", true};
    }
    return {400, error.message, true};
}

std::optional<ClientError> check_member_types(
    http::Route const& route, http::BodyMembers const& members, std::string_view body
) {
    auto wrong = first_wrong_type(route, members);
    if (wrong) {
        return wrong;
    }
    return missing_member(route, members, body);
}

}  // namespace plimsoll::proxy
