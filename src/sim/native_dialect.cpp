#include "sim/native_dialect.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::sim {

namespace {

boost::json::object tool_call(Piece const& piece, std::size_t index) {
    boost::json::object function{
        {"index", index}, {"name", piece.text}, {"arguments", piece.arguments}
    };
    return {
        {"id", fmt::format("call_{:08x}", hash_text(piece.text) & 0xFFFFFFFFU)},
        {"function", std::move(function)}
    };
}

}  // namespace

boost::json::object NativeDialect::head() const {
    boost::json::object out{{"model", asked_.text}};
    if (auto const& remote = asked_.model->remote) {
        out["remote_model"] = remote->model;
        out["remote_host"] = remote->host;
    }
    out["created_at"] = world_->timestamp();
    return out;
}

std::string NativeDialect::piece(Piece const& piece, std::size_t) {
    auto out = head();
    put_piece(out, &piece);
    out["done"] = false;
    return boost::json::serialize(out) + "\n";
}

void NativeDialect::put_stats(boost::json::object& out, Stats const& stats) {
    out["done"] = true;
    out["done_reason"] = stats.done_reason;
    put_last(out, stats);
    out["total_duration"] = stats.total.count();
    // The time until a runner was granted is never quite nothing.
    out["load_duration"] = std::max<std::int64_t>(stats.load.count(), 1);
    out["prompt_eval_count"] = stats.prompt_tokens;
    out["prompt_eval_duration"] = stats.prompt.count();
    out["eval_count"] = stats.tokens;
    out["eval_duration"] = stats.eval.count();
}

std::string NativeDialect::end(Stats const& stats) {
    auto out = head();
    put_piece(out, nullptr);
    put_stats(out, stats);
    return boost::json::serialize(out) + "\n";
}

std::string NativeDialect::whole(Answer const& answer, Stats const& stats) {
    auto out = head();
    put_answer(out, answer);
    put_stats(out, stats);
    return boost::json::serialize(out);
}

std::string NativeDialect::preloaded(Stats const&, std::string_view reason) {
    auto out = head();
    put_piece(out, nullptr);
    out["done"] = true;
    out["done_reason"] = reason;
    return boost::json::serialize(out);
}

std::string NativeDialect::error(unsigned, std::string_view text) {
    return boost::json::serialize(boost::json::object{{"error", text}});
}

std::string NativeDialect::broken(std::string_view text) {
    return error(500, text) + "\n";
}

void GenerateDialect::put_piece(boost::json::object& out, Piece const* piece) {
    bool const is_thought = piece != nullptr && piece->kind == Piece::Kind::Thought;
    out["response"] = piece == nullptr || is_thought ? std::string() : piece->text;
    if (is_thought) {
        out["thinking"] = piece->text;
    }
}

void GenerateDialect::put_answer(boost::json::object& out, Answer const& answer) {
    out["response"] = answer.text(Piece::Kind::Text);
    if (auto thought = answer.text(Piece::Kind::Thought); !thought.empty()) {
        out["thinking"] = std::move(thought);
    }
}

void GenerateDialect::put_last(boost::json::object& out, Stats const& stats) {
    if (raw_) {
        return;
    }
    // As many numbers as tokens went in and out, for clients that send them back.
    boost::json::array context;
    for (std::size_t i = 0; i < stats.prompt_tokens + stats.tokens; ++i) {
        context.push_back(static_cast<std::int64_t>(i + 1));
    }
    out["context"] = std::move(context);
}

void ChatDialect::put_piece(boost::json::object& out, Piece const* piece) {
    boost::json::object message{{"role", "assistant"}, {"content", ""}};
    if (piece != nullptr && piece->kind == Piece::Kind::Text) {
        message["content"] = piece->text;
    } else if (piece != nullptr && piece->kind == Piece::Kind::Thought) {
        message["thinking"] = piece->text;
    } else if (piece != nullptr) {
        message["tool_calls"] = boost::json::array{tool_call(*piece, 0)};
    }
    out["message"] = std::move(message);
}

void ChatDialect::put_answer(boost::json::object& out, Answer const& answer) {
    boost::json::object message{{"role", "assistant"}, {"content", answer.text(Piece::Kind::Text)}};
    if (auto thought = answer.text(Piece::Kind::Thought); !thought.empty()) {
        message["thinking"] = std::move(thought);
    }
    boost::json::array calls;
    for (auto const& piece : answer.pieces) {
        if (piece.kind == Piece::Kind::ToolCall) {
            calls.push_back(tool_call(piece, calls.size()));
        }
    }
    if (!calls.empty()) {
        message["tool_calls"] = std::move(calls);
    }
    out["message"] = std::move(message);
}

void ChatDialect::put_last(boost::json::object&, Stats const&) {}

}  // namespace plimsoll::sim
