#include "proxy/capability_check.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/http/reply.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {
namespace {

using http::Operation;
using Kind = http::RawValue::Kind;

bool is_given(std::optional<http::Member> const& member) {
    return member && member->value.kind != Kind::Null && !member->value.is_empty;
}

// "generate" or "chat": what an embedding-only model is said not to support; empty for embedding
// routes.
std::string_view verb_of(Operation operation) {
    switch (operation) {
        case Operation::Generate:
        case Operation::OpenAiCompletions:
            return "generate";
        case Operation::Chat:
        case Operation::OpenAiChat:
        case Operation::OpenAiResponses:
        case Operation::AnthropicMessages:
            return "chat";
        default:
            return "";
    }
}

bool asks_to_think(http::BodyMembers const& members, std::string_view body) {
    if (!is_given(members.think)) {
        return false;
    }
    auto const& where = members.think->value.where;
    auto const text = body.substr(where.begin, where.end - where.begin);
    return text == "true" || text == "\"high\"" || text == "\"medium\"" || text == "\"low\"";
}

// registry.ollama.ai/library/NAME:TAG, in the stored spelling.
std::string full_name(upstream::ModelInfo const& info) {
    auto const name = ModelName::parse(info.name);
    if (!name) {
        return info.name;
    }
    return fmt::format("{}/{}/{}:{}", name->host(), name->space(), name->model(), name->tag());
}

}  // namespace

std::optional<ClientError> check_capabilities(
    http::Route const& route,
    http::BodyMembers const& members,
    std::string_view body,
    upstream::ModelInfo const& info,
    std::string_view as_asked
) {
    if (info.capabilities.empty() || info.is_remote) {
        return std::nullopt;
    }
    auto const op = route.operation;
    auto const verb = verb_of(op);
    if (verb.empty()) {
        return std::nullopt;
    }
    if (info.can("embedding") && !info.can("completion")) {
        return ClientError{
            400, fmt::format("{} does not support {}", http::json_quote(as_asked), verb)
        };
    }
    // The Anthropic layer drops "think" silently, and the /v1 routes have no such member.
    bool const is_native = op == Operation::Generate || op == Operation::Chat;
    if (is_native && !info.can("thinking") && asks_to_think(members, body)) {
        return ClientError{
            400, fmt::format("{} does not support thinking", http::json_quote(as_asked))
        };
    }
    bool const takes_tools = op == Operation::Chat || op == Operation::OpenAiChat;
    if (takes_tools && !info.can("tools") && is_given(members.tools) &&
        members.tools->value.kind == Kind::Array) {
        return ClientError{400, fmt::format("{} does not support tools", full_name(info))};
    }
    bool const takes_suffix = op == Operation::Generate || op == Operation::OpenAiCompletions;
    if (takes_suffix && !info.can("insert") && is_given(members.suffix)) {
        return ClientError{400, fmt::format("{} does not support insert", full_name(info))};
    }
    return std::nullopt;
}

}  // namespace plimsoll::proxy
