// /v1/chat/completions and /v1/completions.
#include "sim/openai_common.hpp"
#include "sim/routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>

namespace plimsoll::sim {

namespace {

using Kind = Json::Kind;

constexpr std::array<MemberType, 4> kChatMembers{{
    {"model", Kind::String, "string"},
    {"messages", Kind::Array, "[]openai.Message"},
    {"stream", Kind::Bool, "bool"},
    {"tools", Kind::Array, "[]api.Tool"},
}};
constexpr std::array<MemberType, 3> kCompletionMembers{{
    {"model", Kind::String, "string"},
    {"prompt", Kind::String, "string"},
    {"stream", Kind::Bool, "bool"},
}};
constexpr BodyShape kChat{
    "openai.ChatCompletionRequest", "ChatCompletionRequest", kChatMembers, false
};
constexpr BodyShape kCompletion{
    "openai.CompletionRequest", "CompletionRequest", kCompletionMembers, false
};

boost::json::object usage_of(Stats const& stats) {
    return {
        {"prompt_tokens", stats.prompt_tokens},
        {"completion_tokens", stats.tokens},
        {"total_tokens", stats.prompt_tokens + stats.tokens},
    };
}

boost::json::object tool_call(Piece const& piece, std::size_t index) {
    return {
        {"id", fmt::format("call_{:08x}", hash_text(piece.text) & 0xFFFFFFFFU)},
        {"index", index},
        {"type", "function"},
        {"function", {{"name", piece.text}, {"arguments", boost::json::serialize(piece.arguments)}}
        },
    };
}

// The common frame of both routes.
class OpenAiDialect : public Dialect {
  public:
    OpenAiDialect(World& world, std::string model, std::string_view id_prefix, bool with_usage)
        : world_(&world),
          model_(std::move(model)),
          id_(fmt::format("{}{}", id_prefix, world.next_number() % 999)),
          with_usage_(with_usage) {}

    [[nodiscard]] std::string_view stream_type() const override { return "text/event-stream"; }

    [[nodiscard]] std::string_view whole_type() const override { return "application/json"; }

    std::string begin(Stats const&) override { return {}; }

    std::string error(unsigned status, std::string_view text) override {
        return openai_error_body(status, text) + "\n";
    }

  protected:
    [[nodiscard]] boost::json::object head(std::string_view object, std::string_view model) const {
        return {
            {"id", id_},
            {"object", object},
            {"created", world_->clock.unix_seconds(world_->now())},
            {"model", model},
            {"system_fingerprint", "fp_ollama"},
        };
    }

    static std::string event(boost::json::object const& data) {
        return "data: " + boost::json::serialize(data) + "\n\n";
    }

    World* world_;
    std::string model_;
    std::string id_;
    bool with_usage_;
};

class ChatCompletion final : public OpenAiDialect {
  public:
    ChatCompletion(World& world, std::string model, bool with_usage)
        : OpenAiDialect(world, std::move(model), "chatcmpl-", with_usage) {}

    std::string piece(Piece const& piece, std::size_t index) override {
        boost::json::object delta;
        if (index == 0) {
            delta["role"] = "assistant";
        }
        if (piece.kind == Piece::Kind::Thought) {
            delta["content"] = "";
            delta["reasoning"] = piece.text;
        } else if (piece.kind == Piece::Kind::ToolCall) {
            called_ = true;
            delta["content"] = "";
            delta["tool_calls"] = boost::json::array{tool_call(piece, 0)};
        } else {
            delta["content"] = piece.text;
        }
        return event(chunk(model_, std::move(delta), nullptr));
    }

    std::string end(Stats const& stats) override {
        auto out =
            event(chunk(model_, {}, boost::json::value(called_ ? "tool_calls" : stats.done_reason))
            );
        if (with_usage_) {
            auto last = head("chat.completion.chunk", model_);
            last["choices"] = boost::json::array();
            last["usage"] = usage_of(stats);
            out += event(last);
        }
        return out + "data: [DONE]\n\n";
    }

    std::string whole(Answer const& answer, Stats const& stats) override {
        boost::json::object message{
            {"role", "assistant"}, {"content", answer.text(Piece::Kind::Text)}
        };
        if (auto thought = answer.text(Piece::Kind::Thought); !thought.empty()) {
            message["reasoning"] = std::move(thought);
        }
        boost::json::array calls;
        for (auto const& piece : answer.pieces) {
            if (piece.kind == Piece::Kind::ToolCall) {
                calls.push_back(tool_call(piece, calls.size()));
            }
        }
        bool const has_called = !calls.empty();
        if (has_called) {
            message["tool_calls"] = std::move(calls);
        }
        auto out = head("chat.completion", model_);
        out["choices"] = boost::json::array{boost::json::object{
            {"index", 0},
            {"message", std::move(message)},
            {"finish_reason", has_called ? "tool_calls" : stats.done_reason},
        }};
        out["usage"] = usage_of(stats);
        return boost::json::serialize(out) + "\n";
    }

    std::string preloaded(Stats const& stats, std::string_view) override {
        return whole({}, stats);
    }

    // No error, no reason, no [DONE]: a chunk with an empty model is all that clients get to see.
    std::string broken(std::string_view) override {
        return event(chunk("", {{"role", "assistant"}, {"content", ""}}, nullptr));
    }

  private:
    boost::json::object chunk(
        std::string_view model, boost::json::object delta, boost::json::value reason
    ) {
        auto out = head("chat.completion.chunk", model);
        out["choices"] = boost::json::array{boost::json::object{
            {"index", 0},
            {"delta", std::move(delta)},
            {"finish_reason", std::move(reason)},
        }};
        return out;
    }

