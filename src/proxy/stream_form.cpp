#include "proxy/stream_form.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/reply.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>
#include <spdlog/fmt/fmt.h>

#include <optional>

namespace plimsoll::proxy {
namespace {

constexpr std::size_t kMaxQuoted = 2000;  // bytes of an answer that is no error of an API

bool is_events(http::Dialect dialect) {
    return dialect == http::Dialect::OpenAi || dialect == http::Dialect::Anthropic;
}

// On one line, as both kinds of stream need it; nullopt: not an API's error.
std::optional<std::string> error_line(std::string_view body) {
    boost::system::error_code wrong;
    auto const value = boost::json::parse(body, wrong);
    if (wrong || !value.is_object() || !value.get_object().contains("error")) {
        return std::nullopt;
    }
    bool const is_one_line = body.find_first_of("\r\n") == std::string_view::npos;
    return is_one_line ? std::string(body) : boost::json::serialize(value);
}

}  // namespace

bool is_known_stream(http::Operation operation) {
    switch (operation) {
        case http::Operation::Generate:
        case http::Operation::Chat:
        case http::Operation::OpenAiChat:
        case http::Operation::OpenAiCompletions:
        case http::Operation::OpenAiResponses:
        case http::Operation::AnthropicMessages:
            return true;
        default:
            return false;
    }
}

std::string_view stream_type(http::Dialect dialect) {
    return is_events(dialect) ? "text/event-stream" : "application/x-ndjson";
}

std::string sign_of_life(http::Dialect dialect, std::size_t position, Duration waited) {
    if (!is_events(dialect)) {
        return " ";
    }
    return fmt::format(
        ": plimsoll: position {}, waited {:.0f} s\n\n", position, to_seconds(waited)
    );
}

std::string stream_error(
    http::Dialect dialect, unsigned status, std::string_view body, std::string_view request_id
) {
    auto const text = trim(body);
    auto line = error_line(text);
    if (!line) {
        auto const sentence = text.empty()
                                  ? fmt::format("the upstream answered {} without a word", status)
                                  : printable(text, kMaxQuoted);
        line = http::error_reply(dialect, status, sentence, request_id).body;
    }
    switch (dialect) {
        case http::Dialect::OpenAi:
            return "data: " + *line + "\n\n";
        case http::Dialect::Anthropic:
            return "event: error\ndata: " + *line + "\n\n";
        case http::Dialect::Ollama:
        case http::Dialect::Plimsoll:
            break;
    }
    return *line + "\n";
}

}  // namespace plimsoll::proxy
