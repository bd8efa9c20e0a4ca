#include "proxy/wish_answer.hpp"

#include <plimsoll/http/reply.hpp>

#include <spdlog/fmt/fmt.h>

#include <optional>

namespace plimsoll::proxy {
namespace {

using http::Operation;

bool is_absent(std::optional<http::Member> const& member) {
    return !member || member->value.kind == http::RawValue::Kind::Null || member->value.is_empty;
}

// The member whose absence makes a request a wish.
bool has_work(Operation operation, http::BodyMembers const& members) {
    switch (operation) {
        case Operation::Generate:
        case Operation::Embeddings:
            return !is_absent(members.prompt);
        case Operation::Chat:
            return !is_absent(members.messages);
        case Operation::Embed:
            return !is_absent(members.input);
        default:
            return true;  // /v1 has no such requests, but for an empty completion, which the
                          // upstream answers
    }
}

}  // namespace

Wish wish_of(Operation operation, http::BodyMembers const& members, bool keep_alive_is_zero) {
    if (has_work(operation, members)) {
        return Wish::None;
    }
    // The embedding routes with keep_alive 0 load first and unload after; generate and chat unload
    // at once.
    bool const can_unload = operation == Operation::Generate || operation == Operation::Chat;
    return keep_alive_is_zero && can_unload ? Wish::Unload : Wish::Load;
}

std::string wish_answer(
    Operation operation, Wish wish, std::string_view model, std::string_view created_at
) {
    auto const name = http::json_quote(model);
    auto const reason = wish == Wish::Unload ? "unload" : "load";
    switch (operation) {
        case Operation::Chat:
            return fmt::format(
                R"({{"model":{},"created_at":"{}","message":{{"role":"assistant","content":""}},"done":true,"done_reason":"{}"}})",
                name,
                created_at,
                reason
            );
        case Operation::Embed:
            return fmt::format(R"({{"model":{},"embeddings":[]}})", name);
        case Operation::Embeddings:
            return R"({"embedding":[]})";
        default:
            return fmt::format(
                R"({{"model":{},"created_at":"{}","response":"","done":true,"done_reason":"{}"}})",
                name,
                created_at,
                reason
            );
    }
}

}  // namespace plimsoll::proxy
