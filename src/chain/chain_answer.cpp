#include "chain/chain_answer.hpp"

#include "chain/spec/json_text.hpp"

#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;
using http::Operation;

constexpr double kNano = 1e9;

std::string_view view_of(json::value const& text) {
    return {text.get_string().data(), text.get_string().size()};
}

// A text, or a list of parts of which the texts count.
std::string content_of(json::object const& message) {
    auto const* const content = message.if_contains("content");
    if (content == nullptr) {
        return {};
    }
    if (content->is_string()) {
        return std::string(view_of(*content));
    }
    std::string out;
    if (auto const* const parts = content->if_array()) {
        for (auto const& part : *parts) {
            auto const* const object = part.if_object();
            auto const* const text = object == nullptr ? nullptr : object->if_contains("text");
            if (text != nullptr && text->is_string()) {
                out += (out.empty() ? "" : "\n") + std::string(view_of(*text));
            }
        }
    }
    return out;
}

bool is_user(json::value const& message) {
    auto const* const object = message.if_object();
    auto const* const role = object == nullptr ? nullptr : object->if_contains("role");
    return role != nullptr && role->is_string() && view_of(*role) == "user";
}

std::string last_user_message(json::object const& body) {
    auto const* const messages = body.if_contains("messages");
    auto const* const list = messages == nullptr ? nullptr : messages->if_array();
    if (list == nullptr) {
        return {};
    }
    for (auto each = list->rbegin(); each != list->rend(); ++each) {
        if (is_user(*each)) {
            return content_of(each->get_object());
        }
    }
    return {};
}

std::int64_t nanoseconds(json::object const& result, std::string_view key) {
    auto const* const value = result.if_contains(key);
    return value == nullptr || !value->is_number()
               ? 0
               : static_cast<std::int64_t>(value->to_number<double>() * kNano);
}

json::object usage(json::object const& result) {
    auto const asked = count_member(result, "prompt_tokens");
    auto const answered = count_member(result, "tokens");
    return {
        {"prompt_tokens", asked},
        {"completion_tokens", answered},
        {"total_tokens", asked + answered}
    };
}

std::string event(json::object const& data) {
    return "data: " + json::serialize(data) + "\n\n";
}

}  // namespace

std::expected<ChainQuestion, std::string> read_question(
    Operation operation, std::string_view body
) {
    boost::system::error_code broken;
    auto const parsed = json::parse(body, broken);
    if (broken || !parsed.is_object()) {
        return std::unexpected("the body is no JSON object");
    }
    auto const& object = parsed.get_object();
    ChainQuestion out;
    out.is_stream = operation != Operation::OpenAiChat;
    if (auto const* const stream = object.if_contains("stream"); stream && stream->is_bool()) {
        out.is_stream = stream->get_bool();
    }
    if (auto const* const options = object.if_contains("stream_options");
        options && options->is_object()) {
        auto const* const usage = options->get_object().if_contains("include_usage");
        out.wants_usage = usage != nullptr && usage->is_bool() && usage->get_bool();
    }
    if (operation == Operation::Generate) {
        auto const* const prompt = object.if_contains("prompt");
        out.input = prompt != nullptr && prompt->is_string() ? std::string(view_of(*prompt)) : "";
    } else {
        out.input = last_user_message(object);
        if (out.input.empty()) {
            return std::unexpected(
                "a chain takes the last message of the user as its input; there is none"
            );
        }
    }
    return out;
}

ChainAnswer::ChainAnswer(
    Operation operation, std::string model, std::string run_id, std::int64_t created
)
    : operation_(operation),
      model_(std::move(model)),
      run_id_(std::move(run_id)),
      created_(created) {}

std::string_view ChainAnswer::content_type(bool is_stream) const {
    if (!is_stream) {
        return "application/json; charset=utf-8";
    }
    return is_openai() ? "text/event-stream" : "application/x-ndjson";
}

json::object ChainAnswer::native(std::string_view content, std::string_view thinking) const {
    json::object out{{"model", model_}, {"created_at", net::rfc3339(net::wall_now())}};
    if (operation_ == Operation::Chat) {
        json::object message{{"role", "assistant"}, {"content", content}};
        if (!thinking.empty()) {
            message["thinking"] = thinking;
        }
        out["message"] = std::move(message);
    } else {
        out["response"] = content;
        if (!thinking.empty()) {
            out["thinking"] = thinking;
        }
    }
    return out;
}

json::object ChainAnswer::chunk(json::object delta, bool is_last) const {
    return {
        {"id", "chatcmpl-" + run_id_},
        {"object", "chat.completion.chunk"},
        {"created", created_},
        {"model", model_},
        {"system_fingerprint", "fp_plimsoll"},
        {"choices",
         json::array{json::object{
             {"index", 0},
             {"delta", std::move(delta)},
             {"finish_reason", is_last ? json::value("stop") : json::value(nullptr)},
         }}},
    };
}

std::string ChainAnswer::piece(std::string_view content, std::string_view thinking) {
    if (!is_openai()) {
        auto line = native(content, thinking);
        line["done"] = false;
        return json::serialize(line) + "\n";
    }
    json::object delta;
    if (!has_begun_) {
        delta["role"] = "assistant";
        has_begun_ = true;
    }
    delta["content"] = content;
    if (!thinking.empty()) {
        delta["reasoning"] = thinking;
    }
    return event(chunk(std::move(delta), false));
}

std::string ChainAnswer::end(json::object const& result, bool wants_usage) const {
    if (is_openai()) {
        auto out = event(chunk({{"content", ""}}, true));
        if (wants_usage) {
            auto last = chunk({}, false);
            last["choices"] = json::array();
            last["usage"] = usage(result);
            out += event(last);
        }
        return out + "data: [DONE]\n\n";
    }
    auto line = native("", "");
    line["done"] = true;
    line["done_reason"] = "stop";
    line["total_duration"] = nanoseconds(result, "seconds");
    line["load_duration"] = nanoseconds(result, "load_seconds");
    line["prompt_eval_count"] = count_member(result, "prompt_tokens");
    line["eval_count"] = count_member(result, "tokens");
    return json::serialize(line) + "\n";
}

std::string ChainAnswer::failure(std::string_view message) const {
    if (is_openai()) {
        return event(
            {{"error",
              {{"message", message}, {"type", "api_error"}, {"param", nullptr}, {"code", nullptr}}}}
        );
    }
    return json::serialize(json::object{{"error", message}}) + "\n";
}

std::string ChainAnswer::whole(
    std::string_view content, std::string_view thinking, json::object const& result
) const {
    if (is_openai()) {
        json::object message{{"role", "assistant"}, {"content", content}};
        if (!thinking.empty()) {
            message["reasoning"] = thinking;
        }
        return json::serialize(json::object{
            {"id", "chatcmpl-" + run_id_},
            {"object", "chat.completion"},
            {"created", created_},
            {"model", model_},
            {"system_fingerprint", "fp_plimsoll"},
            {"choices",
             json::array{json::object{
                 {"index", 0}, {"message", std::move(message)}, {"finish_reason", "stop"}
             }}},
            {"usage", usage(result)},
        });
    }
    boost::system::error_code ignored;
    auto out = native(content, thinking);
    auto const last = json::parse(end(result, false), ignored);
    for (auto const& member : last.as_object()) {
        if (!out.contains(member.key())) {
            out[member.key()] = member.value();
        }
    }
    return json::serialize(out);
}

}  // namespace plimsoll::chain
