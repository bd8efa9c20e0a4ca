// /v1/responses: a stream of named events with rising numbers, ended by response.completed.
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

constexpr std::array<MemberType, 2> kMembers{
    {{"model", Kind::String, "string"}, {"stream", Kind::Bool, "bool"}}
};
constexpr BodyShape kShape{"openai.ResponsesRequest", "ResponsesRequest", kMembers, false};

class Responses final : public Dialect {
  public:
    Responses(World& world, std::string model)
        : world_(&world), model_(std::move(model)), number_(world.next_number()) {}

    [[nodiscard]] std::string_view stream_type() const override { return "text/event-stream"; }

    [[nodiscard]] std::string_view whole_type() const override { return "application/json"; }

    [[nodiscard]] bool has_event_stream_fields() const override { return true; }

    std::string begin(Stats const&) override {
        auto const started = response("in_progress", boost::json::array());
        return event("response.created", {{"response", started}}) +
               event("response.in_progress", {{"response", started}});
    }

    std::string piece(Piece const& piece, std::size_t) override {
        if (piece.kind == Piece::Kind::Thought) {
            return event(
                "response.reasoning_summary_text.delta",
                {{"item_id", id("rs")},
                 {"output_index", 0},
                 {"summary_index", 0},
                 {"delta", piece.text}}
            );
        }
        if (piece.kind == Piece::Kind::ToolCall) {
            output_.push_back(call(piece));
            return event(
                       "response.output_item.added", {{"output_index", 0}, {"item", call(piece)}}
                   ) +
                   event("response.output_item.done", {{"output_index", 0}, {"item", call(piece)}});
        }
        std::string out;
        if (text_.empty()) {
            out = event(
                      "response.output_item.added",
                      {{"output_index", 0}, {"item", message("in_progress", boost::json::array())}}
                  ) +
                  event(
                      "response.content_part.added",
                      {{"item_id", id("msg")},
                       {"output_index", 0},
                       {"content_index", 0},
                       {"part", part("")}}
                  );
        }
        text_ += piece.text;
        return out + event(
                         "response.output_text.delta",
                         {{"item_id", id("msg")},
                          {"output_index", 0},
                          {"content_index", 0},
                          {"delta", piece.text},
                          {"logprobs", boost::json::array()}}
                     );
    }

    std::string end(Stats const& stats) override {
        std::string out;
        if (!text_.empty()) {
            auto const done = message("completed", boost::json::array{part(text_)});
            out = event(
                      "response.output_text.done",
                      {{"item_id", id("msg")},
                       {"output_index", 0},
                       {"content_index", 0},
                       {"text", text_},
                       {"logprobs", boost::json::array()}}
                  ) +
                  event(
                      "response.content_part.done",
                      {{"item_id", id("msg")},
                       {"output_index", 0},
                       {"content_index", 0},
                       {"part", part(text_)}}
                  ) +
                  event("response.output_item.done", {{"output_index", 0}, {"item", done}});
            output_.push_back(done);
        }
        auto last = response("completed", output_);
        last["usage"] = usage(stats);
        return out + event("response.completed", {{"response", last}});
    }

    std::string whole(Answer const& answer, Stats const& stats) override {
        boost::json::array output;
        for (auto const& piece : answer.pieces) {
            if (piece.kind == Piece::Kind::ToolCall) {
                output.push_back(call(piece));
            }
        }
        if (output.empty()) {
            output.push_back(
                message("completed", boost::json::array{part(answer.text(Piece::Kind::Text))})
            );
        }
        auto out = response("completed", std::move(output));
        out["usage"] = usage(stats);
        return boost::json::serialize(out) + "\n";
    }

    std::string preloaded(Stats const& stats, std::string_view) override {
        return whole({}, stats);
    }

    std::string error(unsigned status, std::string_view text) override {
        return openai_error_body(status, text) + "\n";
    }

    // It just stops: no response.failed.
    std::string broken(std::string_view) override { return {}; }

  private:
    [[nodiscard]] std::string id(std::string_view prefix) const {
        return fmt::format("{}_{}", prefix, number_);
    }

    static boost::json::object part(std::string_view text) {
        return {
            {"type", "output_text"},
            {"text", text},
            {"annotations", boost::json::array()},
            {"logprobs", boost::json::array()},
        };
    }

    [[nodiscard]] boost::json::object message(std::string_view status, boost::json::array content)
        const {
        return {
            {"id", id("msg")},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", std::move(content)},
        };
    }

    [[nodiscard]] boost::json::object call(Piece const& piece) const {
        return {
            {"id", id("fc")},
            {"type", "function_call"},
            {"status", "completed"},
            {"call_id", id("call")},
            {"name", piece.text},
            {"arguments", boost::json::serialize(piece.arguments)},
        };
    }

    static boost::json::object usage(Stats const& stats) {
        return {
            {"input_tokens", stats.prompt_tokens},
            {"input_tokens_details", {{"cached_tokens", 0}}},
            {"output_tokens", stats.tokens},
            {"output_tokens_details", {{"reasoning_tokens", 0}}},
            {"total_tokens", stats.prompt_tokens + stats.tokens},
        };
    }

    [[nodiscard]] boost::json::object response(std::string_view status, boost::json::array output)
        const {
        return {
            {"id", id("resp")},
            {"object", "response"},
            {"created_at", world_->clock.unix_seconds(world_->now())},
            {"status", status},
            {"model", model_},
            {"output", std::move(output)},
            {"error", nullptr},
            {"incomplete_details", nullptr},
            {"parallel_tool_calls", true},
            {"tool_choice", "auto"},
            {"tools", boost::json::array()},
            {"metadata", boost::json::object()},
        };
    }

    std::string event(std::string_view name, boost::json::object data) {
        boost::json::object out{{"type", name}, {"sequence_number", sequence_++}};
        for (auto& [key, value] : data) {
            out[key] = std::move(value);
        }
        return fmt::format("event: {}\ndata: {}\n\n", name, boost::json::serialize(out));
    }

    World* world_;
    std::string model_;
    std::uint64_t number_;
    std::uint64_t sequence_ = 0;
    std::string text_;
    boost::json::array output_;
};

OrRefused<Inference> read(World const& world, Json const& body) {
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
    auto const options = plain_options(model, body.find_folded("max_output_tokens"));
    if (!options) {
        return std::unexpected(options.error());
    }
    out.options = *options;
    out.stream = flag_member(body, "stream", false);
    auto const* input = body.find_folded("input");
    bool has_result = false;
    out.question.prompt = text_member(body, "instructions") + content_text(input);
    for (std::size_t i = 0; input != nullptr && i < input->items.size(); ++i) {
        out.question.prompt += content_text(input->items[i].find("content")) + "\n";
        has_result = text_member(input->items[i], "type") == "function_call_output";
    }
    out.question.tools = has_result ? nullptr : tools;
    out.question.thinks = model.can("thinking");
    out.question.model = model.name;
    out.question.max_tokens = options->num_predict;
    out.question.seed = world.config.seed;
    return out;
}

}  // namespace

net::Task<void> serve_openai_responses(Session& session, std::string_view body) {
    auto const json = decode_body(body, kShape);
    if (!json) {
        co_await openai_decoding_error(session, json.error());
        co_return;
    }
    auto inference = read(session.world(), *json);
    if (!inference) {
        co_await openai_error(session, inference.error());
        co_return;
    }
    Responses dialect(session.world(), inference->asked.text);
    co_await infer(session, std::move(*inference), dialect);
}

}  // namespace plimsoll::sim
