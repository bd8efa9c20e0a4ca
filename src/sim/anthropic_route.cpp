// /v1/messages: content blocks with a start, deltas and a stop each; message_stop is the end.
#include "sim/openai_common.hpp"
#include "sim/routes.hpp"

#include <plimsoll/http/reply.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>

namespace plimsoll::sim {

namespace {

using Kind = Json::Kind;

constexpr std::array<MemberType, 4> kMembers{{
    {"model", Kind::String, "string"},
    {"messages", Kind::Array, "[]anthropic.MessageParam"},
    {"stream", Kind::Bool, "bool"},
    {"max_tokens", Kind::Number, "int"},
}};
constexpr BodyShape kShape{"anthropic.MessagesRequest", "MessagesRequest", kMembers, false};

std::string error_body(World& world, unsigned status, std::string_view text) {
    auto const id = fmt::format("req_{:024x}", world.next_number());
    return http::error_reply(http::Dialect::Anthropic, status, text, id).body;
}

std::string_view stop_reason(Stats const& stats, bool has_called) {
    if (has_called) {
        return "tool_use";
    }
    return stats.done_reason == "length" ? "max_tokens" : "end_turn";
}

class Messages final : public Dialect {
  public:
    Messages(World& world, std::string model)
        : world_(&world),
          model_(std::move(model)),
          id_(fmt::format("msg_{:024x}", world.next_number())) {}

    [[nodiscard]] std::string_view stream_type() const override { return "text/event-stream"; }

    [[nodiscard]] std::string_view whole_type() const override { return "application/json"; }

    [[nodiscard]] bool has_event_stream_fields() const override { return true; }

    std::string begin(Stats const& stats) override {
        auto message = head();
        message["content"] = boost::json::array();
        message["usage"] = usage(stats);
        return event("message_start", {{"message", std::move(message)}});
    }

    std::string piece(Piece const& piece, std::size_t) override {
        if (piece.kind == Piece::Kind::ToolCall) {
            has_called_ = true;
            auto block = tool_use(piece);
            block["input"] = boost::json::object();
            auto out = open(std::move(block));
            return out + delta(
                             {{"type", "input_json_delta"},
                              {"partial_json", boost::json::serialize(piece.arguments)}}
                         );
        }
        bool const is_thought = piece.kind == Piece::Kind::Thought;
        std::string_view const type = is_thought ? "thinking" : "text";
        std::string out;
        if (type != open_type_) {
            out = open({{"type", type}, {type, ""}});
        }
        return out +
               delta({{"type", is_thought ? "thinking_delta" : "text_delta"}, {type, piece.text}});
    }

    std::string end(Stats const& stats) override {
        auto out = close();
        out += event(
            "message_delta",
            {{"delta",
              {{"stop_reason", stop_reason(stats, has_called_)}, {"stop_sequence", nullptr}}},
             {"usage", usage(stats)}}
        );
        return out + event("message_stop", {});
    }

    std::string whole(Answer const& answer, Stats const& stats) override {
        boost::json::array content;
        if (auto thought = answer.text(Piece::Kind::Thought); !thought.empty()) {
            content.push_back(
                boost::json::object{{"type", "thinking"}, {"thinking", std::move(thought)}}
            );
        }
        if (auto text = answer.text(Piece::Kind::Text); !text.empty()) {
            content.push_back(boost::json::object{{"type", "text"}, {"text", std::move(text)}});
        }
        for (auto const& piece : answer.pieces) {
            if (piece.kind == Piece::Kind::ToolCall) {
                content.push_back(tool_use(piece));
            }
        }
        auto out = head();
        out["content"] = std::move(content);
        out["stop_reason"] = stop_reason(stats, answer.calls_tools());
        out["usage"] = usage(stats);
        return boost::json::serialize(out) + "\n";
    }

    std::string preloaded(Stats const& stats, std::string_view) override {
        return whole({}, stats);
    }

    std::string error(unsigned status, std::string_view text) override {
        return error_body(*world_, status, text) + "\n";
    }

