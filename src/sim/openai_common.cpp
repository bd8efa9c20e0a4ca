#include "sim/openai_common.hpp"

#include <plimsoll/http/reply.hpp>

namespace plimsoll::sim {

std::string openai_error_body(unsigned status, std::string_view text) {
    return http::error_reply(http::Dialect::OpenAi, status, text).body;
}

net::Task<void> openai_error(Session& session, Refused why) {
    if (why.status != 0) {
        co_await session.reply(
            why.status, "application/json", openai_error_body(why.status, why.text) + "\n"
        );
    }
}

net::Task<void> openai_decoding_error(Session& session, Refused why) {
    co_await session.reply(
        why.status, "application/json; charset=utf-8", openai_error_body(why.status, why.text)
    );
}

std::string content_text(Json const* content) {
    if (content == nullptr) {
        return {};
    }
    if (content->is(Json::Kind::String)) {
        return content->text;
    }
    std::string out;
    for (auto const& part : content->items) {
        if (auto const* text = part.find("text"); text != nullptr) {
            out += text->text;
        }
    }
    return out;
}

OrRefused<RunnerOptions> plain_options(Model const& model, Json const* max_tokens) {
    Json nothing;
    nothing.kind = Json::Kind::Object;
    auto options = read_options(nothing, model);
    if (!options) {
        return refuse(500, options.error().message);
    }
    if (max_tokens != nullptr) {
        options->num_predict = max_tokens->integer();
    }
    return *options;
}

}  // namespace plimsoll::sim