    bool called_ = false;
};

class Completion final : public OpenAiDialect {
  public:
    Completion(World& world, std::string model, bool with_usage)
        : OpenAiDialect(world, std::move(model), "cmpl-", with_usage) {}

    std::string piece(Piece const& piece, std::size_t) override {
        return event(chunk(model_, piece.text, nullptr));
    }

    std::string end(Stats const& stats) override {
        auto out = event(chunk(model_, "", boost::json::value(stats.done_reason)));
        if (with_usage_) {
            auto last = head("text_completion", model_);
            last["choices"] = boost::json::array();
            last["usage"] = usage_of(stats);
            out += event(last);
        }
        return out + "data: [DONE]\n\n";
    }

    std::string whole(Answer const& answer, Stats const& stats) override {
        return body(answer.text(Piece::Kind::Text), stats, stats.done_reason);
    }

    std::string preloaded(Stats const& stats, std::string_view reason) override {
        return body("", stats, reason);
    }

    std::string broken(std::string_view) override { return event(chunk("", "", nullptr)); }

  private:
    std::string body(std::string_view text, Stats const& stats, std::string_view reason) {
        auto out = chunk(model_, text, boost::json::value(reason));
        out["usage"] = usage_of(stats);
        return boost::json::serialize(out) + "\n";
    }

    boost::json::object chunk(
        std::string_view model, std::string_view text, boost::json::value reason
    ) {
        auto out = head("text_completion", model);
        out["choices"] = boost::json::array{
            boost::json::object{{"text", text}, {"index", 0}, {"finish_reason", std::move(reason)}}
        };
        if (with_usage_) {
            out["usage"] = usage_of({});
        }
        return out;
    }
};

bool wants_usage(Json const& body) {
    auto const* options = body.find_folded("stream_options");
    return options != nullptr && flag_member(*options, "include_usage", false);
}

// "json_object" or a schema in response_format becomes the native format.
Json const* format_of(Json const& body) {
    auto const* wanted = body.find_folded("response_format");
    auto const* type = wanted != nullptr ? wanted->find("type") : nullptr;
    if (type == nullptr || type->text == "text") {
        return nullptr;
    }
    auto const* schema = wanted->find("json_schema");
    auto const* inner = schema != nullptr ? schema->find("schema") : nullptr;
    return inner != nullptr ? inner : type;
}

OrRefused<Inference> read_chat(World const& world, Json const& body) {
    auto const* messages = body.find_folded("messages");
    if (messages == nullptr || messages->items.empty()) {
        return refuse(400, "[] is too short - 'messages'");
    }
    Inference out;
    auto asked = find_model(world, text_member(body, "model"), NameStyle::Chat);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    out.asked = std::move(*asked);
    auto const& model = *out.asked.model;
    if (!model.can("completion")) {
        return refuse(400, "\"" + out.asked.text + "\" does not support chat");
    }
    auto const* tools = body.find_folded("tools");
    if (tools != nullptr && !tools->items.empty() && !model.can("tools")) {
        return refuse(400, full_name(model) + " does not support tools");
    }
    auto const* limit = body.find_folded("max_completion_tokens");
    auto const options =
        plain_options(model, limit != nullptr ? limit : body.find_folded("max_tokens"));
    if (!options) {
        return std::unexpected(options.error());
    }
    out.options = *options;
    out.stream = flag_member(body, "stream", false);
    for (auto const& message : messages->items) {
        out.question.prompt += text_member(message, "role") + ": " +
                               content_text(message.find_folded("content")) + "\n";
    }
    out.question.tools = text_member(messages->items.back(), "role") == "tool" ? nullptr : tools;
    out.question.thinks = model.can("thinking") && text_member(body, "reasoning_effort") != "none";
    out.question.model = model.name;
    out.question.max_tokens = options->num_predict;
    out.question.format = format_of(body);
    out.question.seed = world.config.seed;
    return out;
}

OrRefused<Inference> read_completion(World const& world, Json const& body) {
    Inference out;
    auto asked = find_model(world, text_member(body, "model"), NameStyle::Generate);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    out.asked = std::move(*asked);
    auto const& model = *out.asked.model;
    if (!model.can("completion")) {
        return refuse(400, "\"" + out.asked.text + "\" does not support generate");
    }
    if (!text_member(body, "suffix").empty() && !model.can("insert")) {
        return refuse(400, full_name(model) + " does not support insert");
    }
    auto const options = plain_options(model, body.find_folded("max_tokens"));
    if (!options) {
        return std::unexpected(options.error());
    }
    out.options = *options;
    out.stream = flag_member(body, "stream", false);
    out.question.prompt = text_member(body, "prompt");
    out.question.model = model.name;
    out.question.max_tokens = options->num_predict;
    out.question.seed = world.config.seed;
    out.is_preload = out.question.prompt.empty();
    return out;
}

}  // namespace

net::Task<void> serve_openai_chat(Session& session, std::string_view body) {
    auto const json = decode_body(body, kChat);
    if (!json) {
        co_await openai_decoding_error(session, json.error());
        co_return;
    }
    auto inference = read_chat(session.world(), *json);
    if (!inference) {
        co_await openai_error(session, inference.error());
        co_return;
    }
    ChatCompletion dialect(session.world(), inference->asked.text, wants_usage(*json));
    co_await infer(session, std::move(*inference), dialect);
}

net::Task<void> serve_openai_completions(Session& session, std::string_view body) {
    auto const json = decode_body(body, kCompletion);
    if (!json) {
        co_await openai_decoding_error(session, json.error());
        co_return;
    }
    auto inference = read_completion(session.world(), *json);
    if (!inference) {
        co_await openai_error(session, inference.error());
        co_return;
    }
    Completion dialect(session.world(), inference->asked.text, wants_usage(*json));
    co_await infer(session, std::move(*inference), dialect);
}

}  // namespace plimsoll::sim