    // It just stops: no message_stop.
    std::string broken(std::string_view) override { return {}; }

  private:
    static boost::json::object usage(Stats const& stats) {
        return {{"input_tokens", stats.prompt_tokens}, {"output_tokens", stats.tokens}};
    }

    [[nodiscard]] boost::json::object head() const {
        return {{"id", id_}, {"type", "message"}, {"role", "assistant"}, {"model", model_}};
    }

    [[nodiscard]] boost::json::object tool_use(Piece const& piece) const {
        return {
            {"type", "tool_use"},
            {"id", "toolu_" + id_.substr(4)},
            {"name", piece.text},
            {"input", piece.arguments},
        };
    }

    static std::string event(std::string_view name, boost::json::object data) {
        boost::json::object out{{"type", name}};
        for (auto& [key, value] : data) {
            out[key] = std::move(value);
        }
        return fmt::format("event: {}\ndata: {}\n\n", name, boost::json::serialize(out));
    }

    std::string open(boost::json::object block) {
        auto out = close();
        open_type_ = std::string(block["type"].as_string());
        return out +
               event(
                   "content_block_start", {{"index", index_}, {"content_block", std::move(block)}}
               );
    }

    std::string delta(boost::json::object what) {
        return event("content_block_delta", {{"index", index_}, {"delta", std::move(what)}});
    }

    std::string close() {
        if (open_type_.empty()) {
            return {};
        }
        open_type_.clear();
        return event("content_block_stop", {{"index", index_++}});
    }

    World* world_;
    std::string model_, id_;
    std::string open_type_;
    std::uint64_t index_ = 0;
    bool has_called_ = false;
};

bool holds_tool_result(Json const& message) {
    auto const* content = message.find_folded("content");
    if (content == nullptr) {
        return false;
    }
    for (auto const& part : content->items) {
        if (text_member(part, "type") == "tool_result") {
            return true;
        }
    }
    return false;
}

OrRefused<Inference> read(World const& world, Json const& body) {
    if (text_member(body, "model").empty()) {
        return refuse(400, "model is required");
    }
    auto const* limit = body.find_folded("max_tokens");
    if (limit == nullptr || limit->number <= 0) {
        return refuse(400, "max_tokens is required and must be positive");
    }
    auto const* messages = body.find_folded("messages");
    if (messages == nullptr || messages->items.empty()) {
        return refuse(400, "messages is required");
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
    auto const options = plain_options(model, limit);
    if (!options) {
        return std::unexpected(options.error());
    }
    out.options = *options;
    out.stream = flag_member(body, "stream", false);
    out.question.prompt = content_text(body.find_folded("system"));
    for (auto const& message : messages->items) {
        out.question.prompt += text_member(message, "role") + ": " +
                               content_text(message.find_folded("content")) + "\n";
    }
    auto const* thinking = body.find_folded("thinking");
    out.question.tools = holds_tool_result(messages->items.back()) ? nullptr : tools;
    // Asked of a model that cannot think, this is dropped in silence.
    out.question.thinks = model.can("thinking") && thinking != nullptr &&
                          text_member(*thinking, "type") != "disabled";
    out.question.model = model.name;
    out.question.max_tokens = options->num_predict;
    out.question.seed = world.config.seed;
    return out;
}

}  // namespace

net::Task<void> serve_messages(Session& session, std::string_view body) {
    auto& world = session.world();
    auto const json = decode_body(body, kShape);
    if (!json) {
        auto const& why = json.error();
        co_await session.reply(
            why.status, "application/json; charset=utf-8", error_body(world, why.status, why.text)
        );
        co_return;
    }
    auto inference = read(world, *json);
    if (!inference) {
        auto const& why = inference.error();
        co_await session.reply(
            why.status, "application/json", error_body(world, why.status, why.text) + "\n"
        );
        co_return;
    }
    Messages dialect(world, inference->asked.text);
    co_await infer(session, std::move(*inference), dialect);
}

}  // namespace plimsoll::sim
